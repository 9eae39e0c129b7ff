"""The JSON file that describes a `.tflite` file without metadata.

For example, `face.json` describes `face.tflite`:

    {
      "keras_fld": 1,
      "input": {"size": 128, "margin": 1.3, "color": "RGB", "range": "-1..1"},
      "output": {"units": "fraction"},
      "scheme": "ibug68"
    }

`keras_fld` is the version of the format. `size` is the crop's side in pixels, and `margin` its side
in face boxes. `color` is "RGB" or "BGR". `range` is the range of the model's input: "0..255",
"0..1", "-1..1", or [scale, offset], which are applied to colors from 0 to 255; each is a number or
a list of three. `units` is the unit of the output: "pixels" of the crop, where the center of the
first pixel is 0; "fraction" of the crop's side; or a number of pixels per unit. `output` may have
`index`, the index of the output with the landmarks. `scheme` is the name of a scheme, a description
as in `schemes.custom`, or null.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_fld import schemes
from keras_fld._internal.files import read_json
from keras_fld._internal.names import INPUT_RANGES
from keras_fld.geometry.frame import FaceCrop
from keras_fld.schemes import Scheme

VERSION = 1
_KEYS = {
    "": ("keras_fld", "input", "output", "scheme"),
    "input": ("size", "margin", "color", "range"),
    "output": ("units", "index"),
}


@dataclass(frozen=True)
class Description:
    """A validated description.

    Args:
        frame: the `FaceCrop` of the model's crops.
        bgr: whether the channels are in the order blue, green, red.
        scale, offset: factor and offset that map 0..255 to the model's input: numbers or (3,)
            arrays.
        pixels: crop pixels per unit of the output.
        index: index of the output with the landmarks, or None if there is only one output.
        scheme: the `Scheme` of the landmarks, or None.
    """

    frame: FaceCrop
    bgr: bool
    scale: np.ndarray
    offset: np.ndarray
    pixels: float
    index: int | None
    scheme: Scheme | None


def beside(path: str | Path) -> Path:
    """Returns the path of the description of a `.tflite` file."""
    return Path(path).with_suffix(".json")


def read(path: str | Path) -> Description:
    """Reads and validates a description.

    Args:
        path: the JSON file.

    Raises:
        ValueError: the file cannot be read, or a field is missing, unknown or of the wrong type.

    Examples:
        >>> read("face.json").frame.size
        128
    """
    try:
        return from_dict(read_json(path))
    except ValueError as error:
        message = str(error)
        raise ValueError(
            message if message.startswith(str(path)) else f"{path}: {message}"
        ) from error


def from_dict(about: Any) -> Description:
    """Validates the content of a description file; raises ValueError as `read` does."""
    _check_keys(about, "")
    _field(about, "keras_fld", lambda x: x == VERSION and x is not True, f"the number {VERSION}")
    for part in ("input", "output"):
        _check_keys(about.get(part), part)
    given, gives = about["input"], about["output"]
    size = _field(given, "input.size", lambda x: _whole(x, 1), "a whole number of at least 1")
    margin = _field(given, "input.margin", lambda x: _number(x) and x > 0, "a number above 0")
    color = _field(given, "input.color", lambda x: x in ("RGB", "BGR"), "RGB or BGR")
    scale, offset = _range(given)
    units = _field(
        gives,
        "output.units",
        lambda x: x in ("pixels", "fraction") or (_number(x) and x > 0),
        "pixels, fraction or a number of pixels above 0",
    )
    index = gives.get("index")
    if index is not None and not _whole(index, 0):
        raise ValueError(f"output.index must be a whole number of at least 0. Got: {index!r}")
    scheme = _field(
        about,
        "scheme",
        lambda x: x is None or isinstance(x, (str, dict)),
        "a name, a scheme or null",
    )
    return Description(
        frame=FaceCrop(size, float(margin)),
        bgr=color == "BGR",
        scale=scale,
        offset=offset,
        pixels={"pixels": 1.0, "fraction": float(size)}.get(units) or float(units),
        index=index,
        scheme=None if scheme is None else schemes.get(scheme),
    )


def _check_keys(part, name):
    called = name or "a description"
    if not isinstance(part, dict):
        raise ValueError(f"{called} must be a JSON object. Got: {part!r}"[:200])
    for key in part:
        if key not in _KEYS[name]:
            raise ValueError(f"{called} can only have {', '.join(_KEYS[name])}. Got: {key!r}")


def _field(part, name, good, rule):
    key = name.rpartition(".")[2]
    value = part.get(key, ...)
    # A list is unhashable, so `good` cannot look it up.
    if value is ... or (isinstance(value, list) and name != "input.range") or not good(value):
        got = "nothing" if value is ... else repr(value)[:80]
        raise ValueError(f"{name} must be {rule}. Got: {got}")
    return value


def _range(given):
    """Returns scale and offset from 0..255 to the model's input."""

    def good(value):
        if isinstance(value, str):
            return value in INPUT_RANGES
        if not isinstance(value, list) or len(value) != 2:
            return False
        parts = [part if isinstance(part, list) else [part] for part in value]
        return all(len(part) in (1, 3) and all(map(_number, part)) for part in parts)

    rule = f"one of {', '.join(INPUT_RANGES)} or [scale, offset]"
    value = _field(given, "input.range", good, rule)
    scale, offset = INPUT_RANGES[value] if isinstance(value, str) else value
    return np.asarray(scale, np.float32), np.asarray(offset, np.float32)


def _number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _whole(value, least):
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**31
