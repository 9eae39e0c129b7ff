"""Evaluation of models: test protocols, face detectors, occlusion and the worst faces."""

from typing import TYPE_CHECKING

from keras_fld._internal.lazy import lazy_names

_NAMES = {
    "evaluate": "protocol",
    "evaluate_detector": "detectors",
    "face_errors": "protocol",
    "gallery": "worst",
    "occlusion_sweep": "occlusion",
}

__all__ = ["evaluate", "evaluate_detector", "face_errors", "gallery", "occlusion_sweep"]

if TYPE_CHECKING:  # for editors and type checkers, which cannot see lazy names
    from keras_fld.evaluation.detectors import evaluate_detector
    from keras_fld.evaluation.occlusion import occlusion_sweep
    from keras_fld.evaluation.protocol import evaluate, face_errors
    from keras_fld.evaluation.worst import gallery

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
