"""Keras models to TFLite files for a phone."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_fld._internal.extras import check_installed
from keras_fld._internal.files import replacing, sweep
from keras_fld._internal.progress import counting
from keras_fld.lite import agreement, folding, modes
from keras_fld.lite.calibration import calibration_crops

if TYPE_CHECKING:
    import keras


__all__ = ["convert"]

# What the process that converts is given, and what it leaves.
MODEL, CROPS, FILE = "model.keras", "crops.npy", "model.tflite"


def convert(
    model: "keras.Model",
    path: str | Path,
    mode: str = "int8",
    calibration: np.ndarray | Iterable[Any] | None = None,
    name: str | None = None,
    license: str | None = None,
) -> str | Path:
    """Writes a model as a TFLite file that takes camera bytes and gives landmarks.

    Input is (1, size, size, 3) uint8 RGB, output (1, landmarks, 2) float32 pixels of the crop, in
    built-in operations only; "int8_full" has int8 in both places instead. What rescales the crop is
    folded into the first convolution and the mean shape into the last Dense where that changes no
    result, so neither costs an operation. The file describes itself: see `lite.metadata`. Of a
    `FaceScore` the output is (1, 1), the score.

    The file is compared with the model before it is written, see `lite.agreement`: on generated
    faces, or on the calibration crops.

    TensorFlow's converter does it. Under another Keras backend it runs in a process of its own.

    Args:
        model: a Keras model of the package, or one that ends in `models.head` or has been through
            `models.describe`.
        path: the `.tflite` file to write.
        mode: "float32"; "float16", half the size; "dynamic", int8 weights without calibration;
            "int8", up to the features, the landmarks in float32: in pixels an 8-bit output would
            have a grid of a quarter of a pixel; or "int8_full", integers only.
        calibration: for the last two, unaugmented training crops: a (faces, size, size, 3) array,
            or a dataset of (images, ...) batches; the first 300 are used.
        name: name under which the model is published, for the file's metadata.
        license: SPDX identifier of the weights' license, for the file's metadata; None takes that
            of the preset whose name or weights these are, and states none for others.

    Returns:
        The path.

    Raises:
        ValueError: an unknown mode, an integer mode without calibration crops, crops of another
            size, a model that is not the package's or that `export_model` cannot take, or a file
            that does not give the model's landmarks; the message names the layer where they part.
        ImportError: TensorFlow is not installed.

    Examples:
        >>> convert(model, "face.tflite", mode="int8", calibration=plain)
    """
    import keras

    from keras_fld import models

    chosen, frame = modes.get(mode), models.frame_of(model)
    folding.check(model)  # before the crops are read, and another process is started
    crops = calibration_crops(calibration, frame, mode) if chosen.calibrated else None
    here = keras.backend.backend() == "tensorflow"
    make = file_content if here else _in_another_process
    with counting(f"converting to {mode}", 1) as done:
        content = make(model, mode, crops, name, license)
        agreement.check(model, content, mode, crops)
        done(1)
    sweep(Path(path).parent)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return path


def file_content(
    model: "keras.Model",
    mode: str,
    crops: np.ndarray | None = None,
    name: str | None = None,
    license: str | None = None,
) -> bytes:
    """The bytes that `convert` writes, made in this process.

    Args:
        model: a Keras model of the package, on the TensorFlow backend.
        mode: name of the mode.
        crops: what `calibration_crops` gives, for the modes that need it.
        name: name under which the model is published.
        license: as of `convert`.
    """
    from keras_fld.lite import flatbuffer, metadata
    from keras_fld.models.layers import is_score

    content = modes.get(mode).convert(folding.export_model(model), crops)
    content = flatbuffer.tidy(content, "score" if is_score(model) else "landmarks")
    return metadata.write(content, metadata.describe(model, mode, content, name, license))


def _in_another_process(model, mode, crops, name, license):
    """The bytes of the file, converted by a process with the TensorFlow backend."""
    check_installed("tensorflow", purpose="Conversion, under any Keras backend,")
    package = str(Path(__file__).parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    with tempfile.TemporaryDirectory(prefix="keras_fld_") as temporary:
        folder = Path(temporary)
        model.save(folder / MODEL)
        if crops is not None:
            np.save(folder / CROPS, crops)
        license = license or getattr(model, "license", None)  # which the saved model would lose
        told = [mode, name or "", license or ""]
        arguments = [sys.executable, "-m", "keras_fld.lite.worker", folder, *told]
        child = subprocess.run(
            list(map(str, arguments)),
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            env={
                **os.environ,
                "KERAS_BACKEND": "tensorflow",
                "PYTHONPATH": os.pathsep.join(paths),
            },
        )
        if child.returncode:
            reason = (child.stderr.strip() or f"exit status {child.returncode}").splitlines()[-1]
            raise ValueError(f"the process that converts the model failed: {reason}")
        return (folder / FILE).read_bytes()
