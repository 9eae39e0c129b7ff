"""Drawing of landmarks, boxes and head poses on images."""

import itertools
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import ArrayLike

from keras_fld import schemes
from keras_fld.drawing import ink
from keras_fld.drawing.colors import PLAIN, landmark_colors

if TYPE_CHECKING:
    from keras_fld.analysis.pose import HeadPose


_BOX = (255, 170, 60)
_REFERENCE, _OTHER = (60, 220, 90), (255, 60, 80)
_BITS = 4  # fractional bits of the coordinates, so that landmarks are not rounded to whole pixels
# A face of fewer pixels is drawn enlarged and reduced again, for lines finer than a pixel.
_LARGE, _MOST = 240, 4


def draw_landmarks(
    image: np.ndarray,
    landmarks: ArrayLike,
    scheme: schemes.Scheme | str | None = None,
    numbers: bool = False,
    box: Iterable[float] | None = None,
    label: str = "",
) -> np.ndarray:
    """Draws the landmarks of one face, each facial region in its own color.

    Lines and points have a dark outline, so that they are legible on skin of any tone.

    Args:
        image: (height, width, 3) uint8 RGB. It is not modified.
        landmarks: (landmarks, 2) pixels of the image. NaN landmarks are not drawn.
        scheme: a `Scheme` or its name, for the colors and the lines between landmarks. None draws
            white points.
        numbers: whether to write the index next to each landmark. A scheme of 68 landmarks needs a
            face of about 400 pixels.
        box: face box as in `draw_box`, which is drawn, too.
        label: text to write above the box or, without one, above the landmarks.

    Returns:
        (height, width, 3) uint8 RGB.

    Examples:
        >>> picture = draw_landmarks(image, face.landmarks, "ibug68", numbers=True)
        >>> picture = draw_landmarks(image, face.landmarks, "ibug68", box=face.box, label="1")
    """
    image, landmarks = image.copy(), np.asarray(landmarks, float)
    visible = ~np.isnan(landmarks).any(axis=-1)
    if box is not None:
        image = draw_box(image, box := tuple(float(value) for value in box))
    if visible.any():
        _draw_face(image, landmarks, visible, schemes.get(scheme) if scheme else None, numbers)
    if label and (visible.any() or box is not None):
        corners = landmarks[visible] if box is None else _corners(box)
        x, y = corners.min(axis=0)
        height = min(max(9.0, np.ptp(corners, axis=0).max() / 12), image.shape[0] / 4)
        ink.text(image, label, (x, y - height / 2), PLAIN, height)
    return image


def _draw_face(image, landmarks, visible, scheme, numbers):
    """Draws landmarks into the image; a small face in a copy of its region that is enlarged."""
    # The line width is proportional to the face, so that pictures of any size are readable.
    side = np.ptp(landmarks[visible], axis=0).max()
    factor = 1 if side >= _LARGE else min(_MOST, math.ceil(_LARGE / max(side, 1.0)))
    low = np.floor(landmarks[visible].min(axis=0) - 4 - side / 20).astype(int)
    high = np.ceil(landmarks[visible].max(axis=0) + 5 + side / 20).astype(int)
    if numbers:
        high += math.ceil(side / 8)
    (left, top), (right, bottom) = np.maximum(low, 0), np.minimum(high, image.shape[1::-1])
    if right <= left or bottom <= top:
        return
    region = image[top:bottom, left:right]
    size = (right - left, bottom - top)
    # Repeated pixels, averaged again, are what they were: only what is drawn changes.
    large = region.copy()
    if factor > 1:
        large = cv2.resize(region, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
    points = (landmarks - (left, top) + 0.5) * factor - 0.5
    colors = landmark_colors(scheme, bright=True) if scheme else [PLAIN] * len(landmarks)
    width, radius = max(0.9, side / 160) * factor, max(0.9, side / 120) * factor
    lines = [
        (points[a], points[b], colors[b])
        for line in (scheme.lines if scheme else ())
        for a, b in itertools.pairwise(line)
        if visible[a] and visible[b]
    ]
    ink.segments(large, lines, width)
    shown = np.flatnonzero(visible)
    ink.dots(large, points[shown], [colors[index] for index in shown], radius)
    for index in shown if numbers else ():
        corner = points[index] + (1.2 * radius, -0.8 * radius)
        ink.text(large, str(index), corner, colors[index], max(7.0, side / 55) * factor)
    if factor > 1:
        large = cv2.resize(large, [int(v) for v in size], interpolation=cv2.INTER_AREA)
    image[top:bottom, left:right] = large


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
    """Draws a face box on a copy of the image.

    Args:
        image: (height, width, 3) uint8 RGB. It is not modified.
        box: x, y, width, height in pixels. A fifth number is the face's roll in radians, clockwise,
            by which the box is turned about its center.

    Returns:
        (height, width, 3) uint8 RGB.

    Examples:
        >>> picture = draw_box(image, (*face.box, face.angle))
    """
    image, corners = image.copy(), _corners(tuple(float(value) for value in box))
    side = np.linalg.norm(corners[1] - corners[0])
    ink.polygon(image, corners, _BOX, max(1.0, side / 160))
    return image


def _corners(box):
    """The corners (4, 2) of a box of four or five numbers."""
    x, y, width, height, angle = (*box, 0.0)[:5]
    middle = np.array([x + width / 2, y + height / 2])
    across = np.array([np.cos(angle), np.sin(angle)]) * width / 2
    down = np.array([-np.sin(angle), np.cos(angle)]) * height / 2
    return middle + [-across - down, across - down, across + down, down - across]


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
