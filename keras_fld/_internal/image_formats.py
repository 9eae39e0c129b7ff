"""The image formats: how to know one by its first bytes, whatever the file is called."""

import re
from dataclasses import dataclass
from pathlib import Path

from keras_fld._internal.files import printable

# Bytes by which every format is known.
HEAD = 64
_ISO_JP2 = b"\0\0\0\x0cjP  \r\n\x87\n"


@dataclass(frozen=True)
class ImageFormat:
    """A format of image files.

    Args:
        name: what people call it.
        suffixes: of its files, in lower case.
        begins: regular expression of the first bytes.
        help: what to do with such a file where OpenCV does not read it.
    """

    name: str
    suffixes: tuple[str, ...]
    begins: bytes
    help: str = "convert it to JPEG or PNG"


# Photographs first: of files that differ only in the suffix, the first in this order is taken.
FORMATS = (
    ImageFormat("JPEG", (".jpg", ".jpeg", ".jfif", ".jpe"), rb"\xff\xd8\xff"),
    ImageFormat("PNG", (".png",), rb"\x89PNG\r\n\x1a\n"),
    ImageFormat("BMP", (".bmp", ".dib"), rb"BM.{4}\0{4}"),
    ImageFormat("TIFF", (".tif", ".tiff"), rb"II[*+]\0|MM\0[*+]"),
    ImageFormat("WebP", (".webp",), rb"RIFF.{4}WEBP"),
    # A brand of many such files is mif1; what else they are compatible with tells the two apart.
    ImageFormat("AVIF", (".avif",), rb".{4}ftyp(avi[fs]|mif1.{4}(.{4})*?avi[fs])"),
    ImageFormat(
        "HEIC",
        (".heic", ".heif"),
        rb".{4}ftyp(hei[cxms]|hev[cxms]|mif1|msf1)",
        "OpenCV has no decoder for it: convert it to JPEG, as by heif-convert, or read it with the "
        "package pillow-heif and pass the Pillow image to FaceLandmarker",
    ),
    ImageFormat("GIF", (".gif",), rb"GIF8[79]a"),
    ImageFormat("JPEG 2000", (".jp2", ".j2k", ".jpx"), re.escape(_ISO_JP2) + rb"|\xff\x4f\xff\x51"),
    ImageFormat(
        "JPEG XL",
        (".jxl",),
        rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n",
        "OpenCV has no decoder for it: convert it to PNG or JPEG, as by djxl",
    ),
    ImageFormat("Netpbm", (".ppm", ".pgm", ".pbm", ".pnm", ".pam"), rb"P[1-6]\s+[\d#]|P7\n"),
    ImageFormat("Radiance HDR", (".hdr", ".pic"), rb"#\?(RADIANCE|RGBE)"),
    ImageFormat(
        "OpenEXR",
        (".exr",),
        rb"\x76\x2f\x31\x01",
        "OpenCV reads it only where the environment variable OPENCV_IO_ENABLE_OPENEXR is 1",
    ),
    ImageFormat("Sun raster", (".ras", ".sr"), rb"\x59\xa6\x6a\x95"),
    ImageFormat("Photoshop document", (".psd",), rb"8BPS"),
)
SUFFIXES = tuple(suffix for known in FORMATS for suffix in known.suffixes)


def format_of(head: bytes) -> ImageFormat | None:
    """The format of a file that begins with these bytes; None where it is no image's.

    Examples:
        >>> format_of(b"GIF89a").name
        'GIF'
    """
    head = head[:HEAD]
    return next((f for f in FORMATS if re.match(f.begins, head, re.DOTALL)), None)


def is_image(path: str | Path) -> bool:
    """Whether a file is to be read as an image: its content is one's, or its name says so.

    A damaged image is one too, and a file that cannot be opened: reading it then says why, in place
    of leaving it out.
    """
    path = Path(path)
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            return format_of(file.read(HEAD)) is not None
    except OSError:
        return True


def in_order(path: Path) -> tuple[int, str]:
    """A key by which files of one name are sorted: by their suffixes' place in the table."""
    suffix = path.suffix.lower()
    return (SUFFIXES.index(suffix) if suffix in SUFFIXES else len(SUFFIXES)), path.name


def left_out(names, one: str, many: str) -> list[str]:
    """One sentence on files that a folder's run leaves out; none where there is none.

    Args:
        names: the files' names.
        one, many: what they are not, such as "an image" and "images".

    Examples:
        >>> left_out(["b.txt", "a.txt"], "an image", "images")
        ['left out 2 files that are not images: a.txt, b.txt']
    """
    names = sorted(map(printable, names))
    if not names:
        return []
    more = ", ..." if len(names) > 3 else ""
    count = f"1 file that is not {one}"
    if len(names) > 1:
        count = f"{len(names):,} files that are not {many}"
    return [f"left out {count}: {', '.join(names[:3])}{more}"]
