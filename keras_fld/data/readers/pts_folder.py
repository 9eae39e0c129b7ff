"""Reader of any folder of photographs with a `.pts` file beside each."""

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
    """Reads the faces of a folder, all of them for training.

    Args:
        root: the folder; files whose names differ in a last number alone, such as `anna_00` and
            `anna_01`, are one person or photograph.
        split: must be "train".
        skip_bad: leave bad files out and list them, instead of stopping at the first.
        scheme: of the landmarks: a `Scheme`, its name or its number of landmarks.
        recursive: whether to read the folders in it too.
        unset: how points that stand for "not annotated" are known, see `readers.unset`.
        signs: "merl-rav" reads negative numbers as that dataset means them, see `readers.signs`;
            "plain" as places outside; "auto" as MERL-RAV's where a file can only be so.

    Returns:
        A `FaceSet`.

    Raises:
        Absent: a ValueError: there is no `.pts` file.
        ValueError: an unknown option, or a file is bad.

    Examples:
        >>> faces = read("ytf")
    """
    root, scheme = sources.check_split("pts", root, split, ("train",)), schemes.get(scheme)
    files = Beside(root, ".pts", recursive)
    numbers = _numbers(files.annotations, scheme.num_landmarks)
    merl_rav = sign_rule.decide(numbers.values(), signs)
    rule = Unset([] if merl_rav else numbers.values(), unset)

    def face(path):
        image = files.photograph(path)
        if path not in numbers:
            read_pts(path, scheme.num_landmarks)  # raises what is wrong with it
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
            "negative points are read as those of MERL-RAV: -1 -1 is not annotated, -x -y is "
            'hidden at x y (signs="plain" takes them as they are)'
        )
    return FaceSet("pts train", scheme, faces, [], skipped, notes=notes)


def _numbers(paths, count):
    """The points of each good file, as it has them."""
    found = {}
    for path in paths:
        try:
            found[path] = read_numbers(path, count)
        except ValueError:  # said when its face is made
            continue
    return found


def beside(files, path, name, group, scheme):
    """The face of a `.pts` file and the image beside it.

    Args:
        files: the `Beside` of its folder.
        path: the file.
        name, group: of the `Face`.
        scheme: of the landmarks.

    Raises:
        ValueError: there is no image, the file is bad, or one of them is a link out of the folder.
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
