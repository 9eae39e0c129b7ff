"""OpenCV's Haar cascades, which come with OpenCV 4.

Viola and Jones, Rapid Object Detection using a Boosted Cascade of Simple Features, 2001.
"""

from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from keras_fld._internal.images import as_rgb
from keras_fld._internal.pool import Pool
from keras_fld.geometry.boxes import as_boxes, largest_first, overlap, reduced
from keras_fld.predict.detectors import box_map

# Files of the cascades, without their suffix.
FRONTAL, PROFILE = "haarcascade_frontalface_default", "haarcascade_profileface"
# Squares that must agree on a face.
NEIGHBORS = 5
# Boxes of the two profiles' cascades that overlap by more are one face.
SAME_FACE = 0.3


class HaarDetector:
    """Finds upright faces with OpenCV's cascades; any number of threads may use it.

    Args:
        profiles: look for profiles too, to both sides, where the frontal cascade finds nothing.
        max_side: larger images are reduced to this longer side, in pixels.
        min_size: smallest square searched for, in pixels of the reduced image.
        neighbors: squares that must agree on a face; 0 gives every square, also several on a face.

    Raises:
        ValueError: `max_side` or `min_size` is below 1, `neighbors` below 0, or OpenCV has no
            cascades.

    Examples:
        >>> HaarDetector()(np.zeros((90, 90, 3), np.uint8)).shape
        (0, 4)
    """

    def __init__(
        self,
        profiles: bool = True,
        max_side: int = 640,
        min_size: int = 24,
        neighbors: int = NEIGHBORS,
    ) -> None:
        for name, value in (("max_side", max_side), ("min_size", min_size)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1. Got: {value}")
        if neighbors < 0:
            raise ValueError(f"neighbors must be at least 0. Got: {neighbors}")
        if not hasattr(cv2, "CascadeClassifier"):
            raise ValueError(
                "Haar cascades need opencv-python 4; the detector blazeface needs none. "
                f"Got: OpenCV {cv2.__version__}"
            )
        self.profiles, self.max_side, self.min_size = profiles, max_side, min_size
        self.neighbors = neighbors
        self._cascades = {name: Pool(partial(_cascade, name)) for name in (FRONTAL, PROFILE)}

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.profiles, self.max_side, self.min_size, self.neighbors)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Face boxes of an image.

        Args:
            image: (height, width, 3) uint8 RGB.

        Returns:
            (faces, 4) boxes, tight around the landmarks, largest first.
        """
        image, factor = reduced(as_rgb(image), self.max_side)
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        boxes = map_squares(self.frontal(gray), "haar_frontal")
        if self.profiles and not len(boxes):
            boxes = self._profiles(gray)
        return largest_first(boxes * [*factor, *factor])

    def frontal(self, gray: np.ndarray) -> np.ndarray:
        """Squares (n, 4) of the frontal cascade in a gray image."""
        return self._squares(FRONTAL, gray)

    def profile(self, gray: np.ndarray) -> np.ndarray:
        """Squares (n, 4) of the profile cascade, which knows faces that look to the left."""
        return self._squares(PROFILE, gray)

    def _profiles(self, gray):
        """Boxes of faces that look to either side."""
        left = map_squares(self.profile(gray), "haar_profile")
        right = mirrored(map_squares(self.profile(gray[:, ::-1]), "haar_profile"), gray)
        if len(left) and len(right):
            right = right[overlap(right, left).max(axis=1) < SAME_FACE]
        return np.concatenate([left, right])

    def _squares(self, name, gray):
        with self._cascades[name].borrow() as cascade:
            found = cascade.detectMultiScale(
                np.ascontiguousarray(gray),
                scaleFactor=1.1,
                minNeighbors=self.neighbors,
                minSize=(self.min_size, self.min_size),
            )
        return as_boxes(found)


def _cascade(name):
    folder = cv2.data.haarcascades  # type: ignore[attr-defined]  # OpenCV's stub lacks it
    return cv2.CascadeClassifier(str(Path(folder) / f"{name}.xml"))


def map_squares(squares, name):
    """Tight boxes (n, 4) of a cascade's squares by the box map of that name."""
    return box_map.shipped(name).boxes(*box_map.square_features(squares))


def mirrored(boxes, image):
    """Boxes of an image's mirror image, in the image."""
    boxes = boxes.copy()
    boxes[:, 0] = image.shape[1] - boxes[:, 0] - boxes[:, 2]
    return boxes
