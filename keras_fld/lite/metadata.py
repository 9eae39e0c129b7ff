"""What a converted file says about itself: one JSON buffer in its metadata table.

The license is also in the buffer in which TFLite's own tools look for it.

An app that has the file needs nothing else: which crop to cut, what the numbers mean, and what the
landmarks are. The fields are listed in docs/guides/app.md, with how a browser reads them.
"""

import json
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

import flatbuffers
import numpy as np

from keras_fld import zoo
from keras_fld._internal.version import __version__
from keras_fld.lite import flatbuffer
from keras_fld.predict.metadata import FACE_SCORE, NAME
from keras_fld.schemes import registry

if TYPE_CHECKING:
    import keras

# Of TFLite's metadata_schema.fbs: the buffer's name, the file identifier, and of the table
# ModelMetadata the number of fields and those written here.
_STANDARD, _IDENTIFIER, _FIELDS = "TFLITE_METADATA", b"M001", 8
_MODEL_NAME, _LICENSE, _MIN_PARSER = 0, 5, 7


def describe(
    model: "keras.Model",
    mode: str,
    content: bytes,
    name: str | None = None,
    license: str | None = None,
) -> dict[str, Any]:
    """The metadata of a converted model.

    Args:
        model: the Keras model.
        mode: name of the mode of conversion.
        content: bytes of the converted model.
        name: name under which the model is published, or None.
        license: SPDX identifier of the weights' license; None takes that of the preset whose name
            or weights these are, and states none for others.

    Returns:
        A JSON-serializable dictionary.
    """
    from ai_edge_litert.interpreter import Interpreter

    from keras_fld import models
    from keras_fld.models.layers import box_in_face, is_score, typical_shape

    interpreter = Interpreter(model_content=content)
    frame = models.frame_of(model)
    output = _numbers(interpreter.get_output_details()[0])
    about: dict[str, Any] = {
        "version": __version__,
        "preset": name,
        "mode": mode,
        **_license(model, name, license),
        "input": {
            "size": frame.size,
            "margin": frame.margin,
            "color": "RGB",
            **_numbers(interpreter.get_input_details()[0]),
            "meaning": "color 0..255 = scale * (number - zero_point)",
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
    meaning = (
        "x, y in pixels of the crop = scale * (number - zero_point); "
        "the center of the first pixel is 0, 0"
    )
    part = box_in_face(model)
    return {
        **about,
        **({} if part is None else {"box_in_face": list(astuple(part))}),
        "output": {**output, "meaning": meaning},
        "mean_shape": np.round(typical_shape(model).astype(float), 2).tolist(),
        **_landmarks(models.scheme_of(model)),
    }


def _landmarks(scheme):
    """What the metadata says of the landmarks' scheme."""
    if not scheme:
        return {"scheme": None}
    return {
        "scheme": registry.reference(scheme),
        "names": list(scheme.landmark_names),
        "mirror": scheme.mirror.tolist(),
        "regions": {name: list(indices) for name, indices in scheme.patches.items()},
        "lines": [list(line) for line in scheme.lines],
        "normalizers": {
            name: [list(group) for group in groups] for name, groups in scheme.normalizers.items()
        },
    }


def _license(model, name, license):
    """The field `license`, if one is known."""
    if license is None and name in zoo.names():
        license = zoo.about(name).license
    license = license or getattr(model, "license", None)
    return {"license": license} if license else {}


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
        metadata: a JSON-serializable dictionary.

    Returns:
        bytes of the model with it.
    """
    data = json.dumps(metadata, separators=(",", ":")).encode()
    if metadata.get("license"):
        content = flatbuffer.add_buffer(content, _STANDARD, _standard(metadata))
    return flatbuffer.add_buffer(content, NAME, data)


def _standard(about):
    """TFLite's ModelMetadata with name and license."""
    builder = flatbuffers.Builder(256)
    texts = {_LICENSE: about["license"], _MIN_PARSER: "1.0.0"}
    if about["preset"]:
        texts[_MODEL_NAME] = about["preset"]
    places = {field: builder.CreateString(text) for field, text in texts.items()}
    builder.StartObject(_FIELDS)
    for field, place in places.items():
        builder.PrependUOffsetTRelativeSlot(field, place, 0)
    builder.Finish(builder.EndObject(), _IDENTIFIER)
    return bytes(builder.Output())
