"""Networks, and loading them back."""

from keras_fld.models.layers import ShapeOffset, frame_of, scheme_of
from keras_fld.models.saving import load
from keras_fld.models.trnet import TRNet20

__all__ = ["ShapeOffset", "TRNet20", "frame_of", "load", "scheme_of"]
