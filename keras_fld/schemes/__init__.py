"""Landmark schemes: the meaning of each landmark index, defined in one place.

Augmentation uses a scheme's mirror permutation, losses and metrics its normalizers, the refined
module its patches, and drawing its lines.
"""

from keras_fld.schemes.aflw19 import AFLW19
from keras_fld.schemes.cofw29 import COFW29
from keras_fld.schemes.conversion import convert
from keras_fld.schemes.ibug68 import IBUG68
from keras_fld.schemes.registry import SCHEMES, get, register, with_landmarks
from keras_fld.schemes.scheme import Scheme
from keras_fld.schemes.wflw98 import WFLW98

__all__ = [
    "AFLW19",
    "COFW29",
    "IBUG68",
    "SCHEMES",
    "WFLW98",
    "Scheme",
    "convert",
    "get",
    "register",
    "with_landmarks",
]
