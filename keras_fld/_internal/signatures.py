"""What kind of file it is, by its first bytes: a name may be wrong, or have no suffix."""

# As many bytes are enough.
HEAD = 32

_STARTS = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"BM",
    b"II*\0",  # TIFF
    b"MM\0*",
    b"II+\0",  # BigTIFF
    b"MM\0+",
    b"\xff\x4f\xff\x51",  # JPEG 2000
    b"\0\0\0\x0cjP  \r\n\x87\n",
    b"\x76\x2f\x31\x01",  # OpenEXR
    b"#?RADIANCE",
    b"\x59\xa6\x6a\x95",  # Sun raster
)
# ISO files are images where their brand is one of these, and else videos.
_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1")


def is_image(head):
    """Whether a file's first bytes are those of an image, an animated one included.

    Args:
        head: the first `HEAD` bytes, or all there are.

    Example:
        >>> is_image(b"\\x89PNG\\r\\n\\x1a\\n")
        True
    """
    if head.startswith(_STARTS):
        return True
    if head[:4] == b"RIFF":
        return head[8:12] == b"WEBP"
    if head[4:8] == b"ftyp":
        return head[8:12] in _BRANDS
    # PBM, PGM, PPM and PFM.
    return head[:1] == b"P" and head[1:2] in b"1234567Ff" and head[2:3].isspace()
