"""Reading image files, with the file's name in every error."""

from pathlib import Path

import cv2
import numpy as np


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
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from error
    image = None
    # Half a PNG is refused here: the library below would also print a line of its own.
    half = data[:8].tobytes() == b"\x89PNG\r\n\x1a\n" and b"IEND" not in data[-64:].tobytes()
    if data.size and not half:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        try:
            image = cv2.imdecode(data, flags)
        except cv2.error:  # a header that declares an absurd size
            image = None
    if image is None:
        raise ValueError(f"{path}: not an image that can be read ({data.size} bytes)")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
