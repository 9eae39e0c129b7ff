"""Facial-landmark detection with losses made for the metric, from training to int8 on a phone.

Everything is loaded when it is first used, so importing the package is instant: `losses`,
`metrics` and `models` need Keras, batches of `data` on the TensorFlow backend TensorFlow, and a
`FaceLandmarker` on a preset or `.tflite` file neither.

    import keras_fld as fld
    model = fld.models.TRNet20(num_landmarks=68)
    model.compile("adamw", loss=fld.losses.ENME(alpha=2.0))
"""

from typing import TYPE_CHECKING

from keras_fld._internal.lazy import lazy_names
from keras_fld._internal.version import __version__

# Public names, and the submodule each is taken from; "" for the submodules themselves.
_NAMES = {
    "FaceCrop": "geometry.frame",
    "FaceLandmarker": "predict.landmarker",
    "FaceTracker": "predict.tracking",
    "evaluate": "evaluation.protocol",
    "load_model": "models.saving",
    "refine": "models.refined",
    **dict.fromkeys(
        (
            "analysis",
            "baselines",
            "data",
            "drawing",
            "evaluation",
            "geometry",
            "lite",
            "losses",
            "metrics",
            "models",
            "optimizers",
            "predict",
            "reports",
            "schemes",
            "training",
            "zoo",
        ),
        "",
    ),
}

__all__ = ["__version__", *_NAMES]

if TYPE_CHECKING:  # what editors and type checkers see of the lazy names
    from keras_fld import (
        analysis,
        baselines,
        data,
        drawing,
        evaluation,
        geometry,
        lite,
        losses,
        metrics,
        models,
        optimizers,
        predict,
        reports,
        schemes,
        training,
        zoo,
    )
    from keras_fld.evaluation.protocol import evaluate
    from keras_fld.geometry.frame import FaceCrop
    from keras_fld.models.refined import refine
    from keras_fld.models.saving import load_model
    from keras_fld.predict.landmarker import FaceLandmarker
    from keras_fld.predict.tracking import FaceTracker

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
