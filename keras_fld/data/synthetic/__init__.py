"""Faces drawn by the package, with any of its landmark schemes."""

from keras_fld.data.synthetic.drawn import SyntheticFace, draw

__all__ = ["SyntheticFace", "draw"]
