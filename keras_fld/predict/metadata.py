"""Reads the metadata of a `.tflite` file, without TensorFlow.

`lite.metadata` writes it as a JSON buffer in the file's metadata table. docs/guides/app.md lists
the fields, and shows how to read them in a browser.
"""

import json
import math
import struct
from pathlib import Path
from typing import Any

import flatbuffers.number_types
import flatbuffers.table

from keras_fld import zoo
from keras_fld.schemes.face_box import BoxInFace

# Name of the buffer in the file's metadata table.
NAME = "keras_fld"
# Field `kind` of face-score files; landmark models do not have this field.
FACE_SCORE = "face_score"

# Field numbers in TFLite's schema.fbs: Model.buffers, Model.metadata, Metadata.name,
# Metadata.buffer, Buffer.data.
_MODEL_BUFFERS, _MODEL_METADATA, _METADATA_NAME, _METADATA_BUFFER, _BUFFER_DATA = 4, 6, 0, 1, 0

_NUMBER = (int, float)


def read(content: bytes | str | Path) -> dict[str, Any] | None:
    """Reads the metadata of a TFLite model, without TensorFlow.

    Args:
        content: bytes of the model, or path of its file.

    Returns:
        The dictionary, or None if the model has no metadata of this package.

    Raises:
        ValueError: the file cannot be read, is not a TFLite model, or its metadata is damaged.

    Examples:
        >>> metadata.read("face.tflite")["input"]["size"]
        64
    """
    if isinstance(content, (str, Path)):
        path = Path(content)
        try:
            return read(path.read_bytes())
        except OSError as error:
            raise ValueError(f"{path}: {error.strerror or error}") from error
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    if content[4:8] != b"TFL3":
        raise ValueError("not a TFLite model (identifier TFL3 missing)")
    try:
        text = _find(content)
        about = None if text is None else json.loads(text)
    except (struct.error, IndexError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the TFLite model is damaged ({error})") from error
    if text is not None:
        _check(about)
    return about


def license_of(about: dict[str, Any]) -> str | None:
    """Returns the license of a file's weights.

    For the presets, the zoo's entry takes precedence over the file's.

    Args:
        about: what `read` gives.

    Returns:
        An SPDX identifier, or None if it is not known.

    Examples:
        >>> license_of(read(zoo.lite_file("trnet20_free")))
        'CC-BY-4.0'
    """
    preset = about.get("preset")
    if preset in zoo.names():
        return about.get("license") or zoo.about(preset).license
    return about.get("license")


def box_in_face(about: dict[str, Any]) -> BoxInFace | None:
    """Returns where the box of the landmarks lies in the box of a face, if the file states it.

    Args:
        about: what `read` gives.

    Examples:
        >>> box_in_face({"box_in_face": [0.25, 0.25, 0.5, 0.5]})
        BoxInFace(left=0.25, top=0.25, width=0.5, height=0.5)
    """
    part = about.get("box_in_face")
    return None if part is None else BoxInFace(*part)


def _check(about):
    """Raises ValueError if a field that the package reads is missing or of the wrong type."""
    for path, kinds, rule in (
        ((), dict, "a JSON object"),
        (("mode",), str, "a string"),
        (("scheme",), (str, dict, type(None)), "a scheme's name, its description or null"),
        (("license",), (str, type(None), type(...)), "a string or null"),
        (("input",), dict, "an object"),
        (("input", "size"), int, "a whole number of at least 1"),
        (("input", "margin"), _NUMBER, "a number above 0"),
    ):
        value = about
        for key in path:
            value = value.get(key, ...)
        good = isinstance(value, kinds) and not isinstance(value, bool)
        if good and path[1:]:
            good = 0 < value < 2**31
        if not good:
            name, got = ".".join(path) or "it", "nothing" if value is ... else repr(value)
            raise ValueError(f"the metadata is damaged: {name} must be {rule}. Got: {got[:80]}")
    part = about.get("box_in_face")
    if part is not None and not (_is_box(part) and min(part[2:]) > 0):
        raise ValueError(
            "the metadata is damaged: box_in_face must be four numbers: left, top, and width and "
            f"height above 0. Got: {repr(part)[:80]}"
        )


def _is_box(part):
    """Whether a value is a list of four finite numbers."""
    return (
        isinstance(part, list)
        and len(part) == 4
        and all(isinstance(x, _NUMBER) and not isinstance(x, bool) for x in part)
        and all(map(math.isfinite, part))
    )


def _find(content):
    """Returns the bytes of the package's buffer, or None."""
    root = flatbuffers.table.Table(content, struct.unpack_from("<I", content)[0])
    for entry in _tables(root, _MODEL_METADATA):
        if _bytes(entry, _METADATA_NAME) == NAME.encode():
            offset = entry.Offset(4 + 2 * _METADATA_BUFFER)
            place = entry.Pos + offset
            index = entry.Get(flatbuffers.number_types.Uint32Flags, place) if offset else 0
            return _bytes(_tables(root, _MODEL_BUFFERS)[index], _BUFFER_DATA)
    return None


def _tables(parent, field):
    """Returns the tables of a vector field."""
    offset = parent.Offset(4 + 2 * field)
    if not offset:
        return []
    start = parent.Vector(offset)
    return [
        flatbuffers.table.Table(parent.Bytes, parent.Indirect(start + 4 * i))
        for i in range(parent.VectorLen(offset))
    ]


def _bytes(parent, field):
    """Returns the bytes of a string or byte-vector field."""
    offset = parent.Offset(4 + 2 * field)
    if not offset:
        return b""
    start = parent.Vector(offset)
    return bytes(parent.Bytes[start : start + parent.VectorLen(offset)])
