"""The `.pts` text format of the iBUG annotations.

    version: 1
    n_points: 68
    {
    91.4 123.3
    ...
    }

Coordinates in the file are 1-based: the center of the top-left pixel is (1, 1).
"""

from pathlib import Path

import numpy as np

from keras_fld._internal.files import FileError
from keras_fld._internal.text import read_text
from keras_fld.data.readers.sources import FARTHEST


def read_pts(path, num_landmarks=68):
    """Reads a `.pts` file.

    Args:
        path: the file.
        num_landmarks: required number of points; None accepts any number.

    Returns:
        (landmarks, 2) float32, 0-based pixels.

    Raises:
        ValueError: the file has a wrong format. The message contains the file, line and rule.

    Examples:
        >>> write_pts("face.pts", np.full((68, 2), 9.5))
        >>> read_pts("face.pts").shape
        (68, 2)
    """
    return zero_based(read_numbers(path, num_landmarks))


def zero_based(points):
    """Converts a file's points to 0-based (landmarks, 2) float32 pixels."""
    return np.array(points, np.float32).reshape(-1, 2) - 1


def read_numbers(path, num_landmarks=68):
    """Reads a file like `read_pts`, but returns the numbers of the file, as a list of pairs.

    Examples:
        >>> write_pts("face.pts", np.full((68, 2), 9.5))
        >>> read_numbers("face.pts")[0]
        [10.5, 10.5]
    """
    path = Path(path)
    numbered = ((i, line.strip()) for i, line in enumerate(read_text(path).splitlines(), start=1))
    lines = ((f"line {i}", line) for i, line in numbered if line)
    declared = _header(path, lines)
    points = _points(path, lines)
    for place, line in lines:
        raise FileError(path, f"nothing may follow '}}'. Got: {line[:40]!r}", place)
    if declared is not None and declared != len(points):
        rule = f"n_points is {declared}, but the file has {len(points)} points"
        raise FileError(path, rule)
    if num_landmarks is not None and num_landmarks != len(points):
        raise FileError(path, f"the file must have {num_landmarks} points. Got: {len(points)}")
    return points


def _header(path, lines):
    """Returns the number of points declared before the opening brace, or None."""
    declared = None
    for place, line in lines:
        if line == "{":
            return declared
        name, _, value = (part.strip() for part in line.partition(":"))
        if name == "n_points":
            if not value.isdecimal():
                raise FileError(path, f"n_points must be a whole number. Got: {value!r}", place)
            declared = int(value)
        elif name != "version":
            rule = f"expected 'version:', 'n_points:' or '{{'. Got: {line[:40]!r}"
            raise FileError(path, rule, place)
    raise FileError(path, "the opening brace '{' is missing")


def _points(path, lines):
    """Returns the points up to the closing brace."""
    points: list[list[float]] = []
    for place, line in lines:
        if line == "}":
            return points
        try:
            point = [float(word) for word in line.split()]
        except ValueError:
            point = []
        # Larger numbers do not fit in float32, and no photograph is that large.
        if len(point) != 2 or not (np.abs(point) <= FARTHEST).all():
            raise FileError(path, f"a point must be two numbers. Got: {line[:40]!r}", place)
        points.append(point)
    raise FileError(path, "the closing brace '}' is missing")


def write_pts(path, points):
    """Writes 0-based (landmarks, 2) points as a 1-based `.pts` file.

    Raises:
        ValueError: a point is NaN, because the format cannot express "not annotated".
    """
    points = np.asarray(points, float) + 1
    if np.isnan(points).any():
        raise ValueError(f"{path}: every point must be a number. Got: NaN")
    body = "".join(f"{x:.6f} {y:.6f}\n" for x, y in points)
    Path(path).write_text(f"version: 1\nn_points: {len(points)}\n{{\n{body}}}\n", "ascii")
