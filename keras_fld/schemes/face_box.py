"""The box of a scheme's landmarks within the box of the whole face, which detectors return.

The built-in detectors return the tight box of the 68 landmarks of iBUG-68, from brows to chin. A
model is trained on the tight box of its own landmarks, which for eyes, nose and mouth is half as
wide. The eye centers align the two.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from keras_fld.schemes.ibug68 import IBUG68
from keras_fld.schemes.scheme import Scheme

__all__ = ["BoxInFace"]

__all__ = ["BoxInFace"]

# Sides of a box are at least this fraction of those of the face's box: two pupils have no height.
_THINNEST = 0.01
_EYES = "inter_pupil"


@dataclass(frozen=True)
class BoxInFace:
    """Where the tight box of a model's landmarks lies in the tight box of the whole face.

    Args:
        left, top, width, height: fractions of the width and height of the face's box.

    Examples:
        >>> BoxInFace(0.25, 0.5, 0.5, 0.25).of_faces([[10, 20, 100, 80, 0.0]]).tolist()
        [[35.0, 60.0, 50.0, 20.0, 0.0]]
    """

    left: float
    top: float
    width: float
    height: float

    @classmethod
    def of_scheme(cls, scheme: Scheme | None, shape: ArrayLike | None = None) -> Self | None:
        """Computes the box of a scheme's landmarks from a mean shape.

        The shape is placed on the package's mean face by the centers of its eyes.

        Args:
            scheme: the `Scheme`, or None.
            shape: (landmarks, 2) mean shape in any unit, for a scheme without a mean shape of its
                own.

        Returns:
            A `BoxInFace`. None if it is the box of the face, as for iBUG-68, and if it is not
            known: without a scheme, without its eyes, or without a mean shape.

        Examples:
            >>> from keras_fld.schemes import get
            >>> BoxInFace.of_scheme(get("mtfl5"))
            BoxInFace(left=0.2787, top=0.2033, width=0.4425, height=0.5121)
        """
        if scheme is None or _EYES not in scheme.normalizers:
            return None
        try:
            shape = scheme.mean_shape
        except ValueError:  # a custom scheme
            if shape is None:
                return None
        points = np.asarray(shape, float)
        middle, distance = _eyes(points, scheme)
        if not distance > 1e-3 * np.ptp(points, axis=0).max():
            return None  # without a mean shape, networks have all landmarks in the center
        face = IBUG68.mean_shape
        on, unit = _eyes(face, IBUG68)
        points = (points - middle) * (unit / distance) + on
        low, size = face.min(axis=0), np.ptp(face, axis=0)
        part = np.maximum(np.ptp(points, axis=0) / size, _THINNEST)
        center = ((points.min(axis=0) + points.max(axis=0)) / 2 - low) / size
        box = [round(float(value), 4) for value in [*(center - part / 2), *part]]
        return None if box == [0, 0, 1, 1] else cls(*box)

    def of_faces(self, faces: ArrayLike) -> np.ndarray:
        """Computes the boxes of the landmarks from the boxes of faces.

        Args:
            faces: (faces, 5) boxes (x, y, width, height) in pixels, and the roll in radians. Each
                is the box of the face rotated upright about the box's center.

        Returns:
            (faces, 5), likewise.
        """
        faces = np.asarray(faces, float).reshape(-1, 5)
        sizes = faces[:, 2:4] * [self.width, self.height]
        return _moved(faces, sizes, faces[:, 2:4], self._away)

    def faces_of(self, boxes: ArrayLike) -> np.ndarray:
        """Computes the boxes of the faces from the boxes of the landmarks. Inverts `of_faces`."""
        boxes = np.asarray(boxes, float).reshape(-1, 5)
        sizes = boxes[:, 2:4] / [self.width, self.height]
        return _moved(boxes, sizes, sizes, [-part for part in self._away])

    @property
    def _away(self):
        """Offset of the center of the landmarks' box from that of the face's box, in its sides."""
        return [self.left + self.width / 2 - 0.5, self.top + self.height / 2 - 0.5]


def _eyes(points, scheme):
    """The point between the centers of the eyes, and their distance."""
    first, second = (points[group].mean(axis=0) for group in scheme.normalizer_indices(_EYES))
    return (first + second) / 2, math.dist(first, second)


def _moved(boxes, sizes, unit, away):
    """Boxes of new sizes, whose centers moved by `away` times `unit` along the upright face."""
    x, y = (unit * away).T
    cos, sin = np.cos(boxes[:, 4]), np.sin(boxes[:, 4])
    centers = boxes[:, :2] + boxes[:, 2:4] / 2 + np.stack([cos * x - sin * y, sin * x + cos * y], 1)
    return np.column_stack([centers - sizes / 2, sizes, boxes[:, 4]])
