"""Reader of your own faces: a table or JSON file with photographs, points and a scheme.

A JSON file contains

    {"scheme": {...}, "faces": [{"image": "photos/a.jpg", "points": [[51.5, 60.0], null], ...}]}

and optionally `split`, `group`, `box`, `occluded` (a list), `attributes` (a list of names) and
`distances` (names to pixels). Coordinates are 0-based pixels of the upright photograph: the center
of its top-left pixel is (0, 0). A table contains the same, see `readers.own_table`. The files that
`predict` writes for a photograph are supported, too, see `readers.predicted`.
"""

import csv
import json

import numpy as np

from keras_fld._internal.files import FileError, reason
from keras_fld._internal.text import decode
from keras_fld.data.faces import Face, FaceSet
from keras_fld.data.readers import own_table, predicted, sources
from keras_fld.data.readers.unset import Unset
from keras_fld.geometry.frame import check_box, landmark_box

SPLITS = ("train", "test")
_TABLES = (".csv", ".tsv")
_KEYS = ("image", "points", "split", "group", "box", "occluded", "attributes", "distances")


def read(root, split="train", skip_bad=False, unset="auto"):
    """Reads one split of your own faces.

    Args:
        root: the `.csv`, `.tsv` or `.json` file. The photographs are in its folder or subfolders.
        split: "train" or "test", given in the file for each face.
        skip_bad: skip bad faces and list them in the result, instead of raising an error.
        unset: which points mean "not annotated", see `readers.unset`.

    Returns:
        A `FaceSet`.

    Raises:
        Absent: a ValueError: the file contains no face of the split.
        ValueError: a face or the file is bad.

    Examples:
        >>> faces = read("faces/faces.csv", "train")
    """
    root = sources.check_split("own", root, split, SPLITS, folder=False)
    kind = root.suffix.lower()
    if kind not in (*_TABLES, ".json") or not root.is_file():
        raise sources.BadRoot(root, "the own dataset must be a .csv or .json file")
    try:
        scheme, records = (own_table.read if kind in _TABLES else _read_json)(root)
        rule = Unset(_all_points(records), unset)
    except (OSError, json.JSONDecodeError, csv.Error, RecursionError) as error:
        raise FileError(root, f"not a readable {root.suffix} file ({reason(error)})") from error
    except (FileError, sources.BadCall):
        raise
    except ValueError as error:
        raise FileError(root, str(error)) from error

    def face(item):
        place, record = item
        try:
            return _face(root.parent, scheme, place, record, rule)
        except FileError:
            raise
        except (ValueError, OverflowError) as error:
            raise FileError(root, str(error), place) from error

    wanted = [item for item in records if _split_of(item[1]) in (split, None)]
    faces, _, skipped = sources.collect(wanted, face, skip_bad, root.parent)
    sources.check_some(root, faces, skipped, f"the {split} split needs faces. Got: none")
    attributes = sorted({name for face in faces for name in face.attributes})
    name = f"own {split}"
    return FaceSet(
        name, scheme, faces, [], skipped, "inter_pupil", tuple(attributes), None, rule.notes
    )


def _all_points(records):
    """Returns the points of all records that have any."""
    faces = (record.get("points") for _, record in records if isinstance(record, dict))
    return [points for points in faces if isinstance(points, list)]


def _split_of(record):
    """Returns the split of a record; None if it is invalid."""
    name = record.get("split", "train") if isinstance(record, dict) else None
    return name if name in SPLITS else None


def _read_json(path):
    content = json.loads(decode(path.read_bytes()), parse_constant=_no_constant)
    if predicted.is_content(content):
        return predicted.faces_of(path, content)
    if not isinstance(content, dict) or not isinstance(content.get("faces"), list):
        raise ValueError('the file must contain {"scheme": ..., "faces": [...]}')
    scheme, _ = own_table.scheme_of(content.get("scheme"))
    return scheme, [(f"face {i}", record) for i, record in enumerate(content["faces"], start=1)]


def _no_constant(name):
    raise ValueError(f"a number must be finite; use null if not annotated. Got: {name}")


def _face(folder, scheme, place, record, rule):
    if not isinstance(record, dict):
        raise ValueError(f"a face must be a dictionary. Got: {type(record).__name__}")
    for key in record:
        if key not in _KEYS:
            raise ValueError(f"a face's keys must be among {', '.join(_KEYS)}. Got: {key!r}")
    if _split_of(record) is None:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}. Got: {record.get('split')!r}")
    image = record.get("image")
    if not isinstance(image, str) or not image:
        raise ValueError(f"image must be a file name. Got: {image!r}")
    try:
        source = sources.inside(folder, image)
    except sources.NoImage as error:
        raise ValueError(f"{image}: {error.rule}") from error
    landmarks = _landmarks(record.get("points"), scheme, rule)
    box = landmark_box(landmarks)
    if record.get("box") is not None:
        box = check_box(_numbers(record["box"], 4, "box"))
        if np.abs(box).max() > sources.FARTHEST:
            raise ValueError(f"the box must lie in the image. Got: {record['box']}")
    distances = _distances(record.get("distances"))
    group = record.get("group", image)
    if not isinstance(group, str):
        raise ValueError(f"group must be a text. Got: {group!r}")
    return Face(
        name=f"{image} {place}",
        source=source,
        landmarks=landmarks,
        box=box,
        group=group,
        occluded=_occluded(record.get("occluded"), scheme),
        distances={**distances, "face_size": float(np.sqrt(box[2] * box[3]))},
        attributes=_attributes(record.get("attributes")),
    )


def _landmarks(points, scheme, rule):
    if not isinstance(points, list) or len(points) != scheme.num_landmarks:
        count = len(points) if isinstance(points, list) else points
        raise ValueError(f"points must be {scheme.num_landmarks} pairs or null. Got: {count}")
    pairs = [[np.nan] * 2 if p is None else _numbers(p, 2, "a point") for p in points]
    return sources.check_points(rule.blank(pairs))


def _numbers(values, count, what):
    good = isinstance(values, (list, tuple)) and len(values) == count
    if not good or not all(_is_number(v) and np.isfinite(float(v)) for v in values):
        raise ValueError(f"{what} must be {count} finite numbers. Got: {values!r}"[:200])
    return [float(value) for value in values]


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _occluded(flags, scheme):
    if flags is None:
        return None
    good = isinstance(flags, list) and all(isinstance(flag, bool) for flag in flags)
    if not good or len(flags) != scheme.num_landmarks:
        raise ValueError(f"occluded must be a list of {scheme.num_landmarks} booleans")
    return np.array(flags)


def _distances(distances):
    distances = distances or {}
    if not isinstance(distances, dict):
        raise ValueError("distances must be a dictionary from names to pixels")
    for name, value in distances.items():
        if not _is_number(value) or not 0 < float(value) < sources.FARTHEST:
            raise ValueError(f"a distance must be above 0 pixels. Got: {name!r} {value!r}")
    return {name: float(value) for name, value in distances.items()}


def _attributes(names):
    names = names or []
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"attributes must be a list of names. Got: {names!r}"[:200])
    return frozenset(names)
