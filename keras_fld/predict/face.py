"""A face in a photograph: the result, and what it is until then."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_fld.geometry.frame import check_box, landmark_box
from keras_fld.schemes import Scheme


@dataclass(frozen=True)
class DetectedFace:
    """A face in a photograph.

    Args:
        box: face box (x, y, width, height) in photograph pixels, which the landmarks were
            predicted from.
        landmarks: (landmarks, 2) float32 photograph pixels.
        scheme: the `Scheme` of the landmarks, or None.
        score: how surely the landmarks lie on a face, 0 to 1, 0.5 the threshold; None where nothing
            judged it.
    """

    box: tuple[float, float, float, float]
    landmarks: np.ndarray
    scheme: Scheme | None = field(repr=False)
    score: float | None = None


@dataclass
class PendingFace:
    """A face on its way from a box to its landmarks.

    Args:
        picture: (height, width, 3) uint8 RGB.
        box: what its crop is cut by.
        passes: how many forward passes it gets.
        landmarks: (landmarks, 2) pixels of the picture, from the first pass on.
        score: of the landmarks, once they are judged.
    """

    picture: np.ndarray
    box: np.ndarray
    passes: int
    landmarks: Any = None
    score: float | None = None

    def next_box(self):
        """The box around the landmarks; None where they left the picture."""
        try:
            return box_inside(landmark_box(self.landmarks), self.picture)
        except ValueError:
            return None

    def detected(self, scheme):
        """The result, in a scheme or None."""
        x, y, width, height = self.box.tolist()
        return DetectedFace((x, y, width, height), self.landmarks, scheme, self.score)


def box_inside(box, image, name=""):
    """A box as an array; raises ValueError where it is none or lies outside the image."""
    try:
        x, y, width, height = check_box(box)
    except ValueError as error:
        raise ValueError(f"{name}{error}") from error
    if x >= image.shape[1] or y >= image.shape[0] or x + width <= 0 or y + height <= 0:
        raise ValueError(
            f"{name}a box must lie in the {image.shape[1]}x{image.shape[0]} image. "
            f"Got: {x:g},{y:g},{width:g},{height:g}"
        )
    return np.array([x, y, width, height])
