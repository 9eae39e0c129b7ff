"""Reader of COFW: one MATLAB 7.3 (HDF5) file for each split, with photographs and annotations.

A row of `phisTr` or `phisT` contains 29 x, 29 y and 29 occlusion flags of a face. MATLAB stores
arrays transposed: in the file, a picture is (3, width, height), and the table has a column for each
face. Coordinates are 1-based.
"""

import functools

import numpy as np

from keras_fld._internal.files import FileError
from keras_fld.data.faces import Absent, Face, FaceSet
from keras_fld.data.readers import sources
from keras_fld.data.readers.hdf5 import opened, table
from keras_fld.geometry.frame import check_box, landmark_box
from keras_fld.schemes import COFW29

# File stem, suffix of the variable names, and official number of faces of each split.
SPLITS = {"train": ("COFW_train", "Tr", 1345), "test": ("COFW_test", "T", 507)}
COLORS = {"color": "_color.mat", "gray": ".mat"}
BOXES = ("landmarks", "released")


def read(root, split="train", skip_bad=False, color=None, boxes="landmarks", base=1):
    """Reads one split of COFW.

    Args:
        root: folder with COFW_train_color.mat and COFW_test_color.mat, or with the grayscale files
            COFW_train.mat and COFW_test.mat.
        split: "train" or "test".
        skip_bad: skip bad faces and list them in the result, instead of raising an error.
        color: "color" or "gray"; None uses the color file if it exists.
        boxes: face boxes: "landmarks" are tight around the landmarks; "released" are those of the
            file, which imitate a detector.
        base: coordinate of the top-left pixel in the file: 1 as in MATLAB. 0 reproduces results of
            readers that ignore this offset.

    Returns:
        A `FaceSet` with occlusion flags. Pictures are read on demand.

    Raises:
        Absent: a ValueError: the files of the split are missing.
        ImportError: h5py is not installed.
        ValueError: an option is invalid, or the file is damaged.

    Examples:
        >>> faces = read("cofw", "test")
    """
    root = sources.check_split("cofw", root, split, SPLITS)
    sources.check_option("color", color, (None, *COLORS))
    sources.check_option("boxes", boxes, BOXES)
    sources.check_option("base", base, (0, 1))
    stem, ending, official = SPLITS[split]
    names = [stem + suffix for kind, suffix in COLORS.items() if color in (None, kind)]
    path = next((p for name in names if (p := root / name).is_file()), None)
    if path is None:
        raise Absent(root, f"the {split} split needs {' or '.join(names)}. Got: neither")
    rows, released = _annotations(path, ending)

    def make(index):
        box = released[index] if boxes == "released" else None
        source = functools.partial(_picture, path, ending, index)
        return _face(f"{split}/{index + 1:04d}", source, rows[index], box, base)

    face = sources.naming(path, lambda index: f"face {index + 1}", make)
    faces, _, skipped = sources.collect(range(len(rows)), face, skip_bad, root)
    sources.check_some(path, faces, skipped, f"the {split} split needs faces. Got: none")
    missing = sources.lacking(path.name, len(rows), official)
    return FaceSet(f"cofw {split}", COFW29, faces, missing, skipped)


def _annotations(path, ending):
    """Returns the file's tables of landmarks and boxes, with a row for each face."""
    with opened(path) as file:
        rows = table(file, f"phis{ending}", 3 * COFW29.num_landmarks)
        released = table(file, f"bboxes{ending}", 4)
        count = _references(file, ending).size
    if not len(rows) == len(released) == count:
        raise FileError(
            path,
            f"Is{ending}, phis{ending} and bboxes{ending} must have the same number of faces. "
            f"Got: {count}, {len(rows)} and {len(released)}",
        )
    return rows, released


def _face(name, source, row, box, base):
    """Creates the face of a row. Without a given box, the box is tight around the landmarks."""
    x, y, flags = row.reshape(3, -1)
    if not np.isin(flags, (0, 1)).all():
        raise ValueError("an occlusion flag must be 0 or 1")
    landmarks = sources.check_points(np.column_stack([x, y]) - base)
    return Face(
        name=name,
        source=source,
        landmarks=landmarks,
        box=landmark_box(landmarks) if box is None else check_box(box - [base, base, 0, 0]),
        group=name,
        occluded=flags.astype(bool),
    )


def _references(file, ending):
    """Returns the object reference of each face's picture."""
    references = table(file, f"Is{ending}", None)
    if references.dtype != object:
        raise ValueError(f"Is{ending} must be a cell array of pictures")
    return references.ravel()


def _picture(path, ending, index):
    """Reads a picture: (height, width, 3) uint8 RGB."""
    with opened(path) as file:
        picture = table(file, _references(file, ending)[index], None)
    picture = picture.T
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
        raise FileError(
            path,
            "a picture must be 8-bit, with one or three channels. "
            f"Got: {picture.dtype} of shape {picture.shape}",
            f"face {index + 1}",
        )
    return np.ascontiguousarray(picture)
