"""Drawing of landmarks, landmark schemes and conversions between schemes."""

from typing import TYPE_CHECKING

from keras_fld._internal.lazy import lazy_names

_NAMES = {
    "draw_box": "faces",
    "draw_conversion": "schemes",
    "draw_difference": "faces",
    "draw_landmarks": "faces",
    "draw_pose": "faces",
    "draw_scheme": "schemes",
    "square": "faces",
}

__all__ = [
    "draw_box",
    "draw_conversion",
    "draw_difference",
    "draw_landmarks",
    "draw_pose",
    "draw_scheme",
    "square",
]

if TYPE_CHECKING:  # for editors and type checkers, which cannot see lazy names
    from keras_fld.drawing.faces import draw_box, draw_difference, draw_landmarks, draw_pose, square
    from keras_fld.drawing.schemes import draw_conversion, draw_scheme

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
