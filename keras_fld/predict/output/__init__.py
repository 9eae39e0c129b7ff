"""Output files of predictions on photographs and videos."""

from keras_fld.predict.output.image import IMAGE_FORMATS, write_image
from keras_fld.predict.output.marks import Marks
from keras_fld.predict.output.overlay import OverlayVideo
from keras_fld.predict.output.rows import CsvRows, JsonLines
from keras_fld.predict.output.video import DRAWN_FORMATS, VIDEO_FORMATS, VideoOutput

__all__ = [
    "DRAWN_FORMATS",
    "IMAGE_FORMATS",
    "VIDEO_FORMATS",
    "CsvRows",
    "JsonLines",
    "Marks",
    "OverlayVideo",
    "VideoOutput",
    "write_image",
]
