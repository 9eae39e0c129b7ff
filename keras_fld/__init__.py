"""Facial-landmark detection with losses made for the metric, from training to int8 on a phone.

Everything is loaded when it is first used, so importing the package is instant: `losses`,
`metrics` and `models` need Keras, batches of `data` on the TensorFlow backend TensorFlow, and a
`FaceLandmarker` on a preset or `.tflite` file neither.

    import keras_fld as fld
    model = fld.models.TRNet20(num_landmarks=68)
    model.compile("adamw", loss=fld.losses.ENME(alpha=2.0))
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# Public names that are not submodules, and the submodule each is taken from.
_NAMES = {
    "FaceLandmarker": "landmarker",
    "FaceTracker": "tracking",
    "Frame": "data.geometry",
    "evaluate": "evaluation",
    "load": "models",
    "refine": "models",
}
_SUBMODULES = (
    "analysis",
    "data",
    "detection",
    "drawing",
    "evaluation",
    "landmarker",
    "lite",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "recipes",
    "schemes",
    "tracking",
    "training",
    "zoo",
)

__all__ = ["__version__", *_NAMES, *_SUBMODULES]

if TYPE_CHECKING:  # what editors and type checkers see of the lazy names
    from keras_fld import (
        analysis,
        data,
        detection,
        drawing,
        evaluation,
        landmarker,
        lite,
        losses,
        metrics,
        models,
        optimizers,
        recipes,
        schemes,
        tracking,
        training,
        zoo,
    )
    from keras_fld.data.geometry import Frame
    from keras_fld.evaluation import evaluate
    from keras_fld.landmarker import FaceLandmarker
    from keras_fld.models import load, refine
    from keras_fld.tracking import FaceTracker


def __getattr__(name):
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _NAMES:
        value = getattr(importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
