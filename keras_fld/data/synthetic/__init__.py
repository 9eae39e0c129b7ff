"""Faces that the package draws itself, of any landmark scheme."""

from keras_fld.data.synthetic.drawn import SyntheticFace, draw

__all__ = ["SyntheticFace", "draw"]
