"""Conversion of Keras models to TFLite files."""

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

# Files that are exchanged with the process that converts.
MODEL, CROPS, FILE = "model.keras", "crops.npy", "model.tflite"


def convert(
    model: "keras.Model",
    path: str | Path,
    mode: str = "int8",
    calibration: np.ndarray | Iterable[Any] | None = None,
    name: str | None = None,
    license: str | None = None,
) -> str | Path:
    """Converts a model to a TFLite file that takes camera bytes and returns landmarks.

    The input is a uint8 RGB crop, (1, size, size, 3). The output is (1, landmarks, 2) float32, in
    pixels of the crop; for a `FaceScore`, it is the score, (1, 1). In mode "int8_full", input and
    output are int8. The file contains only built-in operations, and its metadata describe the crop
    and the landmarks (`lite.metadata`). Rescaling is folded into the first convolution and the mean
    shape into the last Dense, unless this would change the result.

    Before the file is written, it is compared with the model (`lite.agreement`): on the calibration
    crops if there are any, otherwise on generated faces. Conversion uses TensorFlow's converter, in
    a separate process if Keras runs on another backend.

    Args:
        model: a Keras model of the package, or one that ends in `models.head` or was passed to
            `models.describe`.
        path: the `.tflite` file to write.
        mode: "float32"; "float16", half the size; "dynamic", int8 weights without calibration;
            "int8", int8 up to the features and float32 landmarks; or "int8_full", integers only.
        calibration: training crops without augmentation, for "int8" and "int8_full": an array
            (faces, size, size, 3), or (images, ...) batches. The first 300 are used.
        name: name of the published model, for the metadata.
        license: SPDX identifier of the license of the weights, for the metadata. None uses that of
            the preset with this name or these weights, if any.

    Returns:
        The path.

    Raises:
        ValueError: the mode is unknown; calibration crops are missing, have the wrong size or
            values outside 0..255, or show nothing; the model is not supported; a layer's output
            never varies, so that it has no range; or the landmarks of file and model differ, from a
            layer that the message names.
        ImportError: TensorFlow is not installed.

    Examples:
        >>> convert(model, "face.tflite", mode="int8", calibration=plain)
    """
    import keras

    from keras_fld import models

    chosen, frame = modes.get(mode), models.frame_of(model)
    folding.check(model)  # before crops are read or a process is started
    crops = calibration_crops(calibration, frame, mode) if chosen.calibrated else None
    make = file_content if keras.backend.backend() == "tensorflow" else _in_another_process
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
    """Returns the bytes that `convert` writes, converted in this process.

    Args:
        model: a Keras model of the package, on the TensorFlow backend.
        mode: name of the mode.
        crops: the result of `calibration_crops`, for the modes that need it.
        name: name of the published model.
        license: as in `convert`.
    """
    from keras_fld.lite import flatbuffer, metadata
    from keras_fld.models.layers import is_score

    content = modes.get(mode).convert(folding.export_model(model), crops)
    content = flatbuffer.tidy(content, "score" if is_score(model) else "landmarks")
    return metadata.write(content, metadata.describe(model, mode, content, name, license))


def _in_another_process(model, mode, crops, name, license):
    """As `file_content`, in a process with the TensorFlow backend."""
    check_installed("tensorflow", purpose="Conversion, under any Keras backend,")
    package = str(Path(__file__).parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    with tempfile.TemporaryDirectory(prefix="keras_fld_") as temporary:
        folder = Path(temporary)
        model.save(folder / MODEL)
        if crops is not None:
            np.save(folder / CROPS, crops)
        license = license or getattr(model, "license", None)  # not in the saved model
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
