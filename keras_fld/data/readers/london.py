"""Reader of the London and Canada studio portraits, whose 189 points are in `points.csv`.

A row contains the name of a photograph and p0_x, p0_y, ..., p188_y in 0-based pixels. The points
are converted to iBUG-68, see `schemes.london189`.
"""

import csv
import re

import numpy as np

from keras_fld._internal.files import FileError, reason
from keras_fld.data.faces import Absent, Face, FaceSet
from keras_fld.data.readers import sources
from keras_fld.data.readers.tables import Table
from keras_fld.geometry.frame import landmark_box
from keras_fld.schemes import IBUG68, convert
from keras_fld.schemes.london189 import LONDON189, LONDON189_LANDMARKS

_TABLE = "points.csv"
_COLUMNS = [f"p{index}_{axis}" for index in range(*LONDON189_LANDMARKS) for axis in "xy"]


def read(root, split="train", skip_bad=False):
    """Reads the annotated portraits. All faces are for training.

    Args:
        root: folder with points.csv and the photographs.
        split: must be "train".
        skip_bad: skip bad lines and list them in the result, instead of raising an error.

    Returns:
        A `FaceSet` with the scheme iBUG-68. Photographs of a person have the same group.

    Raises:
        Absent: a ValueError: points.csv is missing.
        ValueError: a line is bad.

    Examples:
        >>> faces = read("london189")
    """
    root = sources.check_split("london189", root, split, ("train",))
    path = root / _TABLE
    if not path.is_file():
        raise Absent(root, f"the train split needs {_TABLE}. Got: none")
    try:
        table = Table(path.read_bytes(), ())
    except OSError as error:
        raise FileError(path, f"the table must be plain text ({reason(error)})") from error
    except (csv.Error, ValueError) as error:
        raise FileError(path, f"the table must be plain text ({error})") from error
    if table.header != ["file", *_COLUMNS]:
        raise FileError(path, f"the header must be file, {_COLUMNS[0]}, ..., {_COLUMNS[-1]}")

    def face(item):
        return _face(root, table, item[1])

    make = sources.naming(path, lambda item: f"line {item[0]}", face)
    faces, absent, skipped = sources.collect(table.rows, make, skip_bad, root)
    first = absent[0] if absent else "an empty table"
    sources.check_some(root, faces, skipped, f"the train split needs images. Got: none ({first})")
    absent = sources.not_there("train", absent)
    return FaceSet("london189 train", IBUG68, faces, [], skipped, absent=absent)


def _face(root, table, row):
    cells = [cell for cell in row.values() if cell] + row.get(None, [])[1:]
    if len(cells) != 1 + len(_COLUMNS):
        raise ValueError(f"a line must have a file and {len(_COLUMNS)} numbers. Got: {len(cells)}")
    try:
        points = np.array([table.number(row[name]) for name in _COLUMNS]).reshape(-1, 2)
    except ValueError:
        raise ValueError("coordinates must be numbers") from None
    if not np.isfinite(points).all():
        raise ValueError("coordinates must be finite")
    landmarks = sources.check_points(convert(points, LONDON189, IBUG68))
    name = row["file"]
    source = sources.inside(root, name)
    return Face(name, source, landmarks, landmark_box(landmarks), _person(name))


def _person(name):
    """The person in canada_003f.jpg, neutral_front_004_03.jpg or smiling_004_08.jpg."""
    found = re.match(r"(?:neutral|smiling)\D*(\d+)", name)
    return found[1] if found else name
