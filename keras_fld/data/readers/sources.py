"""Shared by the dataset readers: splits, safe paths, collecting faces, checking numbers."""

import os
import re
import unicodedata
from pathlib import Path

import numpy as np

from keras_fld._internal.files import FileError, message_in, reason
from keras_fld.data.faces import Absent

# Larger coordinates cannot belong to a photograph; the file is damaged.
FARTHEST = 1e6


class BadCall(ValueError):
    """Raised for wrong arguments of a reader, regardless of the dataset's files."""


class BadRoot(FileError, BadCall):
    """Raised if a dataset's folder or file is missing or of the wrong kind."""


class NoImage(FileError):
    """Raised if the photograph of an annotation is missing."""


def check_split(dataset, root, split, splits, folder=True):
    """Validates root and split, and returns the root as a path.

    Args:
        dataset: name of the dataset, for error messages.
        root: folder of the dataset, or its file.
        split: name of the requested split.
        splits: names of the dataset's splits.
        folder: whether the root must be a folder instead of a file.

    Raises:
        BadCall: a ValueError: the root is missing, or the split is unknown.
    """
    if not root:
        raise BadCall(f"the {dataset} dataset needs its folder as root. Got: none")
    if split not in splits:
        raise BadCall(f"split of {dataset} must be one of {', '.join(splits)}. Got: {split!r}")
    root = Path(root)
    if not root.exists():
        raise BadRoot(root, f"no such {'folder' if folder else 'file'}")
    if folder and not root.is_dir():
        raise BadRoot(root, f"the root of the {dataset} dataset must be a folder. Got: a file")
    return root


def check_option(name, value, allowed):
    """Raises BadCall if the value of a reader's option is not allowed."""
    if value not in allowed:
        raise BadCall(f"{name} must be one of {', '.join(map(str, allowed))}. Got: {value!r}")


def check_link(path, root):
    """Checks that a file in a folder is not a link out of it, as datasets are not trusted.

    Args:
        path: the file.
        root: the folder, which may be a link itself.

    Raises:
        ValueError: a symbolic link leads out of the folder.
    """
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
        raise FileError(path, "a symbolic link must not lead out of its folder")


def inside(root, name):
    """Finds the file that a list names. It must be inside the folder, as lists are not trusted.

    Args:
        root: the folder.
        name: relative path in the list.

    Returns:
        The path of the file.

    Raises:
        ValueError: the name is absolute, contains "..", or a symbolic link leads out of the folder.
        NoImage: a ValueError: the file does not exist.

    Examples:
        >>> inside("photos", "a.jpg").name
        'a.jpg'
    """
    parts = name.replace("\\", "/").split("/")
    rooted = not parts[0] or re.match("[A-Za-z]:", parts[0]) or name.startswith("~")
    # Bytes that are not UTF-8, in names from older systems, are decoded to U+DC80 and above.
    plain = re.sub("[\udc80-\udcff]", "", name)
    if rooted or ".." in parts or not plain.isprintable():
        raise ValueError(f"an image's name must be a path inside the folder. Got: {name!r}")
    path = Path(root, *parts)
    for spelled in _spellings(path.relative_to(root)):
        check_link(Path(root, spelled), root)
        try:
            found = Path(root, spelled).is_file()
        except OSError as error:  # for example, the name is too long for the file system
            raise ValueError(f"an image must be a file name. Got: {reason(error)}") from error
        except UnicodeEncodeError:  # an unpaired surrogate
            continue
        if found:
            return Path(root, spelled)
    raise NoImage(path, "no such image")


def _spellings(name):
    """Yields the possible spellings of a name on disk.

    These are the name itself, with composed or decomposed accents (as on macOS), or in the Western
    encoding of an older system.
    """
    name = str(name)
    yield name
    if name.isascii():
        return
    for form in ("NFC", "NFD"):
        yield unicodedata.normalize(form, name)
    for encoding in ("cp1252", "latin-1"):
        try:
            yield os.fsdecode(unicodedata.normalize("NFC", name).encode(encoding))
        except UnicodeEncodeError:
            continue


def collect(items, make, skip_bad, root):
    """Creates a face from each annotation.

    Args:
        items: the annotations.
        make: function that maps an annotation to a `Face`, and raises ValueError if it is bad.
        skip_bad: skip bad annotations and list them, instead of raising an error.
        root: folder of the dataset, to which paths in the sentences are relative.

    Returns:
        The faces, one sentence for each missing photograph, and one for each bad annotation.

    Raises:
        ValueError: an annotation is bad and `skip_bad` is False.
    """
    faces, absent, skipped = [], [], []
    for item in items:
        try:
            faces.append(make(item))
        except NoImage as error:
            absent.append(message_in(root, error))
        except ValueError as error:
            if not skip_bad:
                raise
            skipped.append(message_in(root, error))
    return faces, absent, skipped


def check_some(path, faces, skipped, absent):
    """Raises an error if a split has no good face.

    Args:
        path: the dataset's folder or file.
        faces, skipped: results of `collect`.
        absent: message of the `Absent` error.

    Raises:
        Absent: there are no faces, not even bad ones.
        ValueError: all faces are bad.
    """
    if faces:
        return
    if skipped:
        raise FileError(path, f"none of {len(skipped)} faces could be read. First: {skipped[0]}")
    raise Absent(path, absent)


def naming(path, place, make):
    """Wraps `make` so that its errors name the item's position in the annotations.

    An error about another file, such as a missing image, already names that file.

    Args:
        path: the annotation file.
        place: function that maps an item to its position, such as "line 5".
        make: function that maps an item to a `Face`.
    """

    def named(item):
        try:
            return make(item)
        except FileError:
            raise
        except ValueError as error:
            raise FileError(path, str(error), place(item)) from error

    return named


def check_points(points):
    """Validates the landmarks of an annotation, and returns them as (landmarks, 2) float32.

    Args:
        points: (landmarks, 2) numbers, NaN where not annotated.

    Raises:
        ValueError: a coordinate is infinite or too large, or only one of a pair is NaN.
    """
    points = np.asarray(points, float)
    hidden = np.isnan(points)
    wrong = (hidden.any(axis=-1) & ~hidden.all(axis=-1)) | (np.abs(points) > FARTHEST).any(axis=-1)
    if wrong.any():
        index = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"a landmark must be two numbers within {FARTHEST:,.0f} pixels. "
            f"Got: {points[index].tolist()} as landmark {index}"
        )
    return points.astype(np.float32)


def lacking(what, found, official):
    """One sentence if a part has fewer faces than the official release, otherwise none.

    Args:
        what: the part.
        found: number of its faces that are present.
        official: number of its faces in the release.
    """
    return [f"{what} has {found} of the official {official} faces"] if found < official else []


def not_there(what, absent):
    """One sentence if listed photographs are missing, otherwise none.

    Args:
        what: the part.
        absent: the sentences of `collect` on photographs.
    """
    if not absent:
        return []
    return [f"{what}: {len(absent)} listed images are missing, first {absent[0]}"]
