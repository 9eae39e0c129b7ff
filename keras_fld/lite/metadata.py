"""What a `.tflite` file says about itself, as one JSON buffer in its metadata table.

An app that has the file needs nothing else: which crop to cut, what the numbers mean, and what the
landmarks are. The fields are listed in tflite/README.md, with how a browser reads them.
"""

import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import flatbuffers.number_types
import flatbuffers.table
import numpy as np

import keras_fld

if TYPE_CHECKING:
    import keras


# The buffer's name in the file's metadata table.
NAME = "keras_fld"
# The field `kind` of a file that scores faces; files of landmark models have no such field.
FACE_SCORE = "face_score"

# Field numbers of tflite's schema.fbs: Model.buffers, Model.metadata, Metadata.name,
# Metadata.buffer, Buffer.data.
_MODEL_BUFFERS, _MODEL_METADATA, _METADATA_NAME, _METADATA_BUFFER, _BUFFER_DATA = 4, 6, 0, 1, 0

_NUMBER = (int, float)


def describe(
    model: "keras.Model", mode: str, content: bytes, preset: str | None = None
) -> dict[str, Any]:
    """The metadata of a converted model.

    Args:
        model: the Keras model.
        mode: name of the mode of conversion.
        content: bytes of the converted model.
        preset: name under which the model is published, or None.

    Returns:
        A JSON-serialisable dictionary.
    """
    from ai_edge_litert.interpreter import Interpreter

    from keras_fld import models, schemes
    from keras_fld.models.layers import is_score, shape_layer

    interpreter = Interpreter(model_content=content)
    frame = models.frame_of(model)
    output = _numbers(interpreter.get_output_details()[0])
    about: dict[str, Any] = {
        "version": keras_fld.__version__,
        "preset": preset,
        "mode": mode,
        "input": {
            "size": frame.size,
            "margin": frame.margin,
            "color": "RGB",
            **_numbers(interpreter.get_input_details()[0]),
            "meaning": "colour 0..255 = scale * (number - zero_point)",
        },
    }
    if is_score(model):
        meaning = "how surely the crop shows a face, 0..1 = scale * (number - zero_point)"
        return {
            **about,
            "kind": FACE_SCORE,
            "output": {**output, "meaning": meaning},
            "scheme": None,
        }
    scheme = models.scheme_of(model)
    about["output"] = {
        **output,
        "meaning": "x, y in pixels of the crop = scale * (number - zero_point); "
        "the centre of the first pixel is 0, 0",
    }
    about["mean_shape"] = np.round(shape_layer(model).mean_shape.astype(float), 2).tolist()
    about["scheme"] = scheme and schemes.reference(scheme)
    if scheme:
        about["names"] = list(scheme.landmark_names)
        about["mirror"] = scheme.mirror.tolist()
        about["regions"] = {name: list(indices) for name, indices in scheme.patches.items()}
        about["lines"] = [list(line) for line in scheme.lines]
        about["normalizers"] = {
            name: [list(group) for group in groups] for name, groups in scheme.normalizers.items()
        }
    return about


def _numbers(details):
    scale, zero_point = details["quantization"]
    # Scale 0 is the interpreter's word for numbers that are what they say.
    return {
        "dtype": np.dtype(details["dtype"]).name,
        "scale": float(scale) or 1.0,
        "zero_point": int(zero_point),
    }


def write(content: bytes, metadata: dict[str, Any]) -> bytes:
    """Adds the metadata to a TFLite model.

    Args:
        content: bytes of the model.
        metadata: a JSON-serialisable dictionary.

    Returns:
        bytes of the model with it.
    """
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = json.dumps(metadata, separators=(",", ":")).encode()
    model.buffers.append(buffer)
    entry.name, entry.buffer = NAME, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def read(content: bytes | str | Path) -> dict[str, Any] | None:
    """Reads the metadata of a TFLite model, without TensorFlow.

    Args:
        content: bytes of the model, or the path of its file.

    Returns:
        The dictionary, or None when the model has none of this package.

    Raises:
        ValueError: the file cannot be read, is not a TFLite model, or its metadata is damaged.

    Example:
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


def _check(about):
    """Raises ValueError when a field that the package reads is missing or of another kind."""
    for path, kinds, rule in (
        ((), dict, "a JSON object"),
        (("mode",), str, "a string"),
        (("scheme",), (str, dict, type(None)), "a scheme's name, its description or null"),
        (("input",), dict, "an object"),
        (("input", "size"), int, "a whole number from 1 on"),
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


def _find(content):
    """The bytes of the package's buffer, or None."""
    root = flatbuffers.table.Table(content, struct.unpack_from("<I", content)[0])
    for entry in _tables(root, _MODEL_METADATA):
        if _bytes(entry, _METADATA_NAME) == NAME.encode():
            offset = entry.Offset(4 + 2 * _METADATA_BUFFER)
            place = entry.Pos + offset
            index = entry.Get(flatbuffers.number_types.Uint32Flags, place) if offset else 0
            return _bytes(_tables(root, _MODEL_BUFFERS)[index], _BUFFER_DATA)
    return None


def _tables(parent, field):
    """The tables of a vector field."""
    offset = parent.Offset(4 + 2 * field)
    if not offset:
        return []
    start = parent.Vector(offset)
    return [
        flatbuffers.table.Table(parent.Bytes, parent.Indirect(start + 4 * i))
        for i in range(parent.VectorLen(offset))
    ]


def _bytes(parent, field):
    """The bytes of a string or byte-vector field."""
    offset = parent.Offset(4 + 2 * field)
    if not offset:
        return b""
    start = parent.Vector(offset)
    return bytes(parent.Bytes[start : start + parent.VectorLen(offset)])
