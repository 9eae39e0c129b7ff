"""Reading image files, with the file's name in every error, and images of other kinds."""

from pathlib import Path

import cv2
import numpy as np

# OpenCV warps images with sides up to this.
MAX_SIDE = 32766

_REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def read_image(path, upright=False):
    """Reads an image file.

    Args:
        path: a file in a format OpenCV reads.
        upright: whether to apply a rotation tag, as viewers do. Annotations refer to the stored
            pixels.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        ValueError: the file cannot be read, or is not an image.
    """
    path = Path(path)
    flags = cv2.IMREAD_COLOR if upright else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    return cv2.cvtColor(_decode(path, _content(path), flags), cv2.COLOR_BGR2RGB)


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
    flags = _REDUCED.get(factor, cv2.IMREAD_COLOR) | cv2.IMREAD_IGNORE_ORIENTATION
    image = _decode(path, data, flags)
    # Pixel centres: the first pixel is the average of 0..factor - 1.
    shift = (factor - 1) / 2
    return image, np.array([[factor, 0.0, shift], [0.0, factor, shift]])


def as_rgb(image, bgr=False, name=""):
    """An image as (height, width, 3) uint8 RGB.

    Args:
        image: a path, a colour or grey uint8 array, or a Pillow image.
        bgr: whether an array's channels are blue, green, red.
        name: what an error about an array begins with.

    Raises:
        ValueError: the file or the array is not an image, or a side is above 32,766 pixels.
    """
    if isinstance(image, (str, Path)):
        name, image, bgr = f"{image}: ", read_image(image, upright=True), False
    elif hasattr(image, "convert") and hasattr(image, "getbands"):  # Pillow's, never imported
        image, bgr = image.convert("RGB"), False
    image = np.asarray(image)
    if image.dtype != np.uint8 or not (
        image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    ):
        raise ValueError(
            f"{name}image must be a uint8 array of (height, width) or (height, width, 3). "
            f"Got: {image.dtype} {image.shape}"
        )
    if not image.size:
        raise ValueError(f"{name}image must have at least one pixel. Got: {image.shape}")
    if max(image.shape[:2]) > MAX_SIDE:
        raise ValueError(
            f"{name}image sides must be at most {MAX_SIDE} pixels. "
            f"Got: {image.shape[1]}x{image.shape[0]}"
        )
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    return image[..., ::-1].copy() if bgr else np.ascontiguousarray(image)


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
            image = cv2.imdecode(data, flags)
        except cv2.error:  # a header that declares an absurd size
            image = None
    if image is None:
        raise ValueError(f"{path}: not an image that can be read ({data.size} bytes)")
    return image
