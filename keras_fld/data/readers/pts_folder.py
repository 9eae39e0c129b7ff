"""Reader of any folder of photographs with a `.pts` file next to each."""

import re

import numpy as np

from keras_fld import schemes
from keras_fld._internal.files import FileError
from keras_fld.data.faces import Face, FaceSet
from keras_fld.data.readers import signs as sign_rule
from keras_fld.data.readers import sources
from keras_fld.data.readers.beside import Beside
from keras_fld.data.readers.pts import read_numbers, read_pts, zero_based
from keras_fld.data.readers.unset import Unset
from keras_fld.geometry.frame import landmark_box


def read(
    root,
    split="train",
    skip_bad=False,
    scheme="ibug68",
    recursive=False,
    unset="auto",
    signs="auto",
):
    """Reads the faces of a folder. All faces are for training.

    Args:
        root: the folder. Files whose names differ only in a number at the end, such as `anna_00`
            and `anna_01`, belong to one person or photograph.
        split: must be "train".
        skip_bad: skip bad files and list them in the result, instead of raising an error.
        scheme: scheme of the landmarks: a `Scheme`, its name or its number of landmarks.
        recursive: whether to search subfolders.
        unset: which points mean "not annotated", see `readers.unset`.
        signs: "merl-rav" reads negative numbers as in that dataset, see `readers.signs`; "plain"
            reads them as positions; "auto" detects the files of MERL-RAV.

    Returns:
        A `FaceSet`.

    Raises:
        Absent: a ValueError: the folder contains no `.pts` file.
        ValueError: an option is invalid, or a file is bad.

    Examples:
        >>> faces = read("300w/afw")
    """
    root, scheme = sources.check_split("pts", root, split, ("train",)), schemes.get(scheme)
    files = Beside(root, ".pts", recursive)
    numbers = _numbers(files.annotations, scheme.num_landmarks)
    merl_rav = sign_rule.decide(numbers.values(), signs)
    rule = Unset([] if merl_rav else numbers.values(), unset)

    def face(path):
        image = files.photograph(path)
        if path not in numbers:
            read_pts(path, scheme.num_landmarks)  # raises the error for this file
        if merl_rav:
            points, occluded = sign_rule.without_signs(numbers[path])
        else:
            points, occluded = rule.blank(numbers[path]), None
        name = path.relative_to(root).with_suffix("").as_posix()
        group = files.photograph_name(path)
        group = (path.relative_to(root).parent / re.sub(r"_\d+$", "", group)).as_posix()
        return _face(path, image, zero_based(points), name, group, occluded)

    faces, _, skipped = sources.collect(files.annotations, face, skip_bad, root)
    sources.check_some(root, faces, skipped, "the train split needs .pts files. Got: none")
    notes = [*files.notes, *rule.notes]
    if merl_rav and signs == "auto":
        notes.append(
            "negative points are read as in MERL-RAV: -1 -1 is not annotated, -x -y is hidden at "
            'x y (signs="plain" reads them as positions)'
        )
    return FaceSet("pts train", scheme, faces, [], skipped, notes=notes)


def _numbers(paths, count):
    """Returns the points of each good file, without conversion."""
    found = {}
    for path in paths:
        try:
            found[path] = read_numbers(path, count)
        except ValueError:  # reported when the face is read
            continue
    return found


def beside(files, path, name, group, scheme):
    """Creates the face of a `.pts` file and the image next to it.

    Args:
        files: the `Beside` of the folder.
        path: the file.
        name, group: name and group of the `Face`.
        scheme: scheme of the landmarks.

    Raises:
        ValueError: the image is missing, the file is bad, or a symbolic link leads out of the
            folder.
    """
    image = files.photograph(path)
    return _face(path, image, read_pts(path, scheme.num_landmarks), name, group)


def _face(path, image, landmarks, name, group, occluded=None):
    try:
        if np.isnan(landmarks).all():
            raise ValueError("at least one landmark must be annotated")
        return Face(name, image, landmarks, landmark_box(landmarks), group, occluded)
    except ValueError as error:
        raise FileError(path, str(error)) from error
