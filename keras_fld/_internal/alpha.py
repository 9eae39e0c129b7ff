"""Transparent images as a viewer shows them: composited on white.

Pixels whose alpha is 0 may hold anything, also what somebody erased; their colors must not be used.
"""

import struct

import cv2
import numpy as np

# Formats that tell only by decoding whether they have alpha: GIF, TIFF, JPEG 2000, and AVIF, whose
# first four bytes are a length.
_MAYBE = (b"GIF8", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")
_PNG = b"\x89PNG\r\n\x1a\n"
_ROWS = 256


def on_white(image: np.ndarray, premultiplied: bool = False) -> np.ndarray:
    """Composites an image on white.

    Args:
        image: (height, width, 4) uint8, alpha last.
        premultiplied: whether the colors are already multiplied by alpha.

    Returns:
        (height, width, 3) uint8; where alpha is 255, the colors as they are.

    Examples:
        >>> on_white(np.uint8([[[9, 9, 9, 0], [9, 9, 9, 255]]])).tolist()
        [[[255, 255, 255], [9, 9, 9]]]
    """
    result = np.empty((*image.shape[:2], 3), np.uint8)
    for row in range(0, len(image), _ROWS):  # in strips, as it takes twice the image's memory
        colors = image[row : row + _ROWS, :, :3].astype(np.uint16)
        alpha = image[row : row + _ROWS, :, 3:].astype(np.uint16)
        if premultiplied:
            mixed = np.minimum(colors + (255 - alpha), 255)
        else:
            mixed = (colors * alpha + 255 * (255 - alpha) + 127) // 255
        result[row : row + _ROWS] = mixed
    return result


def decode(data: np.ndarray, flags: int) -> np.ndarray | None:
    """`cv2.imdecode` to (height, width, 3) uint8 BGR, transparent pixels composited on white.

    Args:
        data: (bytes,) uint8, an image file's content.
        flags: of `cv2.imdecode`; a rotation tag is ignored where the image has alpha.

    Returns:
        The image; None where it cannot be decoded.
    """
    head = data[:64].tobytes()
    if not _may_have_alpha(head, data):
        return cv2.imdecode(data, flags)
    image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if image is None:
        return None
    if image.ndim == 3 and image.shape[2] == 4:
        # OpenCV gives the 8 bits of a TIFF as libtiff does, multiplied.
        premultiplied = head[:2] in (b"II", b"MM") and image.dtype == np.uint8
        return on_white(eight_bits(image), premultiplied) if _integers(image) else None
    if image.ndim == 2 and head.startswith(_PNG):  # OpenCV leaves a gray PNG's key color out
        gray = cv2.cvtColor(eight_bits(image), cv2.COLOR_GRAY2BGR)
        gray[image == _gray_key(data)] = 255
        return gray
    return cv2.imdecode(data, flags)


def eight_bits(image: np.ndarray) -> np.ndarray:
    """An image of 8 or 16 bits in 8: of 16 the upper ones, as OpenCV's decoders take them."""
    return image if image.dtype == np.uint8 else (image >> 8).astype(np.uint8)


def _integers(image):
    return image.dtype in (np.uint8, np.uint16)


def _may_have_alpha(head, data):
    """Whether a file's image may have transparent pixels."""
    if head.startswith(_PNG):
        # Color types with alpha; or a key color, whose chunk comes before the pixels'.
        return head[25] in (4, 6) or _chunk(data, b"tRNS") is not None
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        kind = head[12:16]
        flagged = kind == b"VP8X" and head[20] & 0x10
        return bool(flagged or (kind == b"VP8L" and head[24] & 0x10))
    return head.startswith(_MAYBE) or head[4:12] in (b"ftypavif", b"ftypavis", b"ftypmif1")


def _gray_key(data):
    """The gray value that a PNG declares transparent, in its decoded pixels' units."""
    depth = int(data[24])
    key = struct.unpack(">H", (_chunk(data, b"tRNS") or b"")[:2].ljust(2, b"\0"))[0]
    return key * 255 // (2**depth - 1) if depth < 8 else key


def _chunk(data, name):
    """What a PNG's chunk before the pixels holds; None where there is none."""
    place = len(_PNG)
    while place + 8 <= len(data):
        length, kind = struct.unpack(">L4s", data[place : place + 8].tobytes())
        if kind == name:
            return data[place + 8 : place + 8 + length].tobytes()
        if kind in (b"IDAT", b"IEND"):
            break
        place += 12 + length
    return None
