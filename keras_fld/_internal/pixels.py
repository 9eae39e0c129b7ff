"""Arrays and Pillow images as the bytes that models see: values from 0 to 255."""

from typing import Any

import cv2
import numpy as np

from keras_fld._internal.alpha import eight_bits, on_white

# What an image or a batch may be given as, in errors.
KINDS = "an array, a path or a Pillow image"


def as_bytes(values: Any, name: str = "", what: str = "image") -> np.ndarray:
    """Numbers from 0 to 255 as uint8, others rounded.

    Args:
        values: an array, or what NumPy makes one of, such as a tensor.
        name: what an error begins with.
        what: what the array is, in errors.

    Raises:
        TypeError: no array of numbers.
        ValueError: a value outside 0 to 255 or that is not a number; or fractions none of which is
            above 1, which are meant to be from 0 to 1.

    Examples:
        >>> as_bytes(np.array([0.0, 127.6, 255.0])).tolist()
        [0, 128, 255]
    """
    array = np.asarray(values)
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind not in "biuf":
        got = "None" if values is None else f"{type(values).__name__} ({array.dtype})"
        raise TypeError(f"{name}{what} must be an array of numbers. Got: {got}")
    rule = f"{name}{what} must have values from 0 to 255"
    if array.dtype == np.bool_:
        raise ValueError(f"{rule}. Got: bool {array.shape}")
    if not array.size:
        return array.astype(np.uint8)
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 255):  # NaN too
        got = "NaN or infinity" if not np.isfinite([low, high]).all() else f"{low:g} to {high:g}"
        raise ValueError(f"{rule}. Got: {got}, {array.dtype} {array.shape}")
    if array.dtype.kind == "f" and 0 < high <= 1:
        raise ValueError(f"{rule}; multiply by 255. Got: at most {high:g}, {array.dtype}")
    return np.rint(array).astype(np.uint8) if array.dtype.kind == "f" else array.astype(np.uint8)


def rgb_of_array(values: Any, bgr: bool = False, name: str = "") -> np.ndarray:
    """An array as (height, width, 3) uint8 RGB.

    Args:
        values: (height, width), (height, width, 1), (height, width, 3) or, with alpha,
            (height, width, 4) values as `as_bytes` takes them.
        bgr: whether the channels are blue, green, red.
        name: what an error begins with.

    Raises:
        TypeError, ValueError: as `as_bytes`, or another shape.
    """
    if values is None or isinstance(values, (bytes, bytearray, dict, set)):
        raise TypeError(f"{name}image must be {KINDS}. Got: {_short(values)}")
    try:
        array = np.asarray(values)
    except ValueError as error:  # lists of unequal lengths
        raise ValueError(f"{name}image must be {KINDS} ({error})") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}image must be {KINDS}. Got: {_short(values)}")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        several = "; detect_many takes several images" * (array.ndim == 4)
        raise ValueError(
            f"{name}image must be an array of (height, width) or (height, width, channels), with "
            f"1, 3 or 4 channels{several}. Got: {array.dtype} {array.shape}"
        )
    if not array.size:
        raise ValueError(f"{name}image must have at least one pixel. Got: {array.shape}")
    array = as_bytes(array, name)
    if array.ndim == 2 or array.shape[2] == 1:
        return cv2.cvtColor(np.ascontiguousarray(array), cv2.COLOR_GRAY2RGB)
    if array.shape[2] == 4:
        array = on_white(array)
    return array[..., ::-1].copy() if bgr else np.ascontiguousarray(array)


def rgb_of_pillow(image: Any, name: str = "") -> np.ndarray:
    """A Pillow image as (height, width, 3) uint8 RGB; Pillow itself is never imported.

    Of 16 bits a pixel the upper 8 are taken, as of an image file; of 32 none are, as their range is
    not said.

    Raises:
        ValueError: mode I or F, or the image's file is damaged.
    """
    if image.mode in ("I", "F"):
        raise ValueError(
            f"{name}a Pillow image must have 8 or 16 bits a channel; scale it to 0..255 and "
            f"convert it to mode L. Got: mode {image.mode}"
        )
    try:
        if image.mode.startswith("I;16"):
            return cv2.cvtColor(eight_bits(np.asarray(image, np.uint16)), cv2.COLOR_GRAY2RGB)
        if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
            return on_white(np.asarray(image.convert("RGBA")))
        return np.array(image.convert("RGB"))
    except (OSError, SyntaxError) as error:  # it was opened, but not read yet
        raise ValueError(f"{name}not an image that Pillow can read ({error})") from error


def crops_of(images: Any, size: int) -> np.ndarray:
    """A batch of crops as a model takes it: (faces, size, size, 3) uint8.

    Args:
        images: RGB values as `as_bytes` takes them; an empty list is a batch of none.
        size: side of a crop in pixels.

    Raises:
        TypeError, ValueError: as `as_bytes`, or another shape.

    Examples:
        >>> crops_of([], 64).shape
        (0, 64, 64, 3)
    """
    images = as_bytes(images, what="crops")
    if images.ndim and not len(images):
        return np.empty((0, size, size, 3), np.uint8)
    if images.shape[1:] != (size, size, 3):
        raise ValueError(
            f"crops must be an array of (faces, {size}, {size}, 3). Got: {images.shape}"
        )
    return images


def _short(value):
    text = repr(value)
    kind = type(value).__name__
    return text if value is None else f"{kind} {text[:40]}{'...' * (len(text) > 40)}"
