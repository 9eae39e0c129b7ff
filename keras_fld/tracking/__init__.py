"""Faces in videos: followed from frame to frame, and their landmarks smoothed."""

from keras_fld.tracking.one_euro import OneEuroFilter
from keras_fld.tracking.track import TrackedFace
from keras_fld.tracking.tracker import FaceTracker

__all__ = ["FaceTracker", "OneEuroFilter", "TrackedFace"]
