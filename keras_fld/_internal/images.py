"""Reading image files, with the file's name in every error, and images of other kinds."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from keras_fld._internal.files import FileError, reason, replacing
from keras_fld._internal.image_formats import format_of
from keras_fld._internal.orientation import UPRIGHT, has_tag, orientation, turn, turn_matrix

if TYPE_CHECKING:
    import PIL.Image


# OpenCV warps images with sides up to this.
MAX_SIDE = 32766
# A file of some kilobytes may declare billions of pixels, and a decoder believes it: at this many,
# 0.75 GB, an image is refused unread.
MAX_PIXELS = 250_000_000

# The size of a PGM or PPM stands within so many bytes.
_NETPBM_HEAD = 4096

_REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def read_image(path: str | Path) -> np.ndarray:
    """Reads an image file upright: turned by its rotation tag, as viewers show it.

    Coordinates, of annotations and of predictions, are those of the upright picture.

    Args:
        path: a file in a format OpenCV reads.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        ValueError: the file cannot be read, is not an image, or declares too large a one.
    """
    path = Path(path)
    return _upright(_content(path), path)


def decode_image(data: bytes, path: str | Path) -> np.ndarray:
    """The image of a file's content, as of `read_image`.

    Args:
        data: the content.
        path: what an error calls it.

    Raises:
        ValueError: it is not an image, or declares too large a one.
    """
    return _upright(np.frombuffer(data, np.uint8), path)


def _upright(data, path):
    image = _decode(path, data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return turn(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), orientation(data.tobytes()))


def has_rotation_tag(path: str | Path) -> bool:
    """Whether an image file has a tag by which `read_image` turns it.

    Raises:
        ValueError: the file cannot be read.
    """
    return has_tag(_content(Path(path)).tobytes())


def read_reduced(path, scale):
    """Reads an image file upright and no larger than it is needed, where its format can: a JPEG's
    decoder skips what a reduction by 2, 4 or 8 would average away, in less than half the time.

    Args:
        path: a file in a format OpenCV reads.
        scale: at most this size of the photograph is needed, such as 0.4.

    Returns:
        (height, width, 3) uint8 BGR, and the (2, 3) matrix from its pixels to the photograph's.

    Raises:
        ValueError: the file cannot be read, is not an image, or declares too large a one.
    """
    path = Path(path)
    data = _content(path)
    tag, size = orientation(data.tobytes()), _declared_size(data)
    factor = 1
    # A turned photograph's first pixel was its last one: where that is, its size says.
    if data[:3].tobytes() == b"\xff\xd8\xff" and (tag == UPRIGHT or size is not None):
        factor = next((k for k in (8, 4, 2) if k * scale <= 1), 1)
    flags = _REDUCED.get(factor, cv2.IMREAD_COLOR) | cv2.IMREAD_IGNORE_ORIENTATION
    image = _decode(path, data, flags)
    # Pixel centers: the first pixel is the average of 0..factor - 1.
    shift = (factor - 1) / 2
    to_photo = np.array([[factor, 0.0, shift], [0.0, factor, shift], [0.0, 0.0, 1.0]])
    if tag != UPRIGHT and factor > 1:
        turned = turn_matrix(tag, image.shape[1], image.shape[0])
        to_photo = turn_matrix(tag, *size) @ to_photo @ np.linalg.inv(turned)
    return turn(image, tag), to_photo[:2]


def as_rgb(
    image: "np.ndarray | str | Path | PIL.Image.Image", bgr: bool = False, name: str = ""
) -> np.ndarray:
    """An image as (height, width, 3) uint8 RGB.

    Args:
        image: a path, a color or gray uint8 array, or a Pillow image.
        bgr: whether an array's channels are blue, green, red.
        name: what an error about an array begins with.

    Raises:
        ValueError: the file or the array is not an image, or a side is above 32,766 pixels; or the
            file declares more than 250 million pixels.
    """
    if isinstance(image, (str, Path)):
        name, image, bgr = f"{image}: ", read_image(image), False
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
        raise FileError(path, reason(error)) from error


def _decode(path, data, flags):
    _check_declared(path, data)
    image = None
    # Half a PNG is refused here: the library below would also print a line of its own.
    half = data[:8].tobytes() == b"\x89PNG\r\n\x1a\n" and b"IEND" not in data[-64:].tobytes()
    if data.size and not half:
        try:
            image = cv2.imdecode(data, flags)
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


def _check_declared(path, data):
    """Raises ValueError where an image's header declares too large a size, before it is decoded."""
    size = _declared_size(data)
    if size is not None and (max(size) > MAX_SIDE or size[0] * size[1] > MAX_PIXELS):
        raise FileError(
            path,
            f"an image file must have sides of at most {MAX_SIDE} pixels and at most "
            f"{MAX_PIXELS:,} pixels. Got: {size[0]}x{size[1]}",
        )


def _declared_size(data):
    """(width, height) that a file's header declares; None where it is of an unknown format, which
    OpenCV refuses from 2^30 pixels on."""
    # Here, as it takes 20 ms that arrays of pixels do not need.
    import imagesize  # type: ignore[import-untyped]

    # Longer digits than any size has would take it minutes.
    data = data[:_NETPBM_HEAD] if data[:1].tobytes() == b"P" else data
    size = imagesize.get(io.BytesIO(data.tobytes()), exif_rotation=False)
    if size == (-1, -1):
        return None
    # It reads the sides of a GIF as signed numbers of 16 bits.
    return tuple(side & 0xFFFF if side < 0 else side for side in size)


def save_image(path: str | Path, image: np.ndarray) -> None:
    """Writes an RGB uint8 image; the format follows the suffix, the file appears whole."""
    # Not cv2.imwrite, which does not say why a disk refuses.
    done, data = cv2.imencode(Path(path).suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError(f"{path}: the image could not be written")
    with replacing(path) as temporary:
        temporary.write_bytes(data)
