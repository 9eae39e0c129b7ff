"""A face in a photograph: the result, and what it is until then."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_fld.geometry.frame import check_box, landmark_box, upright_box
from keras_fld.schemes import Scheme


@dataclass(frozen=True)
class DetectedFace:
    """A face in a photograph.

    Args:
        box: face box (x, y, width, height) in photograph pixels, which the landmarks were
            predicted from; of the face turned upright about the box's center.
        landmarks: (landmarks, 2) float32 photograph pixels.
        scheme: the `Scheme` of the landmarks, or None.
        score: how surely the landmarks lie on a face, 0 to 1, 0.5 the threshold; None where nothing
            judged it.
        angle: the face's roll in radians, clockwise, by which its crop was turned upright; 0 where
            the box was given without one.
    """

    box: tuple[float, float, float, float]
    landmarks: np.ndarray
    scheme: Scheme | None = field(repr=False)
    score: float | None = None
    angle: float = 0.0


@dataclass
class PendingFace:
    """A face on its way from a box to its landmarks.

    Args:
        picture: (height, width, 3) uint8 RGB.
        box: what its crop is cut by.
        passes: how many forward passes it gets.
        angle: the roll by which its crop is turned upright, in radians; None never turns a crop.
        landmarks: (landmarks, 2) pixels of the picture, from the first pass on.
        score: of the landmarks, once they are judged.
    """

    picture: np.ndarray
    box: np.ndarray
    passes: int
    angle: float | None
    landmarks: Any = None
    score: float | None = None

    def matrix(self, frame):
        """The (2, 3) matrix from the picture to the face's crop in a `FaceCrop`."""
        return frame.matrix(self.box, self.angle or 0.0)

    def next_place(self, scheme):
        """The box around the landmarks and their roll; None where they left the picture."""
        try:
            if self.angle is None:
                return box_inside(landmark_box(self.landmarks), self.picture), None
            angle = roll(self.landmarks, scheme, self.angle)
            return box_inside(upright_box(self.landmarks, angle), self.picture), angle
        except ValueError:
            return None

    def detected(self, scheme):
        """The result, in a scheme or None."""
        x, y, width, height = self.box.tolist()
        box, angle = (x, y, width, height), self.angle or 0.0
        return DetectedFace(box, self.landmarks, scheme, self.score, angle)


def roll(landmarks, scheme, near):
    """A face's roll by the line through its eyes, in radians, clockwise.

    Args:
        landmarks: (landmarks, 2) pixels.
        scheme: their `Scheme`, or None.
        near: the roll that the landmarks were found with, at most a right angle away; the result
            where the scheme has no eyes.
    """
    if scheme is None or "inter_pupil" not in scheme.normalizers:
        return near
    eyes = [landmarks[group].mean(axis=0) for group in scheme.normalizer_indices("inter_pupil")]
    line = (eyes[1] - eyes[0]) @ [1, 1j] * np.exp(-1j * near)
    # A user's own scheme may name the eyes from either side.
    turn = near + np.angle(line if line.real >= 0 else -line)
    return float(np.angle(np.exp(1j * turn)))


def pending(box, picture, passes, name=""):
    """A `PendingFace` of a box of four numbers, or of five, the last its roll in radians.

    Raises:
        ValueError: it is no such box, or lies outside the picture; the message begins with `name`.
    """
    try:
        values = np.asarray(box, float).ravel()
    except (TypeError, ValueError) as error:
        rule = "a box must be numbers, x, y, width, height"
        raise ValueError(f"{name}{rule}. Got: {box!r:.60}") from error
    if len(values) != 5:
        return PendingFace(picture, box_inside(box, picture, name), passes, None)
    if not np.isfinite(values[4]):
        raise ValueError(f"{name}a box's roll must be a number of radians. Got: {values[4]}")
    return PendingFace(picture, box_inside(values[:4], picture, name), passes, float(values[4]))


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
