"""Reading and writing of image files, and conversion of images to RGB arrays."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from keras_fld._internal.files import FileError, reason, replacing

if TYPE_CHECKING:
    import PIL.Image


# The largest side of an image that OpenCV can warp.
MAX_SIDE = 32766
# A small file can declare billions of pixels, and a decoder would allocate them. Larger images than
# this (0.75 GB) are rejected before decoding.
MAX_PIXELS = 250_000_000

# The header of a PGM or PPM file, which contains the size, is within this many bytes.
_NETPBM_HEAD = 4096

_REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def read_image(path: str | Path, upright: bool = False) -> np.ndarray:
    """Reads an image file.

    Args:
        path: a file in a format that OpenCV reads.
        upright: whether to apply the EXIF rotation, as image viewers do. Annotations refer to the
            pixels as stored.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        ValueError: the file cannot be read, is not an image, or the image is too large.
    """
    path = Path(path)
    flags = cv2.IMREAD_COLOR if upright else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    return cv2.cvtColor(_decode(path, _content(path), flags), cv2.COLOR_BGR2RGB)


def read_reduced(path, scale):
    """Reads an image file, reduced while decoding if possible.

    A JPEG can be decoded at 1/2, 1/4 or 1/8 of its size, in less than half the time. Other formats
    are read in full size.

    Args:
        path: a file in a format that OpenCV reads.
        scale: the required size as a fraction of the photograph's, such as 0.4.

    Returns:
        (height, width, 3) uint8 BGR, and the (2, 3) matrix from its pixels to the photograph's.

    Raises:
        ValueError: the file cannot be read, is not an image, or the image is too large.
    """
    path = Path(path)
    data = _content(path)
    factor = 1
    if data[:3].tobytes() == b"\xff\xd8\xff":
        factor = next((k for k in (8, 4, 2) if k * scale <= 1), 1)
    flags = _REDUCED.get(factor, cv2.IMREAD_COLOR) | cv2.IMREAD_IGNORE_ORIENTATION
    image = _decode(path, data, flags)
    # The first pixel is the average of pixels 0 to factor - 1.
    shift = (factor - 1) / 2
    return image, np.array([[factor, 0.0, shift], [0.0, factor, shift]])


def as_rgb(
    image: "np.ndarray | str | Path | PIL.Image.Image", bgr: bool = False, name: str = ""
) -> np.ndarray:
    """Converts an image to (height, width, 3) uint8 RGB.

    Args:
        image: a path, a color or gray uint8 array, or a Pillow image.
        bgr: whether the channels of an array are blue, green, red.
        name: prefix of error messages about an array.

    Raises:
        ValueError: the file or array is not an image, a side is longer than 32,766 pixels, or the
            file has more than 250 million pixels.
    """
    if isinstance(image, (str, Path)):
        name, image, bgr = f"{image}: ", read_image(image, upright=True), False
    elif hasattr(image, "convert") and hasattr(image, "getbands"):  # Pillow, which is not imported
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
        raise FileError(path, reason(error)) from error


def _decode(path, data, flags):
    _check_declared(path, data)
    image = None
    # Truncated PNG files are rejected here, because libpng would print a message of its own.
    half = data[:8].tobytes() == b"\x89PNG\r\n\x1a\n" and b"IEND" not in data[-64:].tobytes()
    if data.size and not half:
        try:
            image = cv2.imdecode(data, flags)
        except cv2.error:  # an absurd size in the header
            image = None
    if image is None:
        raise FileError(path, f"not an image that can be read ({data.size} bytes)")
    return image


def _check_declared(path, data):
    """Raises a ValueError if the size in an image's header is too large, before decoding."""
    size = _declared_size(data)
    if size is not None and (max(size) > MAX_SIDE or size[0] * size[1] > MAX_PIXELS):
        raise FileError(
            path,
            f"an image file must have sides of at most {MAX_SIDE} pixels and at most "
            f"{MAX_PIXELS:,} pixels. Got: {size[0]}x{size[1]}",
        )


def _declared_size(data):
    """(width, height) in a file's header; None if the format is unknown to `imagesize`.

    In those formats, OpenCV itself rejects images from 2^30 pixels on.
    """
    # Imported here because it takes 20 ms, which arrays of pixels do not need.
    import imagesize  # type: ignore[import-untyped]

    # It would spend minutes on absurdly long numbers in such a header.
    data = data[:_NETPBM_HEAD] if data[:1].tobytes() == b"P" else data
    size = imagesize.get(io.BytesIO(data.tobytes()), exif_rotation=False)
    if size == (-1, -1):
        return None
    # It reads the sides of a GIF as signed 16-bit numbers.
    return tuple(side & 0xFFFF if side < 0 else side for side in size)


def save_image(path: str | Path, image: np.ndarray) -> None:
    """Writes an RGB uint8 image atomically. The suffix determines the format."""
    # `cv2.imwrite` is not used because it does not say why writing failed.
    done, data = cv2.imencode(Path(path).suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError(f"{path}: the image could not be written")
    with replacing(path) as temporary:
        temporary.write_bytes(data)
