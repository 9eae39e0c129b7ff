"""Head pose, aligned crops, and openness of eyes and mouth, computed from landmarks."""

from keras_fld.analysis.align import aligned_crop
from keras_fld.analysis.openness import eye_openness, mouth_openness
from keras_fld.analysis.pose import HeadPose, head_pose

__all__ = [
    "HeadPose",
    "aligned_crop",
    "eye_openness",
    "head_pose",
    "mouth_openness",
]
