"""Datasets: annotated faces, crops and batches."""

from keras_fld.data.catalog import DATASETS, load, read
from keras_fld.data.faces import Face, FaceSet
from keras_fld.geometry.frame import MARGIN, FaceCrop

__all__ = ["DATASETS", "MARGIN", "Face", "FaceSet", "FaceCrop", "load", "read"]
