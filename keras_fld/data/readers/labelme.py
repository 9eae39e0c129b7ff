"""Reader of faces annotated with labelme: a JSON file next to each photograph.

A file contains `imagePath` and `shapes`. Shapes of the type `point` are read: the label is the
landmark's name or number, and `group_id` distinguishes the faces of a photograph. labelme displays
and stores photographs upright. Its coordinates start at the corner of the top-left pixel.
"""

import base64
import binascii
import os
from functools import partial
from pathlib import Path

import numpy as np

from keras_fld._internal.files import FileError
from keras_fld._internal.folders import visible_files
from keras_fld._internal.images import decode_image
from keras_fld.data.faces import Face, FaceSet
from keras_fld.data.readers import sources
from keras_fld.data.readers.coco import BASES
from keras_fld.data.readers.named import Names, read_json_file
from keras_fld.data.readers.unset import Unset
from keras_fld.geometry.frame import landmark_box

SCHEME = "scheme.json"


def read(root, split="train", skip_bad=False, scheme=None, recursive=False, base=0, unset="auto"):
    """Reads the files of a folder, or one file. All faces are for training.

    Args:
        root: the folder, or a `.json` file.
        split: must be "train".
        skip_bad: skip bad faces and list them in the result, instead of raising an error.
        scheme: a `Scheme`, its name, its number of landmarks or its description, whose landmark
            names or numbers match the labels. None uses the description in the folder's
            `scheme.json`, or the package's scheme with these labels.
        recursive: whether to search subfolders.
        base: coordinate of the center of the top-left pixel: 0.5 for points set by hand in labelme,
            0 for files that a program wrote from pixels.
        unset: which points mean "not annotated", see `readers.unset`.

    Returns:
        A `FaceSet`. If a photograph is missing, it is read from `imageData` in the file.

    Raises:
        Absent: a ValueError: there is no labelme file.
        ValueError: an option is invalid, or a file is bad.

    Examples:
        >>> faces = read("labelme", scheme=68)
    """
    root = sources.check_split("labelme", root, split, ("train",), folder=False)
    sources.check_option("base", base, BASES)
    folder = root if root.is_dir() else root.parent
    found, unread = _files(root, recursive)
    if unread and not skip_bad:
        raise unread[0]
    skipped = [error.relative_to(folder) for error in unread]
    if not any(faces for _, _, faces in found):
        sources.check_some(root, [], skipped, "labelme files with points are needed. Got: none")
    names = _names(scheme, folder, root, found)
    rule = Unset(
        (list(points.values()) for _, _, faces in found for points in faces.values()), unset
    )

    def faces_of(item):
        path, content, faces = item
        source, image = _photograph(folder, path, content)
        place = path.relative_to(folder).with_suffix("").as_posix()
        return [
            _face(path, f"{place} {number}", source, image, points, names, rule, base)
            for number, points in enumerate(faces.values(), start=1)
        ]

    made, absent, bad = sources.collect(found, faces_of, skip_bad, folder)
    faces, skipped = [face for several in made for face in several], skipped + bad
    needs = f"labelme files with their images are needed. Got: {', '.join(absent[:1])}"
    sources.check_some(root, faces, skipped, needs)
    absent = sources.not_there("train", absent)
    notes = [*names.notes, *rule.notes]
    return FaceSet("labelme train", names.scheme, faces, [], skipped, notes=notes, absent=absent)


def _files(root, recursive):
    """Returns path, content and faces of each labelme file, and the errors of bad files."""
    found, errors = [], []
    paths = [root] if root.is_file() else visible_files(root, recursive)
    for path in paths:
        if path.suffix.lower() != ".json" or path.name.endswith(SCHEME):
            continue
        try:
            content = read_json_file(path)
            if root.is_dir() and not (isinstance(content, dict) and "shapes" in content):
                continue  # the file of another program
            found.append((path, content, _faces(content)))
        except FileError as error:
            errors.append(error)
        except ValueError as error:
            errors.append(FileError(path, str(error)))
    return found, errors


def _faces(content):
    """Returns the points of each face, as a dictionary from group to label to (x, y)."""
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        raise ValueError('a labelme file must contain {"imagePath": ..., "shapes": [...]}')
    if not isinstance(content.get("imagePath"), str) or not content["imagePath"]:
        raise ValueError(f"imagePath must be a file name. Got: {content.get('imagePath')!r}"[:200])
    faces: dict = {}
    for number, shape in enumerate(content["shapes"], start=1):
        if not isinstance(shape, dict):
            raise ValueError(f"shape {number} must be a dictionary")
        if shape.get("shape_type") != "point":
            continue
        label, group, points = shape.get("label"), shape.get("group_id"), shape.get("points")
        if not isinstance(label, str) or not isinstance(group, (int, str, type(None))):
            raise ValueError(f"shape {number} needs a text as label, and one number as group_id")
        if not isinstance(points, list) or len(points) != 1 or not _is_point(points[0]):
            raise ValueError(f"shape {number} must be one point of two finite numbers")
        face = faces.setdefault(group, {})
        if label in face:
            raise ValueError(
                f"shape {number}: a face must have each label once; group_id must distinguish the "
                f"faces of a photograph. Got: {label!r} twice"
            )
        face[label] = points[0]
    return faces


def _is_point(point):
    return (
        isinstance(point, list)
        and len(point) == 2
        and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in point)
        and all(abs(v) < 2 * sources.FARTHEST for v in point)
    )


def _names(scheme, folder, root, found):
    labels = [label for _, _, faces in found for points in faces.values() for label in points]
    try:
        return Names(scheme, folder / SCHEME, sorted(set(labels), key=lambda x: (len(x), x)))
    except (FileError, sources.BadCall):
        raise
    except ValueError as error:
        raise FileError(root, str(error)) from error


def _photograph(folder, path, content):
    """Finds the photograph, and its name: at `imagePath`, or next to the file."""
    image = content["imagePath"].replace("\\", "/")
    last = image.rpartition("/")[2]
    # If labelme writes to another folder, imagePath starts with "..", as in ../photos/a.jpg.
    said = os.path.normpath(Path(path.parent.relative_to(folder), image))
    for place, name in ((folder, said), (path.parent, last)):
        try:
            return sources.inside(place, name), last
        except ValueError as error:
            problem = error
    if isinstance(content.get("imageData"), str) and content["imageData"]:
        return partial(_embedded, path), last
    if isinstance(problem, FileError):
        raise problem
    raise FileError(path, str(problem)) from problem


def _embedded(path):
    """Decodes the photograph in the file."""
    try:
        data = base64.b64decode(read_json_file(Path(path))["imageData"], validate=True)
    except (binascii.Error, ValueError, LookupError, TypeError) as error:
        raise FileError(path, f"imageData must be an image in base64 ({error})") from error
    return decode_image(data, path)


def _face(path, name, source, image, points, names, rule, base):
    placed, _ = names.empty()
    for label, point in points.items():
        index = names.index(label)
        if index is not None and not rule.marks(point):
            placed[index] = np.array(point, float) - base
    try:
        landmarks = sources.check_points(placed)
        group = (path.parent / image).as_posix()
        return Face(name, source, landmarks, landmark_box(landmarks), group)
    except ValueError as error:
        raise FileError(path, str(error)) from error
