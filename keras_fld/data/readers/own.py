"""Reader of your own faces: a CSV or JSON file that names photographs, with a scheme of its own.

A CSV has a header and a face a row; beside `faces.csv` lies its scheme, `faces.scheme.json` (see
`keras_fld.schemes.custom`), or the name of one of the package's schemes in that file.

    image,split,box_x,box_y,box_width,box_height,left eye_x,left eye_y,...
    photos/a.jpg,train,30,40,80,80,51.5,60.0,...

Columns are `image`, `<landmark>_x` and `<landmark>_y`, and if wanted `split` (train), `group` (the
image), the box (tight around the landmarks) and `<landmark>_occluded`. Empty cells are landmarks
that are not annotated; landmarks of a scheme of the package go by index, `0_x`. A JSON file holds
the same as

    {"scheme": {...}, "faces": [{"image": "photos/a.jpg", "points": [[51.5, 60.0], null], ...}]}

with `split`, `group`, `box`, `occluded` (a list), `attributes` (a list of names) and `distances`
(names to pixels) if wanted. Coordinates are 0-based: the center of the top-left pixel is (0, 0).
"""

import csv
import json
from typing import Any

import numpy as np

from keras_fld import schemes
from keras_fld._internal.files import FileError, reason
from keras_fld.data.faces import Face, FaceSet
from keras_fld.data.readers import sources
from keras_fld.geometry.frame import check_box, landmark_box
from keras_fld.schemes import registry
from keras_fld.schemes.custom import names_of

SPLITS = ("train", "test")
_BOX = ("box_x", "box_y", "box_width", "box_height")
_KEYS = ("image", "points", "split", "group", "box", "occluded", "attributes", "distances")


def read(root, split="train", skip_bad=False):
    """Reads one split of your own faces.

    Args:
        root: the `.csv` or `.json` file; the photographs lie in its folder or below.
        split: "train" or "test", as the file says of each face.
        skip_bad: leave bad faces out and list them, instead of stopping at the first.

    Returns:
        A `FaceSet`.

    Raises:
        Absent: a ValueError: no face of the file is of that split.
        ValueError: a bad face, or a bad file.

    Example:
        >>> faces = read("faces/faces.csv", "train")
    """
    root = sources.check_split("own", root, split, SPLITS, folder=False)
    if root.suffix not in (".csv", ".json") or not root.is_file():
        raise sources.BadRoot(root, "the own dataset must be a .csv or .json file")
    try:
        scheme, records = (_read_csv if root.suffix == ".csv" else _read_json)(root)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, csv.Error, RecursionError) as error:
        raise FileError(root, f"not a readable {root.suffix} file ({reason(error)})") from error
    except ValueError as error:
        raise FileError(root, str(error)) from error

    def face(item):
        place, record = item
        try:
            return _face(root.parent, scheme, place, record)
        except FileError:
            raise
        except (ValueError, OverflowError) as error:
            raise FileError(root, str(error), place) from error

    wanted = [item for item in records if _split_of(item[1]) in (split, None)]
    faces, _, skipped = sources.collect(wanted, face, skip_bad, root.parent)
    sources.check_some(root, faces, skipped, f"the {split} split needs faces. Got: none")
    attributes = sorted({name for face in faces for name in face.attributes})
    name = f"own {split}"
    return FaceSet(name, scheme, faces, [], skipped, attributes=tuple(attributes))


def _split_of(record):
    """The split that a record names; None where there is none such."""
    name = record.get("split", "train") if isinstance(record, dict) else None
    return name if name in SPLITS else None


def _read_json(path):
    content = json.loads(path.read_text("utf-8"), parse_constant=_no_constant)
    if not isinstance(content, dict) or not isinstance(content.get("faces"), list):
        raise ValueError('the file must hold {"scheme": ..., "faces": [...]}')
    scheme, _ = _scheme(content.get("scheme"))
    return scheme, [(f"face {i}", record) for i, record in enumerate(content["faces"], start=1)]


def _no_constant(name):
    raise ValueError(f"a number must be finite, and null where not annotated. Got: {name}")


def _read_csv(path):
    description = path.with_suffix(".scheme.json")
    if not description.is_file():
        raise ValueError(f"its scheme must lie beside it as {description.name}")
    try:
        scheme, names = _scheme(json.loads(description.read_text("utf-8")))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{description.name}: {error}") from error
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, strict=True, skipinitialspace=True)
        header = reader.fieldnames or []
        points = [f"{name}_{axis}" for name in names for axis in "xy"]
        flags = [f"{name}_occluded" for name in names]
        known = ("image", "split", "group", *_BOX, *points, *flags)
        for column in ("image", *points):
            if column not in header:
                raise ValueError(f"the header needs a column {column!r}")
        for column in header:
            if column not in known or header.count(column) > 1:
                raise ValueError(f"the header has an unknown or repeated column {column!r}")
        return scheme, [(f"line {reader.line_num}", _record(row, names)) for row in reader]


def _record(row, names):
    """A row of a CSV as a record of a JSON file; text that is no number stays, to be refused."""
    cells = {key: (value or "").strip() for key, value in row.items() if key is not None}
    record: dict[str, Any] = {"image": cells["image"], "points": []}
    if None in row:
        record["cells beyond the header"] = row[None]
    record.update({key: cells[key] for key in ("split", "group") if cells.get(key)})
    for name in names:
        point = [_number(cells[f"{name}_{axis}"]) for axis in "xy"]
        record["points"].append(None if point == ["", ""] else point)
    box = [_number(cells.get(column, "")) for column in _BOX]
    if box != [""] * 4:
        record["box"] = box
    flags = [cells.get(f"{name}_occluded", "") for name in names]
    if any(flags):
        record["occluded"] = [{"1": True, "0": False, "": False}.get(flag, flag) for flag in flags]
    return record


def _number(text):
    try:
        return float(text)
    except ValueError:
        return text


def _scheme(description):
    """A scheme and its landmarks' names, of a description or of a package's scheme's name."""
    if isinstance(description, str):
        scheme = schemes.get(description)
        return scheme, [str(index) for index in range(scheme.num_landmarks)]
    return registry.described(description), names_of(description)


def _face(folder, scheme, place, record):
    if not isinstance(record, dict):
        raise ValueError(f"a face must be a dictionary. Got: {type(record).__name__}")
    for key in record:
        if key not in _KEYS:
            raise ValueError(f"a face's keys must be among {', '.join(_KEYS)}. Got: {key!r}")
    if _split_of(record) is None:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}. Got: {record.get('split')!r}")
    image = record.get("image")
    if not isinstance(image, str) or not image:
        raise ValueError(f"image must be a file's name. Got: {image!r}")
    try:
        source = sources.inside(folder, image)
    except sources.NoImage as error:
        raise ValueError(f"{image}: {error.rule}") from error
    landmarks = _landmarks(record.get("points"), scheme)
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


def _landmarks(points, scheme):
    if not isinstance(points, list) or len(points) != scheme.num_landmarks:
        count = len(points) if isinstance(points, list) else points
        raise ValueError(f"points must be {scheme.num_landmarks} pairs or null. Got: {count}")
    pairs = [[np.nan] * 2 if p is None else _numbers(p, 2, "a point") for p in points]
    return sources.check_points(pairs)


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
        raise ValueError(f"occluded must be {scheme.num_landmarks} times true or false")
    return np.array(flags)


def _distances(distances):
    distances = distances or {}
    if not isinstance(distances, dict):
        raise ValueError("distances must be names with pixels")
    for name, value in distances.items():
        if not _is_number(value) or not 0 < float(value) < sources.FARTHEST:
            raise ValueError(f"a distance must be pixels above 0. Got: {name!r} {value!r}")
    return {name: float(value) for name, value in distances.items()}


def _attributes(names):
    names = names or []
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"attributes must be a list of names. Got: {names!r}"[:200])
    return frozenset(names)
