"""Reader of MTFL: five points for each face, for pretraining.

The release has a list for each split, training.txt and testing.txt. A line contains the name of the
image, five x, five y and four attributes; the last one is the pose, from 1 (left profile) to 5
(right profile). A table points.csv of the training faces (file, pose, left_eye_x, ...) is also
supported.
"""

import csv

import numpy as np

from keras_fld._internal.files import FileError, reason
from keras_fld._internal.text import read_text
from keras_fld.data.faces import Absent, Face, FaceSet
from keras_fld.data.readers import sources
from keras_fld.data.readers.tables import Table
from keras_fld.geometry.frame import landmark_box
from keras_fld.schemes.mtfl5 import MTFL5

LISTS = {"train": "training.txt", "test": "testing.txt"}
SPLITS = {"train": 10_000, "test": 2_995}
POSES = ("left profile", "left", "frontal", "right", "right profile")
_TABLE = "points.csv"
_POINTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
_COLUMNS = [f"{point}_{axis}" for point in _POINTS for axis in "xy"]
# Name, five x, five y, gender, smile, glasses, pose.
_WORDS = 15


def read(root, split="train", skip_bad=False, base=None):
    """Reads one split of MTFL.

    Args:
        root: folder with the lists or points.csv, and the images in it or in subfolders.
        split: "train" or "test".
        skip_bad: skip bad lines and list them in the result, instead of raising an error.
        base: coordinate of the top-left pixel. None uses 1 for the release's lists, which were made
            with MATLAB, and 0 for points.csv.

    Returns:
        A `FaceSet` with the scheme `MTFL5`. Face boxes are tight around the five points, and the
        pose is one of a face's `attributes`.

    Raises:
        Absent: a ValueError: the list is missing.
        ValueError: an option is invalid, or a line is bad.

    Examples:
        >>> faces = read("mtfl", "train")
    """
    root = sources.check_split("mtfl", root, split, SPLITS)
    sources.check_option("base", base, (None, 0, 1))
    table = root / _TABLE
    path = table if split == "train" and table.is_file() else root / LISTS[split]
    if not path.is_file():
        raise Absent(root, f"the {split} split needs {path.name}. Got: none")
    try:
        # All lines are read at once, so that errors in the text are raised here.
        lines = list((_rows if path == table else _lines)(path))
    except (OSError, csv.Error) as error:
        raise FileError(path, f"the list must be plain text ({reason(error)})") from error
    shift = (path != table) if base is None else base

    face = sources.naming(
        path,
        lambda line: f"line {line[0]}",
        lambda line: _face(root, f"{split}/{line[0]}", line[1], line[2], line[3], shift),
    )
    faces, absent, skipped = sources.collect(lines, face, skip_bad, root)
    first = absent[0] if absent else "an empty list"
    needs = f"the {split} split needs images. Got: none ({first})"
    sources.check_some(root, faces, skipped, needs)
    missing = sources.lacking(split, len(faces), SPLITS[split])
    absent = sources.not_there(split, absent)
    return FaceSet(f"mtfl {split}", MTFL5, faces, missing, skipped, absent=absent)


def _lines(path):
    """Yields line number, image, ten numbers x y x y ... as text, and pose of a released list."""
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        words = line.split()
        if words:
            points = [word for pair in zip(words[1:6], words[6:11], strict=False) for word in pair]
            yield number, words[0], points, words[-1] if len(words) == _WORDS else None


def _rows(path):
    try:
        table = Table(path.read_bytes(), ("file", "pose", *_COLUMNS))
    except ValueError as error:
        raise FileError(path, str(error)) from error
    for line, row in table.rows:
        points = [_text(table, row.get(column, "")) for column in _COLUMNS]
        yield line, row["file"], points, row.get("pose", "")


def _text(table, cell):
    """Returns a number of a table as text for `float`. Other text is kept and rejected later."""
    try:
        return str(table.number(cell))
    except ValueError:
        return cell


def _face(root, place, image, points, pose, base):
    if pose is None or len(points) != len(_COLUMNS):
        raise ValueError(f"a line must have an image, five x, five y and {_WORDS - 11} attributes")
    try:
        numbers, pose = [float(value) for value in points], int(pose)
    except (TypeError, ValueError):
        raise ValueError(f"coordinates and pose must be numbers. Got: {points}, {pose!r}") from None
    if not np.isfinite(numbers).all() or not 1 <= pose <= len(POSES):
        raise ValueError(f"coordinates must be finite, and the pose 1 to 5. Got: {numbers}, {pose}")
    landmarks = sources.check_points(np.reshape(numbers, (-1, 2)) - base)
    return Face(
        name=f"{place} {image}",
        source=sources.inside(root, image),
        landmarks=landmarks,
        box=landmark_box(landmarks),
        group=image,
        attributes=frozenset([POSES[pose - 1]]),
    )
