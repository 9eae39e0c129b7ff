"""Faces drawn by the package with any of its landmark schemes, and portraits in new poses."""

from keras_fld.data.synthetic.drawn import SyntheticFace, draw
from keras_fld.data.synthetic.recast import Recasting, recast

__all__ = ["Recasting", "SyntheticFace", "draw", "recast"]
