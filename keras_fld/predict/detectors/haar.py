"""OpenCV's Haar cascades, which are part of OpenCV 4.

Viola and Jones, Rapid Object Detection using a Boosted Cascade of Simple Features, 2001.
"""

from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from keras_fld._internal.images import as_rgb
from keras_fld._internal.pool import Pool
from keras_fld.geometry.boxes import as_boxes, largest_first, overlap
from keras_fld.geometry.reduction import reduced
from keras_fld.predict.detectors import box_map

# Names of the cascade files without suffix.
FRONTAL, PROFILE = "haarcascade_frontalface_default", "haarcascade_profileface"
# Number of overlapping squares that a face needs.
NEIGHBORS = 5
# Boxes from the two profile directions that overlap by more show the same face.
SAME_FACE = 0.3


class HaarDetector:
    """Finds upright faces with OpenCV's cascades. It is thread-safe.

    Args:
        profiles: also look for profiles to both sides if the frontal cascade finds no face.
        max_side: longer side in pixels to which larger images are reduced.
        min_size: side of the smallest square to detect, in pixels of the reduced image.
        neighbors: number of overlapping squares that a face needs; 0 returns every square, also
            several for one face.

    Raises:
        ValueError: `max_side` or `min_size` is below 1, `neighbors` below 0, or OpenCV has no
            cascades.

    Examples:
        >>> HaarDetector()(np.zeros((90, 90, 3), np.uint8)).shape
        (0, 4)
    """

    # The boxes are those of whole faces: tight around the 68 landmarks of iBUG-68.
    whole_faces = True

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
                "Haar cascades need opencv-python 4; the detector blazeface does not. "
                f"Got: OpenCV {cv2.__version__}"
            )
        self.profiles, self.max_side, self.min_size = profiles, max_side, min_size
        self.neighbors = neighbors
        self._cascades = {name: Pool(partial(_cascade, name)) for name in (FRONTAL, PROFILE)}

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.profiles, self.max_side, self.min_size, self.neighbors)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Finds the face boxes of an image.

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
        """Finds squares (n, 4) in a gray image with the frontal cascade."""
        return self._squares(FRONTAL, gray)

    def profile(self, gray: np.ndarray) -> np.ndarray:
        """Finds squares (n, 4) with the profile cascade, which detects faces that look left."""
        return self._squares(PROFILE, gray)

    def _profiles(self, gray):
        """Finds boxes of faces that look to either side."""
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
    """Converts a cascade's squares to tight boxes (n, 4) with the box map of that name."""
    return box_map.shipped(name).boxes(*box_map.square_features(squares))


def mirrored(boxes, image):
    """Converts boxes in an image's mirror image to boxes in the image."""
    boxes = boxes.copy()
    boxes[:, 0] = image.shape[1] - boxes[:, 0] - boxes[:, 2]
    return boxes
