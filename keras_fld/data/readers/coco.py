"""Reader of keypoints in COCO format, which CVAT, Label Studio, Roboflow and others export.

A JSON file contains `images` (id, file_name), `categories` (id and the names of its `keypoints`)
and `annotations` (image_id, category_id and `keypoints`: x, y, v for each name, where v is 0 for a
point that is not annotated, 1 for a hidden and 2 for a visible one). Coordinates are 0-based.
"""

from pathlib import Path

import numpy as np

from keras_fld._internal.files import FileError
from keras_fld.data.faces import Absent, Face, FaceSet
from keras_fld.data.readers import sources
from keras_fld.data.readers.named import Names, read_json_file
from keras_fld.data.readers.unset import Unset
from keras_fld.geometry.frame import landmark_box

_VISIBILITY = (0, 1, 2)
BASES = (0, 0.5, 1)


def read(root, split="train", skip_bad=False, scheme=None, images=None, base=0, unset="auto"):
    """Reads a file of keypoints. All faces are for training.

    Args:
        root: the `.json` file.
        split: must be "train"; in COCO format, each split is a file.
        skip_bad: skip bad faces and list them in the result, instead of raising an error.
        scheme: a `Scheme`, its name, its number of landmarks or its description, whose landmark
            names or numbers match the keypoints. None uses the description in `NAME.scheme.json`
            next to the file, or the package's scheme with these names.
        images: folder of the photographs; None searches the file's folder, and a folder `images`
            next to or above it, or in that the split's, such as `images/default` of CVAT for
            `person_keypoints_default.json`.
        base: coordinate of the center of the top-left pixel.
        unset: which points mean "not annotated" in addition to those with v = 0, see
            `readers.unset`.

    Returns:
        A `FaceSet`.

    Raises:
        Absent: a ValueError: the file contains no annotated keypoint.
        ValueError: an option is invalid, or a face or the file is bad.

    Examples:
        >>> faces = read("faces/annotations.json")
    """
    root = sources.check_split("coco", root, split, ("train",), folder=False)
    sources.check_option("base", base, BASES)
    if not root.is_file():
        raise sources.BadRoot(root, "the coco dataset must be a .json file")
    files, keypoints, annotations, names, rule = _opened(root, scheme, unset)
    folders = [Path(images)] if images else _folders(root)

    def face(item):
        place, record = item
        image = files.get(record.get("image_id"))
        if image is None:
            raise ValueError(f"image_id must be that of an image. Got: {record.get('image_id')!r}")
        called = keypoints[record["category_id"]]
        points, occluded = _points(record["keypoints"], called, names, rule, base)
        landmarks = sources.check_points(points)
        source = _photograph(folders, image)
        return Face(f"{image} {place}", source, landmarks, landmark_box(landmarks), image, occluded)

    make = sources.naming(root, lambda item: item[0], face)
    wanted = [item for item in annotations if any(item[1]["keypoints"][2::3])]
    faces, absent, skipped = sources.collect(wanted, make, skip_bad, root.parent)
    first = absent[0] if absent else "no annotated keypoint"
    sources.check_some(root, faces, skipped, f"the file needs faces with images. Got: {first}")
    notes = [*names.notes, *rule.notes]
    if lone := len(annotations) - len(wanted):
        notes.append(f"skipped {lone:,} annotations without an annotated keypoint")
    absent = sources.not_there("train", absent)
    return FaceSet("coco train", names.scheme, faces, [], skipped, notes=notes, absent=absent)


def _opened(root, scheme, unset):
    """Reads a file's tables (see `_tables`), its scheme, and its rule for "not annotated"."""
    content = read_json_file(root)
    try:
        files, keypoints, annotations = _tables(content)
        if not annotations:
            raise Absent(root, "the file needs annotations with keypoints. Got: none")
        used = {record["category_id"] for _, record in annotations}
        found = [
            name for category, names in keypoints.items() if category in used for name in names
        ]
        names = Names(scheme, root.with_suffix(".scheme.json"), found)
        rule = Unset((_pairs(record["keypoints"]) for _, record in annotations), unset)
    except (FileError, sources.BadCall):
        raise
    except ValueError as error:
        raise FileError(root, str(error)) from error
    return files, keypoints, annotations, names, rule


def _tables(content):
    """Returns image names by id, keypoint names by category id, and the annotations with keypoints.

    Each annotation comes with its position in the file.
    """
    if not isinstance(content, dict):
        raise ValueError("the file must contain an object in COCO format")
    tables = []
    for key in ("images", "categories", "annotations"):
        table = content.get(key)
        if not isinstance(table, list) or not all(isinstance(row, dict) for row in table):
            raise ValueError(f"the file needs {key}, a list of dictionaries")
        tables.append(table)
    images, categories, annotations = tables
    files = {_id(row, "images"): row.get("file_name") for row in images}
    if not all(isinstance(name, str) and name for name in files.values()):
        raise ValueError("every image needs a file_name")
    keypoints = {
        _id(row, "categories"): row["keypoints"] for row in categories if "keypoints" in row
    }
    for names in keypoints.values():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("keypoints of a category must be names")
        if len(set(names)) != len(names):
            raise ValueError(f"keypoints of a category must be different names. Got: {names}"[:200])
    if not any(keypoints.values()):
        raise ValueError("the file needs a category with names of keypoints. Got: none")
    placed = [(f"annotation {i}", row) for i, row in enumerate(annotations, start=1)]
    return (
        files,
        keypoints,
        [
            _checked(place, row, keypoints)
            for place, row in placed
            if row.get("keypoints") not in (None, [])
        ],
    )


def _id(row, table):
    number = row.get("id")
    if not isinstance(number, (int, str)):
        raise ValueError(f"every row of {table} needs an id. Got: {number!r}"[:200])
    return number


def _checked(place, row, keypoints):
    category, values = row.get("category_id"), row["keypoints"]
    if not isinstance(category, (int, str)) or category not in keypoints:
        raise ValueError(f"{place}: category_id must be the id of a category with keypoints")
    count = 3 * len(keypoints[category])
    good = isinstance(values, list) and len(values) == count
    if not good or not all(_is_number(value) for value in values):
        raise ValueError(f"{place}: keypoints must be {count} finite numbers: x, y, v of each name")
    if not set(values[2::3]) <= set(_VISIBILITY):
        raise ValueError(f"{place}: v of a keypoint must be 0, 1 or 2")
    if not isinstance(row.get("image_id"), (int, str)):
        raise ValueError(f"{place}: image_id is missing")
    return place, row


def _is_number(value):
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and abs(value) < 2 * sources.FARTHEST


def _pairs(values):
    """Returns the annotated points of an annotation."""
    triples = zip(values[::3], values[1::3], values[2::3], strict=True)
    return [(x, y) for x, y, visibility in triples if visibility]


def _points(values, called, names, rule, base):
    """Returns (landmarks, 2) points in the scheme's order, and whether each is hidden."""
    points, occluded = names.empty()
    triples = np.reshape(np.array(values, float), (-1, 3))
    for name, (x, y, visibility) in zip(called, triples, strict=True):
        index = names.index(name)
        if index is None or not visibility or rule.marks((x, y)):
            continue
        points[index] = x - base, y - base
        occluded[index] = visibility == 1
    return points, occluded


def _folders(root):
    places = [root.parent]
    for images in (root.parent / "images", root.parent.parent / "images"):
        if images.is_dir():
            # CVAT has a folder for each of its subsets, whose name ends that of the file.
            within = sorted(place for place in images.iterdir() if place.is_dir())
            places += [place for place in within if _ends(root.stem, place.name)]
            places.append(images)
    return places


def _ends(stem, subset):
    return stem == subset or stem.endswith(f"_{subset}")


def _photograph(folders, image):
    """Finds the photograph in the first folder that contains it."""
    for folder in folders:
        try:
            return sources.inside(folder, image)
        except sources.NoImage:
            continue
    shown = ", ".join(f"{folder.name}/" for folder in folders)
    raise sources.NoImage(
        folders[-1] / image, f"no such image in {shown}; images= names another folder"
    )
