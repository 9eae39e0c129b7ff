"""Landmarks in photographs and videos, without Keras or TensorFlow."""

from typing import TYPE_CHECKING

from keras_fld._internal.lazy import lazy_names

_NAMES = {
    "DetectedFace": "face",
    "FaceLandmarker": "landmarker",
    "FaceTracker": "tracking",
    "LiteModel": "lite_model",
    "metadata": "",
    "open_model": "predictor",
}

__all__ = ["DetectedFace", "FaceLandmarker", "FaceTracker", "LiteModel", "metadata", "open_model"]

if TYPE_CHECKING:  # how editors and type checkers see the lazy names
    from keras_fld.predict import metadata
    from keras_fld.predict.face import DetectedFace
    from keras_fld.predict.landmarker import FaceLandmarker
    from keras_fld.predict.lite_model import LiteModel
    from keras_fld.predict.predictor import open_model
    from keras_fld.predict.tracking import FaceTracker

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
