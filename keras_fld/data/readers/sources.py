"""What the dataset readers share: split names, safe paths, collecting faces, checking numbers."""

import os
import re
import unicodedata
from pathlib import Path

import numpy as np

from keras_fld._internal.files import FileError, message_in, reason
from keras_fld.data.faces import Absent

# Farther from the photograph than any landmark can be; a larger number is a damaged file.
FARTHEST = 1e6


class BadCall(ValueError):
    """A reader was called wrongly; the dataset's files have no part in it."""


class BadRoot(FileError, BadCall):
    """A dataset's folder or file is not there, or is none."""


class NoImage(FileError):
    """An annotation's photograph is not in the folder."""


def check_split(dataset, root, split, splits, folder=True):
    """The root as a path.

    Args:
        dataset: name of the dataset, for messages.
        root: folder of the dataset, or its file.
        split: name of the split asked for.
        splits: names that there are.
        folder: whether the root must be a folder, and not a file.

    Raises:
        BadCall: a ValueError: there is no root or no such split.
    """
    if not root:
        raise BadCall(f"the {dataset} dataset needs its folder as root. Got: none")
    if split not in splits:
        raise BadCall(f"split of {dataset} must be one of {', '.join(splits)}. Got: {split!r}")
    root = Path(root)
    if not root.exists():
        raise BadRoot(root, f"no such {'folder' if folder else 'file'}")
    if folder and not root.is_dir():
        raise BadRoot(root, f"the {dataset} dataset is a folder. Got: a file")
    return root


def check_option(name, value, allowed):
    """Raises BadCall when a reader's option is none of the allowed values."""
    if value not in allowed:
        raise BadCall(f"{name} must be one of {', '.join(map(str, allowed))}. Got: {value!r}")


def check_link(path, root):
    """Checks that a file of a folder is no way out of it: archives come from elsewhere.

    Args:
        path: the file.
        root: the folder, which may be a link itself.

    Raises:
        ValueError: a symbolic link leads out of the folder.
    """
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
        raise FileError(path, "a symbolic link must not lead out of its folder")


def inside(root, name):
    """The file that a list names, which must lie in the folder: lists come from elsewhere.

    Args:
        root: the folder.
        name: path in it, as the list has it.

    Returns:
        The path.

    Raises:
        ValueError: the name is absolute, climbs out by "..", or leads out by a symbolic link.
        NoImage: a ValueError: there is no such file.

    Examples:
        >>> inside("wflw/WFLW_images", "11--Meeting/a.jpg").name
        'a.jpg'
    """
    parts = name.replace("\\", "/").split("/")
    rooted = not parts[0] or re.match("[A-Za-z]:", parts[0]) or name.startswith("~")
    # Bytes that are no UTF-8, as of names from older systems, are characters from U+DC80 on.
    plain = re.sub("[\udc80-\udcff]", "", name)
    if rooted or ".." in parts or not plain.isprintable():
        raise ValueError(f"an image's name must be a path inside the folder. Got: {name!r}")
    path = Path(root, *parts)
    for spelled in _spellings(path.relative_to(root)):
        check_link(Path(root, spelled), root)
        try:
            found = Path(root, spelled).is_file()
        except OSError as error:  # a name longer than file systems allow
            raise ValueError(f"an image's name must be a file's. Got: {reason(error)}") from error
        except UnicodeEncodeError:  # half of a character
            continue
        if found:
            return Path(root, spelled)
    raise NoImage(path, "no such image")


def _spellings(name):
    """How a name may be written on disk: as it is, with accents joined or apart, as macOS has them,
    or in the Western encoding of an older system."""
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
    """Makes a face of each annotation.

    Args:
        items: annotations.
        make: function of one that returns a `Face`, raising ValueError for a bad one.
        skip_bad: leave bad ones out and list them, instead of stopping at the first.
        root: the dataset's folder, in which the sentences name files.

    Returns:
        The faces, one sentence each for the photographs that are not there, one for each bad one.

    Raises:
        ValueError: an annotation is bad and `skip_bad` is not set.
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
    """Raises ValueError where a split has no good face.

    Args:
        path: the dataset's folder or file.
        faces, skipped: of `collect`.
        absent: what to say where there are no bad ones either, as an `Absent`.

    Raises:
        Absent: there is nothing.
        ValueError: all that is there is bad.
    """
    if faces:
        return
    if skipped:
        raise FileError(path, f"none of {len(skipped)} faces could be read. First: {skipped[0]}")
    raise Absent(path, absent)


def naming(path, place, make):
    """`make`, its errors naming the item's place in the annotations.

    An error of another file, such as a missing image, names that file already.

    Args:
        path: the file of annotations.
        place: function of an item that gives its place there, such as "line 5".
        make: function of an item that returns a `Face`.
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
    """Landmarks of an annotation as (landmarks, 2) float32.

    Args:
        points: (landmarks, 2) numbers, NaN where not annotated.

    Raises:
        ValueError: a coordinate is infinite or beyond every photograph, or NaN alone.
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
    return [f"{what}: {len(absent)} listed images are not there, first {absent[0]}"]
