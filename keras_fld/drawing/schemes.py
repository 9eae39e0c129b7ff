"""Diagrams of landmark schemes and of the conversions between them.

They show the package's own mean face, so no dataset's license applies to them. Plots of trainings
and errors are in `reports.curves`.
"""

import itertools

import cv2
import numpy as np

from keras_fld import schemes
from keras_fld.drawing.colors import landmark_colors
from keras_fld.schemes.conversion import groups_of

_SOURCE = (205, 205, 205)
_BITS = 4
_FONT, _SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.36


def draw_scheme(scheme: schemes.Scheme | str | int, size: int = 900) -> np.ndarray:
    """Draws a scheme: its mean shape with lines, indices and a color for each patch.

    Args:
        scheme: a `Scheme`, its name or its number of landmarks.
        size: side of the picture in pixels. The indices of a dense scheme need about 900.

    Returns:
        (size, size, 3) uint8 RGB.

    Raises:
        ValueError: the scheme is unknown, or the size is below 200.

    Examples:
        >>> draw_scheme("wflw98").shape
        (900, 900, 3)
    """
    scheme = schemes.get(scheme)
    canvas, place = _canvas(size)
    labels = [str(index) for index in range(scheme.num_landmarks)]
    _diagram(canvas, scheme, place(scheme.mean_shape), labels)
    return _titled(canvas, f"{scheme.name}: {scheme.num_landmarks} landmarks")


def draw_conversion(
    source: schemes.Scheme | str | int, target: schemes.Scheme | str | int, size: int = 900
) -> np.ndarray:
    """Draws a conversion: the target scheme, labeled with the indices of the source landmarks.

    A filled point is a single landmark of the source, labeled with its index. A ring is the mean of
    several landmarks. The landmarks of the source are drawn in gray behind, if it has a mean shape.

    Args:
        source: a `Scheme`, its name or number of landmarks, or "mediapipe478".
        target: a `Scheme`, its name or number of landmarks.
        size: side of the picture in pixels.

    Returns:
        (size, size, 3) uint8 RGB.

    Raises:
        ValueError: the conversion is unknown, or the size is below 200.

    Examples:
        >>> draw_conversion("wflw98", "ibug68").shape
        (900, 900, 3)
    """
    groups, target = groups_of(source, target), schemes.get(target)
    canvas, place = _canvas(size)
    name, points = str(source), target.mean_shape
    if isinstance(source, schemes.Scheme) or source in schemes.SCHEMES:
        source = schemes.get(source)
        name, shape = source.name, source.mean_shape
        for point in _fixed(place(shape)):
            cv2.circle(canvas, point, round(2.5 * 2**_BITS), _SOURCE, -1, cv2.LINE_AA, _BITS)
        # The target's landmarks, converted from the source's mean shape.
        points = schemes.convert(shape, source, target)
    _diagram(canvas, target, place(points), [_runs(g) for g in groups], [len(g) for g in groups])
    return _titled(canvas, f"{target.name} from {name}")


def _canvas(size):
    """A white picture, and a function that maps a mean shape to its pixels."""
    if size < 200:
        raise ValueError(f"size must be at least 200. Got: {size}")

    def place(shape):
        return np.asarray(shape) * (0.86 * size) + (size - 1) / 2

    return np.full((size, size, 3), 255, np.uint8), place


def _diagram(canvas, scheme, points, labels, counts=None):
    """Draws the lines, points and labels of a scheme on a canvas; points are in pixels."""
    colors = landmark_colors(scheme)
    pale = [tuple(int(160 + 0.35 * value) for value in color) for color in colors]
    fixed = _fixed(points)
    for line in scheme.lines:
        for a, b in itertools.pairwise(line):
            cv2.line(canvas, fixed[a], fixed[b], pale[a], 1, cv2.LINE_AA, _BITS)
    outward = _label_directions(scheme, points)
    taken: list[tuple] = []
    for index, point in enumerate(fixed):
        several = counts is not None and counts[index] > 1
        fill = 1 if several else -1
        radius = round((4 if several else 2.5) * 2**_BITS)
        cv2.circle(canvas, point, radius, colors[index], fill, cv2.LINE_AA, _BITS)
        others = np.delete(points, index, axis=0)
        box = _free_box(canvas, labels[index], points[index], outward[index], others, taken)
        taken.append(box)
        corner = (round(box[0]), round(box[3]))
        cv2.putText(canvas, labels[index], corner, _FONT, _SCALE, colors[index], 1, cv2.LINE_AA)


def _label_directions(scheme, points):
    """Unit vectors from each landmark away from its line, for labels: (landmarks, 2).

    They point out of a closed line, and away from the middle of the face otherwise.
    """
    directions: dict[int, np.ndarray] = {}
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    for line in scheme.lines:
        closed, curve = line[0] == line[-1], points[list(line)]
        x, y = curve.T
        clockwise = np.sign(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
        for place, index in enumerate(line[:-1] if closed else line):
            before = curve[place - 1 if place else (-2 if closed else 0)]
            along = curve[min(place + 1, len(curve) - 1)] - before
            across = np.array([along[1], -along[0]]) / max(np.linalg.norm(along), 1e-9)
            side = clockwise if closed else np.dot(across, points[index] - middle)
            directions.setdefault(index, across if side >= 0 else -across)
    on_no_line = np.array([1.0, 0.0])
    return [directions.get(index, on_no_line) for index in range(len(points))]


def _free_box(canvas, text, point, direction, others, taken):
    """Box (left, top, right, bottom) of a label next to its point that overlaps nothing else.

    If the preferred direction is not free, the opposite one, above and below are tried. If none is
    free, the preferred one is used.
    """
    (width, height), _ = cv2.getTextSize(text, _FONT, _SCALE, 1)
    boxes = []
    for step in (direction, -direction, np.array([0.0, -1.0]), np.array([0.0, 1.0])):
        reach = 5 + np.abs(step) @ (width, height) / 2
        left, top = point + reach * step - (width / 2, height / 2)
        left = min(max(left, 1), canvas.shape[1] - width - 1)
        box = (left, top, left + width, top + height)
        on_point = ((others > np.array(box[:2]) - 3) & (others < np.array(box[2:]) + 3)).all(axis=1)
        on_label = any(
            box[0] < right and box[2] > left and box[1] < bottom and box[3] > top
            for left, top, right, bottom in taken
        )
        if not on_point.any() and not on_label:
            return box
        boxes.append(box)
    return boxes[0]


def _titled(canvas, title):
    cv2.putText(canvas, title, (12, 24), _FONT, 0.55, (40, 40, 40), 1, cv2.LINE_AA)
    return canvas


def _fixed(points):
    return [tuple(int(v) for v in point) for point in np.round(points * 2**_BITS)]


def _runs(indices):
    """Indices as text with shortened runs: (36, 37, 38, 39) becomes "36-39"."""
    groups = itertools.groupby(enumerate(sorted(set(indices))), lambda pair: pair[1] - pair[0])
    parts = []
    for _, group in groups:
        run = [index for _, index in group]
        parts.append(f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)))
    return ",".join(parts)
