"""Drawing of landmarks, boxes and head poses on images."""

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import ArrayLike

from keras_fld import schemes

if TYPE_CHECKING:
    from keras_fld.analysis.pose import HeadPose


_LINE, _POINT, _NUMBER = (90, 220, 90), (255, 255, 255), (255, 230, 60)
_REFERENCE, _OTHER = (60, 220, 90), (255, 60, 80)
_BITS = 4  # fractional bits of the coordinates, so that landmarks are not rounded to whole pixels


def draw_landmarks(
    image: np.ndarray,
    landmarks: ArrayLike,
    scheme: schemes.Scheme | str | None = None,
    numbers: bool = False,
) -> np.ndarray:
    """Draws the landmarks of one face.

    Args:
        image: (height, width, 3) uint8 RGB. It is not modified.
        landmarks: (landmarks, 2) pixels of the image. NaN landmarks are not drawn.
        scheme: a `Scheme` or its name, for the lines between landmarks. None draws only points.
        numbers: whether to write the index next to each landmark.

    Returns:
        (height, width, 3) uint8 RGB.

    Examples:
        >>> picture = draw_landmarks(image, face.landmarks, "ibug68", numbers=True)
    """
    image, landmarks = image.copy(), np.asarray(landmarks, float)
    visible = ~np.isnan(landmarks).any(axis=-1)
    if not visible.any():
        return image
    # The line width is proportional to the face, so that pictures of any size are readable.
    side = np.ptp(landmarks[visible], axis=0).max()
    unit, radius = max(1, round(side / 150)), max(0.8, side / 110)
    fixed = np.round(np.nan_to_num(landmarks) * 2**_BITS).astype(int)
    for line in schemes.get(scheme).lines if scheme else ():
        for a, b in itertools.pairwise(line):
            if visible[a] and visible[b]:
                cv2.line(image, fixed[a], fixed[b], _LINE, unit, cv2.LINE_AA, _BITS)
    for index in np.flatnonzero(visible):
        point = tuple(int(v) for v in fixed[index])
        cv2.circle(image, point, round(radius * 2**_BITS), _POINT, -1, cv2.LINE_AA, _BITS)
        if numbers:
            corner = (landmarks[index] + 2 * unit).round().astype(int)
            cv2.putText(
                image,
                str(index),
                tuple(int(v) for v in corner),
                cv2.FONT_HERSHEY_SIMPLEX,
                0.3 * unit,
                _NUMBER,
                max(1, unit // 2),
                cv2.LINE_AA,
            )
    return image


def draw_difference(
    image: np.ndarray, reference: ArrayLike, other: ArrayLike, size: int = 512
) -> np.ndarray:
    """Draws two sets of landmarks of one face: the reference as green rings, the other as red dots.

    Args:
        image: (side, side, 3) uint8 RGB crop of the face.
        reference: (landmarks, 2) pixels of the crop, such as the annotation. NaN landmarks are not
            drawn.
        other: (landmarks, 2) pixels of the crop, such as a prediction.
        size: side of the picture in pixels. The crop is resized to it.

    Returns:
        (size, size, 3) uint8 RGB.

    Examples:
        >>> draw_difference(crop, truth, model.predict(crop[None], verbose=0)[0]).shape
        (512, 512, 3)
    """
    factor = size / len(image)
    method = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
    picture = cv2.resize(image, (size, size), interpolation=method)
    marks = ((reference, _REFERENCE, size / 102, 1), (other, _OTHER, size / 160, -1))
    for points, color, radius, thickness in marks:
        points = np.asarray(points, float)
        points = points[~np.isnan(points).any(axis=-1)]
        # Pixel centers are at whole numbers in the crop and in the picture.
        places = np.round(((points + 0.5) * factor - 0.5) * 2**_BITS).astype(int)
        for center in places.tolist():
            radius_bits = round(radius * 2**_BITS)
            cv2.circle(picture, center, radius_bits, color, thickness, cv2.LINE_AA, _BITS)
    return picture


def draw_box(image: np.ndarray, box: Iterable[float]) -> np.ndarray:
    """Draws a face box (x, y, width, height) on a copy of the image.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    x, y, width, height = (round(float(v)) for v in box)
    unit = max(1, round(max(width, height) / 150))
    return cv2.rectangle(image.copy(), (x, y), (x + width, y + height), (255, 170, 60), unit)


def draw_pose(image: np.ndarray, pose: "HeadPose", length: float = 1.2) -> np.ndarray:
    """Draws the axes of a head from the tip of its nose.

    The red axis points to the right in the image, the green axis down, and the blue axis ahead.

    Args:
        image: (height, width, 3) uint8 RGB. It is not modified.
        pose: an `analysis.HeadPose`.
        length: length of the axes. The unit is half the distance between the ears.

    Returns:
        (height, width, 3) uint8 RGB.

    Examples:
        >>> picture = draw_pose(image, head_pose(face.landmarks, image.shape[:2]))
    """
    from keras_fld.analysis.pose import model_points

    image, nose = image.copy(), model_points()[30]
    ends = nose + length * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, -1]])
    start, *ends = np.round(pose.project(ends) * 2**_BITS).astype(int).tolist()
    unit = np.linalg.norm(np.ptp(pose.project(model_points()), axis=0)) / 100
    for end, color in zip(ends, ((230, 70, 70), (90, 220, 90), (80, 140, 255)), strict=True):
        cv2.line(image, start, end, color, max(1, round(unit)), cv2.LINE_AA, _BITS)
    return image


def square(image: np.ndarray, size: int) -> np.ndarray:
    """Fits an image into a black square of `size` pixels: (size, size, 3) uint8."""
    factor = size / max(image.shape[:2])
    height, width = (max(1, round(side * factor)) for side in image.shape[:2])
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    result = np.zeros((size, size, 3), np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    fitted = cv2.resize(image, (width, height), interpolation=method)
    result[top : top + height, left : left + width] = fitted
    return result
