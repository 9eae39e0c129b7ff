"""The rotation tag of an image file, and turning what was stored upright, as viewers do.

One rule for every format and every version of OpenCV, which turns some formats and not others.
"""

import io
import struct

import numpy as np

UPRIGHT = 1
_PNG = b"\x89PNG\r\n\x1a\n"
# The properties of an AVIF stand before its pixels, within so many bytes.
_AVIF_HEAD = 65536
_LONGEST_SEGMENT = 65000


def orientation(data: bytes) -> int:
    """The orientation of EXIF that an image file states.

    Args:
        data: the file's content.

    Returns:
        1 for what is stored upright, or has no such tag; otherwise 2 to 8. A TIFF counts as
        upright, as OpenCV always turns it.

    Examples:
        >>> orientation(Path("photo.jpg").read_bytes())
        1
    """
    if data[:3] == b"\xff\xd8\xff":
        found = _stated(data)
    elif data[:8] == _PNG:
        found = _stated(_as_jpeg(_chunk(data, 8, b"eXIf", ">")))
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        found = _stated(_as_jpeg(_chunk(data, 12, b"EXIF", "<")))
    elif data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis"):
        found = _of_avif(data[:_AVIF_HEAD])
    else:
        found = UPRIGHT
    return found if 1 <= found <= 8 else UPRIGHT


def has_tag(data: bytes) -> bool:
    """Whether an image file says that it is to be turned: of a TIFF too."""
    tiff = data[:4] in (b"II*\0", b"MM\0*")
    return (_stated(data) in range(2, 9)) if tiff else orientation(data) != UPRIGHT


def turn(image: np.ndarray, tag: int) -> np.ndarray:
    """Stored pixels, (height, width, ...), as they are to be seen with an orientation of EXIF."""
    if tag >= 5:
        image = image.swapaxes(0, 1)
    if tag in (2, 3, 6, 7):
        image = image[:, ::-1]
    if tag in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def turn_matrix(tag: int, width: int, height: int) -> np.ndarray:
    """The (3, 3) matrix from the stored pixels of a size to those that `turn` gives."""
    matrix = np.eye(3)
    if tag >= 5:
        matrix, width, height = matrix[[1, 0, 2]], height, width
    if tag in (2, 3, 6, 7):
        matrix = np.array([[-1.0, 0, width - 1], [0, 1, 0], [0, 0, 1]]) @ matrix
    if tag in (3, 4, 7, 8):
        matrix = np.array([[1.0, 0, 0], [0, -1, height - 1], [0, 0, 1]]) @ matrix
    return matrix


def _stated(data):
    """What a JPEG or a TIFF states."""
    # Here, as it takes 20 ms that arrays of pixels do not need.
    import imagesize  # type: ignore[import-untyped]

    try:
        return int(imagesize.get_info(io.BytesIO(data)).rotation)
    except Exception:  # a damaged header, of which imagesize raises whatever its line raises
        return UPRIGHT


def _as_jpeg(exif):
    """EXIF data in a JPEG of one pixel, where imagesize looks for them."""
    exif = b"Exif\0\0" + exif.removeprefix(b"Exif\0\0")[:_LONGEST_SEGMENT]
    frame = b"\xff\xc0\0\x0b\x08\0\1\0\1\1\1\x11\0"
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif + frame


def _chunk(data, start, name, order):
    """Content of a PNG's or WebP's chunk of that name, b"" where there is none."""
    while start + 8 <= len(data):
        if order == ">":
            size, found = struct.unpack_from(">L4s", data, start)
        else:
            found, size = struct.unpack_from("<4sL", data, start)
        if found == name:
            return bytes(data[start + 8 : start + 8 + size])
        # A PNG's chunk ends in a checksum, a WebP's begins at an even place.
        start += 8 + size + (4 if order == ">" else size % 2)
    return b""


def _of_avif(head):
    """An AVIF is to be turned, counter-clockwise, by its `irot`, then mirrored by its `imir`."""
    shown = stored = np.arange(6).reshape(2, 3)
    place = head.find(b"\0\0\0\x09irot")
    if place >= 0 and place + 8 < len(head):
        shown = np.rot90(shown, head[place + 8] & 3)
    place = head.find(b"\0\0\0\x09imir")
    if place >= 0 and place + 8 < len(head):
        shown = np.flip(shown, axis=head[place + 8] & 1)
    return next(tag for tag in range(1, 9) if np.array_equal(turn(stored, tag), shown))
