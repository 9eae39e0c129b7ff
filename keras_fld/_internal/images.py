"""Reading and writing of image files, and conversion of images to RGB arrays."""

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from keras_fld._internal import alpha
from keras_fld._internal.files import FileError, reason, replacing
from keras_fld._internal.image_formats import format_of
from keras_fld._internal.image_size import declared_size
from keras_fld._internal.orientation import UPRIGHT, has_tag, orientation, turn, turn_matrix
from keras_fld._internal.pixels import rgb_of_array, rgb_of_pillow

if TYPE_CHECKING:
    import PIL.Image


# The largest side of an image that OpenCV can warp.
MAX_SIDE = 32766
# A small file can declare billions of pixels, and a decoder would allocate them. Larger images than
# this (0.75 GB) are rejected before decoding.
MAX_PIXELS = 250_000_000

# No format needs more bytes for a pixel, of 16 bits in four channels, besides its header.
_PIXEL_BYTES, _HEADER_BYTES = 8, 2**26

_REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def read_image(path: str | Path, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Reads an image file as viewers show it: upright, and transparent pixels on white.

    Coordinates, of annotations and of predictions, are those of the upright picture.

    Args:
        path: a file in a format that OpenCV reads.
        max_pixels: a file that declares more is refused before it is decoded.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        ValueError: the file cannot be read, is not an image, or the image is too large.
    """
    path = Path(path)
    return _upright(_content(path, max_pixels), path, max_pixels)


def decode_image(data: bytes, path: str | Path) -> np.ndarray:
    """Decodes the content of an image file as `read_image` does.

    Args:
        data: the content.
        path: the name to use in errors.

    Raises:
        ValueError: it is not an image, or declares too large a one.
    """
    return _upright(np.frombuffer(data, np.uint8), path)


def _upright(data, path, max_pixels=MAX_PIXELS):
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.cvtColor(_decode(path, data, flags, max_pixels), cv2.COLOR_BGR2RGB)
    return turn(image, orientation(data.tobytes()))


def has_rotation_tag(path: str | Path) -> bool:
    """Whether an image file has a tag by which `read_image` turns it.

    Raises:
        ValueError: the file cannot be read.
    """
    return has_tag(_content(Path(path)).tobytes())


def read_reduced(path, scale):
    """Reads an image file upright, reduced while decoding if possible.

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
    tag, size = orientation(data.tobytes()), declared_size(data)
    factor = 1
    # A turned photograph's first pixel was its last one: where that is, its size says.
    if data[:3].tobytes() == b"\xff\xd8\xff" and (tag == UPRIGHT or size is not None):
        factor = next((k for k in (8, 4, 2) if k * scale <= 1), 1)
    flags = _REDUCED.get(factor, cv2.IMREAD_COLOR) | cv2.IMREAD_IGNORE_ORIENTATION
    image = _decode(path, data, flags)
    # The first pixel is the average of pixels 0 to factor - 1.
    shift = (factor - 1) / 2
    to_photo = np.array([[factor, 0.0, shift], [0.0, factor, shift], [0.0, 0.0, 1.0]])
    if size is not None and tag != UPRIGHT and factor > 1:
        turned = turn_matrix(tag, image.shape[1], image.shape[0])
        to_photo = turn_matrix(tag, *size) @ to_photo @ np.linalg.inv(turned)
    return turn(image, tag), to_photo[:2]


def as_rgb(
    image: "np.ndarray | str | Path | PIL.Image.Image",
    bgr: bool = False,
    name: str = "",
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Converts an image to (height, width, 3) uint8 RGB.

    Args:
        image: a path, an array as `pixels.rgb_of_array` takes it, or a Pillow image. Transparent
            pixels are composited on white.
        bgr: whether an array's channels are blue, green, red.
        name: what an error about an array begins with.
        max_pixels: an image of more pixels is refused, a file before it is decoded.

    Raises:
        TypeError: none of these.
        ValueError: the file or the array is not an image, a side is above 32,766 pixels, or it has
            too many pixels.
    """
    if isinstance(image, (str, Path)):
        name, found = f"{image}: ", read_image(image, max_pixels=max_pixels)
    elif hasattr(image, "convert") and hasattr(image, "getbands"):  # Pillow's, never imported
        _check_size(image.size, max_pixels, name)  # before it is decoded
        found = rgb_of_pillow(image, name)
    else:
        found = rgb_of_array(image, bgr, name)
    if not found.size:
        raise ValueError(f"{name}image must have at least one pixel. Got: {found.shape}")
    _check_size(found.shape[1::-1], max_pixels, name)
    return found


def _check_size(size, max_pixels, name):
    """Raises ValueError where an image of (width, height) is too large."""
    if max(size) > MAX_SIDE or size[0] * size[1] > max_pixels:
        raise ValueError(f"{name}{_size_rule(size, max_pixels)}")


def _size_rule(size, max_pixels):
    return (
        f"an image must have sides of at most {MAX_SIDE} pixels and at most {max_pixels:,} pixels. "
        f"Got: {size[0]}x{size[1]}"
    )


def _content(path, max_pixels=MAX_PIXELS):
    most = _PIXEL_BYTES * max_pixels + _HEADER_BYTES
    try:
        size = path.stat().st_size
        if size <= most:
            return np.fromfile(path, np.uint8)
    except OSError as error:
        raise FileError(path, reason(error)) from error
    rule = f"an image file of at most {max_pixels:,} pixels must have at most {most:,} bytes"
    raise FileError(path, f"{rule}. Got: {size:,}")


def _decode(path, data, flags, max_pixels=MAX_PIXELS):
    size = declared_size(data)
    if size is not None and (max(size) > MAX_SIDE or size[0] * size[1] > max_pixels):
        raise FileError(path, _size_rule(size, max_pixels))
    image = None
    # Truncated PNG files are rejected here, because libpng would print a message of its own.
    half = data[:8].tobytes() == b"\x89PNG\r\n\x1a\n" and b"IEND" not in data[-64:].tobytes()
    if data.size and not half:
        try:
            image = alpha.decode(data, flags)
        except cv2.error:  # a header that declares an absurd size
            image = None
    if image is None:
        raise FileError(path, _unreadable(data))
    return image


def _unreadable(data):
    """Why a file's content could not be decoded."""
    known = format_of(data[:64].tobytes())
    rule = f"not an image that can be read ({data.size} bytes)"
    if known is None:
        return rule
    damaged = known.name in ("JPEG", "PNG", "BMP", "TIFF", "WebP", "Netpbm")  # in every OpenCV
    return f"{rule}: a damaged {known.name}" if damaged else f"{rule}: a {known.name}; {known.help}"


def save_image(path: str | Path, image: np.ndarray) -> None:
    """Writes an RGB uint8 image atomically. The suffix determines the format."""
    # `cv2.imwrite` is not used because it does not say why writing failed.
    done, data = cv2.imencode(Path(path).suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError(f"{path}: the image could not be written")
    with replacing(path) as temporary:
        temporary.write_bytes(data)
