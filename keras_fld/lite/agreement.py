"""Checks that a converted file agrees with its Keras model, before it is written.

Both run on the same crops. A float file must agree on every face, an integer file only on the
median face, because rounding moves the landmarks of single faces further.
"""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_fld.lite import modes
from keras_fld.lite.apart import (
    constant_layer,
    converted_apart,
    folded_apart,
    keras_outputs,
    lite_outputs,
)

if TYPE_CHECKING:
    import keras

    from keras_fld.geometry.frame import FaceCrop

# Number of crops.
CROPS = 16
# Maximum distance of landmarks in pixels for crops of up to 64 pixels; proportional for larger
# ones.
PIXELS = {"float32": 0.02, "float16": 0.2}
PIXELS_ROUNDED = 0.5
# Maximum difference of face scores.
SCORES = {"float32": 0.001, "float16": 0.01}
SCORES_ROUNDED = 0.1
# If a model's landmarks differ by less between faces, there is nothing to compare. Pixels as above.
CONSTANT = 0.01


def check(
    model: "keras.Model", content: bytes, mode: str, crops: np.ndarray | None = None
) -> dict[str, Any]:
    """Compares a converted file with its Keras model.

    Args:
        model: the Keras model.
        content: the bytes of the file.
        mode: name of its mode.
        crops: (crops, size, size, 3) 0..255; None generates faces.

    Returns:
        A dictionary with `off`, the measured distance; its `bound`; its `unit`, "px" or "score";
        and `face`, "worst" or "median".

    Raises:
        ValueError: the distance is above the bound of the mode, or the file cannot be run. The
            message names the first layer that differs, or whose output never varies.

    Warns:
        UserWarning: the model predicts the same landmarks for every crop.
    """
    from keras_fld import models
    from keras_fld.models.layers import is_score

    frame = models.frame_of(model)
    crops = drawn_faces(frame) if crops is None else crops[:CROPS]
    images = np.asarray(crops).round().astype(np.uint8)
    expected = keras_outputs(model, images)
    score = is_score(model)
    known, rounded = (SCORES, SCORES_ROUNDED) if score else (PIXELS, PIXELS_ROUNDED)
    bound = known.get(mode, rounded)
    if any(layer.compute_dtype != "float32" for layer in model.layers):
        bound = max(bound, rounded)  # the model itself rounds, unlike its export
    if not score:
        bound *= max(1.0, frame.size / 64)
        if (images != images[0]).any():
            _warn_if_constant(expected, frame)

    def off(content):
        found = lite_outputs(content, images).reshape(expected.shape)
        apart = np.abs(found - expected) if score else np.linalg.norm(found - expected, axis=-1)
        of_faces = apart.reshape(len(images), -1).mean(axis=1)
        return float(of_faces.max() if mode in known else np.median(of_faces))

    try:
        measured = off(content)
    except RuntimeError as error:  # XNNPACK refuses a range of zero
        raise ValueError(_not_run(model, mode, images, error)) from error
    result = {
        "off": measured,
        "bound": bound,
        "unit": "score" if score else "px",
        "face": "worst" if mode in known else "median",
    }
    if not result["off"] <= bound:
        _refuse(model, mode, images, result, off)
    return result


def _warn_if_constant(landmarks, frame):
    """Warns of a model that predicts the same for every face, which any file would agree with."""
    spread = np.linalg.norm(landmarks - landmarks.mean(axis=0), axis=-1).mean()
    if spread < CONSTANT * max(1.0, frame.size / 64):
        warnings.warn(
            f"the model predicts the same landmarks for {len(landmarks)} different crops "
            f"({spread:.1g} px apart), so the file could not be checked: train the model longer. "
            "The moving averages of BatchNormalization alone take some hundred or thousand steps, "
            "1 / (1 - momentum)",
            stacklevel=3,
        )


def drawn_faces(frame: "FaceCrop") -> np.ndarray:
    """Crops of generated test faces: (16, size, size, 3) uint8."""
    from keras_fld.data import catalog, crops

    return crops.model_crops(catalog.read("synthetic", None, "test", count=CROPS), frame).images


def _refuse(model, mode, images, result, off):
    """Raises a ValueError that explains why the file does not agree."""
    import keras

    rule = (
        f"a {mode} file must be within {result['bound']:.4g} {result['unit']} of the Keras model "
        f"on the {result['face']} of {len(images)} faces. Got: {result['off']:.4g}"
    )
    reason = ""
    name = folded_apart(model, images)
    if name is None and keras.backend.backend() == "tensorflow":
        from keras_fld.lite.folding import export_model

        exported = export_model(model)
        if mode in modes.MODES and modes.MODES[mode].calibrated or mode == "dynamic":
            plain = off(modes.float32(exported))
            if plain <= result["bound"] / 4:
                raise ValueError(
                    f"{rule}. The float32 file is off by only {plain:.4g}, so 8 bits are not "
                    "enough: convert to float16, or use keras-fld qat"
                )
        name = converted_apart(exported, images)
    if name is not None:
        reason = f". The first layer that differs is {name!r}"
    raise ValueError(rule + reason)


def _not_run(model, mode, images, error):
    """Explains why LiteRT cannot run a file."""
    rule = f"a {mode} file must run in LiteRT. Got: {' '.join(str(error).split())}"
    constant = constant_layer(model, images)
    if constant is None:
        return rule
    name, value = constant
    return (
        f"{rule}. The output of layer {name!r} must vary between crops or places, but is always "
        f"{value:.4g}: train the model, or convert to float16"
    )
