"""Reading image files, with the file's name in every error."""

from pathlib import Path

import cv2
import numpy as np

_REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def read_image(path):
    """Reads an image file.

    Args:
        path: a file in a format OpenCV reads.

    Returns:
        (height, width, 3) uint8 RGB, as stored: a rotation tag is not applied, because annotations
        refer to the stored pixels.

    Raises:
        ValueError: the file cannot be read, or is not an image.
    """
    path = Path(path)
    return cv2.cvtColor(_decode(path, _content(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def read_reduced(path, scale):
    """Reads an image file no larger than it is needed, where its format can: a JPEG's decoder
    skips what a reduction by 2, 4 or 8 would average away, in less than half the time.

    Args:
        path: a file in a format OpenCV reads.
        scale: at most this size of the photograph is needed, such as 0.4.

    Returns:
        (height, width, 3) uint8 BGR, and the (2, 3) matrix from its pixels to the photograph's.

    Raises:
        ValueError: the file cannot be read, or is not an image.
    """
    path = Path(path)
    data = _content(path)
    factor = 1
    if data[:3].tobytes() == b"\xff\xd8\xff":
        factor = next((k for k in (8, 4, 2) if k * scale <= 1), 1)
    image = _decode(path, data, _REDUCED.get(factor, cv2.IMREAD_COLOR))
    # Pixel centres: the first pixel is the average of 0..factor - 1.
    shift = (factor - 1) / 2
    return image, np.array([[factor, 0.0, shift], [0.0, factor, shift]])


def _content(path):
    try:
        return np.fromfile(path, np.uint8)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from error


def _decode(path, data, flags):
    image = None
    # Half a PNG is refused here: the library below would also print a line of its own.
    half = data[:8].tobytes() == b"\x89PNG\r\n\x1a\n" and b"IEND" not in data[-64:].tobytes()
    if data.size and not half:
        try:
            image = cv2.imdecode(data, flags | cv2.IMREAD_IGNORE_ORIENTATION)
        except cv2.error:  # a header that declares an absurd size
            image = None
    if image is None:
        raise ValueError(f"{path}: not an image that can be read ({data.size} bytes)")
    return image
