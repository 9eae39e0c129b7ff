"""Tracking of faces in videos, and smoothing of their landmarks."""

from keras_fld.predict.tracking.one_euro import OneEuroFilter
from keras_fld.predict.tracking.track import TrackedFace
from keras_fld.predict.tracking.tracker import FaceTracker

__all__ = ["FaceTracker", "OneEuroFilter", "TrackedFace"]
