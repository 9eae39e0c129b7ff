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

from keras_fld.data.readers.sources import FARTHEST


def read_pts(path, num_landmarks=68):
    """Reads a `.pts` file.

    Args:
        path: the file.
        num_landmarks: how many points it must have; None takes what it declares.

    Returns:
        (landmarks, 2) float32, 0-based pixels.

    Raises:
        ValueError: the file breaks the format; it names the file, the line and the rule.

    Example:
        >>> read_pts("300w/afw/134212_1.pts").shape
        (68, 2)
    """
    path = Path(path)

    def fail(rule, line=None):
        where = path if line is None else f"{path}, line {line}"
        raise ValueError(f"{where}: {rule}")

    try:
        text = path.read_text(encoding="ascii")
    except OSError as error:
        fail(error.strerror or error)
    except UnicodeDecodeError:
        fail("a .pts file must be plain text")
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    lines = [(number, line) for number, line in lines if line]
    declared, points, state = None, [], "header"
    for number, line in lines:
        if state == "header":
            if line == "{":
                state = "points"
            elif line.partition(":")[0].strip() == "n_points":
                value = line.partition(":")[2].strip()
                if not value.isdigit():
                    fail(f"n_points must be a whole number. Got: {value!r}", number)
                declared = int(value)
            elif line.partition(":")[0].strip() != "version":
                fail(f"expected 'version:', 'n_points:' or '{{'. Got: {line[:40]!r}", number)
        elif state == "points":
            if line == "}":
                state = "end"
                continue
            words = line.split()
            try:
                point = [float(word) for word in words]
            except ValueError:
                point = []
            # A float32 holds no larger number, and no photograph is that large.
            if len(point) != 2 or not (np.abs(point) <= FARTHEST).all():
                fail(f"a point must be two numbers. Got: {line[:40]!r}", number)
            points.append(point)
        else:
            fail(f"nothing may follow '}}'. Got: {line[:40]!r}", number)
    if state == "header":
        fail("the opening brace '{' is missing")
    if state == "points":
        fail("the closing brace '}' is missing")
    if declared is not None and declared != len(points):
        fail(f"n_points says {declared}, but the file has {len(points)} points")
    if num_landmarks is not None and num_landmarks != len(points):
        fail(f"the file must have {num_landmarks} points. Got: {len(points)}")
    return np.array(points, np.float32).reshape(-1, 2) - 1


def write_pts(path, points):
    """Writes 0-based (landmarks, 2) points as a 1-based `.pts` file.

    Raises:
        ValueError: a point is NaN: the format has no way to say "not annotated".
    """
    points = np.asarray(points, float) + 1
    if np.isnan(points).any():
        raise ValueError(f"{path}: every point must be a number. Got: NaN")
    body = "".join(f"{x:.6f} {y:.6f}\n" for x, y in points)
    Path(path).write_text(f"version: 1\nn_points: {len(points)}\n{{\n{body}}}\n", "ascii")
