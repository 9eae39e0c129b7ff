"""A detected face, and its state during detection."""

import cmath
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_fld.geometry.frame import check_box, crop_shift, landmark_box, upright_box, warp
from keras_fld.schemes import Scheme

# Crops show a face alike if their corners are at most this far apart, in sides of a crop. Chosen on
# 304 training faces that the preset's next-to-last run has not seen: up to here, another pass
# lowers the NME by less than 0.005 points (`tests/benchmarks/bench_passes.py`).
ALIKE = 0.06


@dataclass(frozen=True)
class DetectedFace:
    """A detected face in a photograph.

    Args:
        box: face box (x, y, width, height) in photograph pixels from which the landmarks were
            predicted. It is the box of the face rotated upright about the box's center.
        landmarks: (landmarks, 2) float32 photograph pixels.
        scheme: the `Scheme` of the landmarks, or None.
        score: confidence that the landmarks lie on a face, 0 to 1, with 0.5 as the threshold; None
            if no score was computed.
        angle: roll of the face in radians, clockwise, by which its crop was rotated upright; 0 if
            the box was given without a roll.
    """

    box: tuple[float, float, float, float]
    landmarks: np.ndarray
    scheme: Scheme | None = field(repr=False)
    score: float | None = None
    angle: float = 0.0


@dataclass
class PendingFace:
    """A face during detection, between its box and its final landmarks.

    Args:
        picture: (height, width, 3) uint8 RGB.
        box: box that defines the crop.
        passes: largest number of forward passes.
        angle: roll in radians by which the crop is rotated upright; None never rotates a crop.
        matrix: (2, 3) matrix from the picture to the crop, once the crop is cut.
        crop: the crop.
        landmarks: (landmarks, 2) pixels of the picture, after the first pass.
        score: score of the landmarks, once it is computed.
    """

    picture: np.ndarray
    box: np.ndarray
    passes: int
    angle: float | None
    matrix: Any = None
    crop: Any = None
    landmarks: Any = None
    score: float | None = None
    _next: Any = None

    def cut(self, frame):
        """Cuts the crop of the face's box in a `FaceCrop`, and returns it."""
        self.matrix = frame.matrix(self.box, self.angle or 0.0)
        self.crop = warp(self.picture, self.matrix, frame.size)
        return self.crop

    def set_landmarks(self, landmarks):
        """Sets the landmarks in the crop."""
        self.landmarks, self._next = landmarks, None

    def next_place(self, scheme):
        """Returns the landmarks' box and roll; None if the landmarks left the picture."""
        if self._next is None:
            self._next = (self._place(scheme),)
        return self._next[0]

    def move(self, frame, scheme):
        """Moves the box to the landmarks for another pass.

        Returns:
            Whether another pass is useful: not if the landmarks left the picture, or if the new
            crop would show the face like the last one.
        """
        place = self.next_place(scheme)
        if place is None or self.is_at(place, frame):
            return False
        self.box, self.angle = place
        return True

    def is_at(self, place, frame):
        """Whether the crop shows the face like the crop of a place, a box and a roll, would."""
        box, angle = place
        return crop_shift(frame.matrix(box, angle or 0.0), self.matrix, frame.size) <= ALIKE

    def _place(self, scheme):
        try:
            if self.angle is None:
                return box_inside(landmark_box(self.landmarks), self.picture), None
            angle = roll(self.landmarks, scheme, self.angle)
            return box_inside(upright_box(self.landmarks, angle), self.picture), angle
        except ValueError:
            return None

    def detected(self, scheme):
        """Returns the result as a `DetectedFace`; the scheme may be None."""
        x, y, width, height = self.box.tolist()
        box, angle = (x, y, width, height), self.angle or 0.0
        return DetectedFace(box, self.landmarks, scheme, self.score, angle)


def roll(landmarks, scheme, near):
    """Computes a face's roll from the line through its eyes, in radians, clockwise.

    Args:
        landmarks: (landmarks, 2) pixels.
        scheme: their `Scheme`, or None.
        near: the roll with which the landmarks were found. The result differs from it by at most 90
            degrees, and is equal to it if the scheme has no eyes.
    """
    if scheme is None or "inter_pupil" not in scheme.normalizers:
        return near
    eyes = [landmarks[group].mean(axis=0) for group in scheme.normalizer_indices("inter_pupil")]
    line = complex(*(eyes[1] - eyes[0]).tolist()) * cmath.rect(1, -near)
    # A custom scheme may list the eyes in either order.
    turn = near + cmath.phase(line if line.real >= 0 else -line)
    return cmath.phase(cmath.rect(1, turn))


def pending(box, picture, passes, name=""):
    """Creates a `PendingFace` from a box of four numbers, or of five, the last its roll in radians.

    Raises:
        ValueError: the box is invalid or outside the picture; the message begins with `name`.
    """
    try:
        values = np.asarray(box, float).ravel()
    except (TypeError, ValueError) as error:
        rule = "a box must be four numbers: x, y, width, height"
        raise ValueError(f"{name}{rule}. Got: {box!r:.60}") from error
    if len(values) != 5:
        return PendingFace(picture, box_inside(box, picture, name), passes, None)
    if not np.isfinite(values[4]):
        raise ValueError(f"{name}a box's roll must be a number of radians. Got: {values[4]}")
    return PendingFace(picture, box_inside(values[:4], picture, name), passes, float(values[4]))


def box_inside(box, image, name=""):
    """Returns a box as an array; raises ValueError if it is invalid or outside the image."""
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
