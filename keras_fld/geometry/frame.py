"""The mapping between a photograph and the crop that a network sees.

Preparation, training, evaluation and the landmarker all cut crops with `FaceCrop` and `warp`. Pixel
centers are at whole numbers in both images. A matrix is (2, 3) and maps photograph pixels to crop
pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

from keras_fld.geometry.reduction import halved

# Side of the default crop in multiples of the face box's longer side.
MARGIN = 1.1
# From pixels of a halved image: centers have integer coordinates, edges halves.
_DOUBLED = np.array([[2, 0, 0.5], [0, 2, 0.5]])


@dataclass(frozen=True)
class FaceCrop:
    """The size and margin of the square crop that a network sees.

    Args:
        size: side of the crop in pixels.
        margin: side of the crop in multiples of the face box's longer side.

    Raises:
        ValueError: the size is below 1, or the margin is not above 0.

    Examples:
        >>> FaceCrop(64, margin=1.0).matrix((0, 0, 64, 64))[0].tolist()
        [1.0, 0.0, -0.5]
    """

    size: int = 64
    margin: float = MARGIN

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"size must be at least 1. Got: {self.size}")
        if not 0 < self.margin < math.inf:
            raise ValueError(f"margin must be above 0. Got: {self.margin}")

    def matrix(self, box: np.ndarray | Sequence[float], angle: float = 0.0) -> np.ndarray:
        """Computes the matrix from photograph to crop pixels.

        Args:
            box: face box (x, y, width, height) in photograph pixels. For a rotated face, the box of
                the face after rotating it upright about the box's center.
            angle: clockwise rotation of the face in the photograph, in radians. The crop shows the
                face upright.

        Returns:
            (2, 3) float64 matrix.

        Raises:
            ValueError: the box is not four finite numbers with a positive size.
        """
        x, y, width, height = check_box(box)
        scale = self.size / (self.margin * max(width, height))
        cos, sin = scale * math.cos(angle), scale * math.sin(angle)
        center = (self.size - 1) / 2
        x, y = x + width / 2, y + height / 2
        return np.array(
            [
                [cos, sin, center - (cos * x + sin * y)],
                [0.0 - sin, cos, center - (cos * y - sin * x)],
            ]
        )

    def crop(
        self, image: np.ndarray, box: np.ndarray | Sequence[float], angle: float = 0.0
    ) -> np.ndarray:
        """Cuts the crop of a face box from a photograph: (size, size, 3) uint8."""
        return warp(image, self.matrix(box, angle), self.size)

    def shape_pixels(self, shape: ArrayLike) -> np.ndarray:
        """Maps a mean shape, centered on its box with longer side 1, to pixels of the crop."""
        return np.asarray(shape) * (self.size / self.margin) + (self.size - 1) / 2


def check_box(box: np.ndarray | Sequence[float]) -> np.ndarray:
    """Checks a box and returns its four numbers as an array.

    Raises:
        ValueError: the box is not four finite numbers with a positive size.
    """
    values = np.asarray(box, float).ravel()
    if values.shape != (4,) or not np.isfinite(values).all() or min(values[2:]) <= 0:
        raise ValueError(f"a box must be x, y, width, height with a positive size. Got: {box}")
    return values


def landmark_box(points: np.ndarray) -> np.ndarray:
    """Computes the face box: the tight box (x, y, width, height) around the annotated landmarks.

    Raises:
        ValueError: fewer than two different landmarks are annotated.
    """
    points = np.asarray(points, float)
    points = points[~np.isnan(points).any(axis=-1)]
    if not len(points) or np.ptp(points, axis=0).max() == 0:
        raise ValueError("a face must have at least two different annotated landmarks")
    low, high = points.min(axis=0), points.max(axis=0)
    return np.array([*low, *np.maximum(high - low, 1e-6)])


def upright_box(points: np.ndarray, angle: float) -> np.ndarray:
    """Computes the face box of a rotated face, for `FaceCrop.matrix`.

    The box is tight around the landmarks after the face is rotated upright about the box's center.

    Args:
        points: (landmarks, 2) photograph pixels.
        angle: clockwise rotation of the face, in radians.

    Raises:
        ValueError: fewer than two different landmarks are annotated.

    Examples:
        >>> upright_box(np.array([[0, 0], [0, 8], [4, 4]]), np.pi / 2).round(6).tolist()
        [-2.0, 2.0, 8.0, 4.0]
    """
    cos, sin = math.cos(angle), math.sin(angle)
    to_photo = np.array([[cos, -sin, 0.0], [sin, cos, 0.0]])
    box = landmark_box(transform(points, invert(to_photo)))
    size = box[2:]
    return np.array([*(transform(box[:2] + size / 2, to_photo) - size / 2), *size])


def transform(points: ArrayLike, matrix: np.ndarray) -> np.ndarray:
    """Maps points (..., 2) by a (2, 3) matrix."""
    return np.asarray(points) @ matrix[:, :2].T + matrix[:, 2]


def invert(matrix: np.ndarray) -> np.ndarray:
    """Inverts a (2, 3) matrix."""
    # Written out: NumPy's inverse takes ten times as long, several times per face.
    (a, b, x), (c, d, y) = matrix.tolist()
    det = a * d - b * c
    a, b, c, d = d / det, -b / det, -c / det, a / det
    return np.array([[a, b, -(a * x + b * y)], [c, d, -(c * x + d * y)]])


def compose(after: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Returns the (2, 3) matrix that applies `before`, then `after`."""
    (a, b, x), (c, d, y) = after.tolist()
    (p, q, u), (r, s, v) = before.tolist()
    return np.array(
        [
            [a * p + b * r, a * q + b * s, a * u + b * v + x],
            [c * p + d * r, c * q + d * s, c * u + d * v + y],
        ]
    )


def crop_shift(matrix: np.ndarray, other: np.ndarray, size: int) -> float:
    """Computes how far two crops of a photograph are apart.

    Args:
        matrix, other: (2, 3), photograph pixels to pixels of each crop.
        size: side of both crops in pixels.

    Returns:
        The largest distance between a corner of one crop and the same corner of the other, in sides
        of a crop.

    Examples:
        >>> frame = FaceCrop(64, margin=1.0)
        >>> round(crop_shift(frame.matrix((0, 0, 50, 50)), frame.matrix((3, 4, 50, 50)), 64), 6)
        0.1
    """
    (a, b, x), (c, d, y) = compose(matrix, invert(other)).tolist()
    last = size - 1
    corners = (0, 0), (last, 0), (0, last), (last, last)
    shifts = [math.hypot(a * u + b * v + x - u, c * u + d * v + y - v) for u, v in corners]
    return max(shifts) / size


def turned(source_size, size, angle, zoom, shift, mirrored):
    """Computes the matrix that rotates, scales, shifts and optionally mirrors a square crop.

    Rotation, scaling and mirroring are about the crop's center.

    Args:
        source_size: side of the source crop in pixels.
        size: side of the new crop in pixels.
        angle: rotation in radians.
        zoom: pixels of the new crop per pixel of the source.
        shift: (x, y) shift in pixels of the new crop.
        mirrored: whether to mirror the source first.

    Returns:
        (2, 3) matrix from source pixels to pixels of the new crop.
    """
    x, y = (size - 1) / 2 + shift
    cos, sin = zoom * math.cos(angle), zoom * math.sin(angle)
    sign = -1 if mirrored else 1
    middle = (source_size - 1) / 2
    return np.array(
        [
            [sign * cos, -sin, x - (sign * cos - sin) * middle],
            [sign * sin, cos, y - (sign * sin + cos) * middle],
        ]
    )


def warp(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Cuts a square crop; pixels outside the photograph are black.

    A photograph of more than twice the crop's scale is first halved, until it is not: a plain warp
    would alias. Halving is several times as fast as area averaging by other factors.

    Args:
        image: (height, width, 3) uint8.
        matrix: (2, 3), photograph pixels to crop pixels.
        size: side of the crop in pixels.

    Returns:
        (size, size, 3) uint8.
    """
    (a, b, _), (c, d, _) = matrix.tolist()
    scale = math.sqrt(abs(a * d - b * c))
    if scale < 0.5:
        image, (left, top) = _region(image, invert(matrix), size, pad=2 / scale)
        if not image.size:
            return np.zeros((size, size, 3), np.uint8)
        matrix = compose(matrix, np.array([[1.0, 0, left], [0, 1, top]]))
        while scale < 0.5 and min(image.shape[:2]) > 1:
            image, matrix, scale = halved(image), compose(matrix, _DOUBLED), 2 * scale
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR)


def _region(image, to_photo, size, pad):
    """The part of the photograph under the crop, and its corner. Only this part is reduced."""
    (a, b, x), (c, d, y) = to_photo.tolist()
    corners = (0, 0), (size, 0), (0, size), (size, size)
    left, right = _reach([a * u + b * v + x for u, v in corners], pad, image.shape[1])
    top, bottom = _reach([c * u + d * v + y for u, v in corners], pad, image.shape[0])
    return image[top:bottom, left:right], (left, top)


def _reach(values, pad, limit):
    """First pixel, and the one after the last, of these coordinates along an axis."""
    low, high = math.floor(min(values) - pad), math.ceil(max(values) + pad) + 1
    return min(max(low, 0), limit), min(max(high, 0), limit)
