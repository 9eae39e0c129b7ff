"""Reading video files, streams and cameras, and writing video files."""

from keras_fld.predict.media.camera import Camera
from keras_fld.predict.media.reading import VideoFile
from keras_fld.predict.media.writing import VideoWriter

__all__ = ["Camera", "VideoFile", "VideoWriter"]
