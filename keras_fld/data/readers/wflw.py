"""Reader of WFLW: a list for each split, and the photographs.

A line contains 98 x and y, two corners of a detected rectangle, six attributes of 0 or 1, and the
name of the image, separated by spaces. Coordinates are 0-based.
"""

import numpy as np

from keras_fld._internal.text import read_text
from keras_fld.data.faces import Absent, Face, FaceSet
from keras_fld.data.readers import sources
from keras_fld.geometry.frame import landmark_box
from keras_fld.schemes import WFLW98

LISTS = "WFLW_annotations/list_98pt_rect_attr_train_test"
IMAGES = "WFLW_images"
# In the order of a line, with the official number of test faces that have each attribute.
ATTRIBUTES = {
    "pose": 326,
    "expression": 314,
    "illumination": 698,
    "makeup": 206,
    "occlusion": 736,
    "blur": 773,
}
SPLITS = {"train": 7500, "test": 2500, **ATTRIBUTES}
_COORDINATES = 2 * WFLW98.num_landmarks
_WORDS = _COORDINATES + 4 + len(ATTRIBUTES) + 1


def read(root, split="train", skip_bad=False, base=0):
    """Reads one split of WFLW.

    Args:
        root: folder with WFLW_annotations and WFLW_images.
        split: "train", "test", or an attribute to select the test faces that have it: "pose",
            "expression", "illumination", "makeup", "occlusion" or "blur".
        skip_bad: skip bad lines and list them in the result, instead of raising an error.
        base: coordinate of the top-left pixel in the lists.

    Returns:
        A `FaceSet`. The `attributes` of a face are those that apply to it.

    Raises:
        Absent: a ValueError: the list or all photographs are missing.
        ValueError: an option is invalid, or a line is bad.

    Examples:
        >>> faces = read("wflw", "blur")
    """
    root = sources.check_split("wflw", root, split, SPLITS)
    sources.check_option("base", base, (0, 1))
    half = "train" if split == "train" else "test"
    path = root / LISTS / f"list_98pt_rect_attr_{half}.txt"
    if not path.is_file():
        raise Absent(root, f"the {split} split needs {LISTS}/{path.name}. Got: none")
    lines = read_text(path).splitlines()
    numbered = [(i, line.strip()) for i, line in enumerate(lines, start=1) if line.strip()]

    face = sources.naming(
        path,
        lambda item: f"line {item[0]}",
        lambda item: _face(root, f"{half}/{item[0]}", item[1], base),
    )
    faces, absent, skipped = sources.collect(numbered, face, skip_bad, root)
    if split in ATTRIBUTES:
        faces = [face for face in faces if split in face.attributes]
    first = absent[0] if absent else "no line of the split in the list"
    needs = f"the {split} split needs images in {IMAGES}. Got: none ({first})"
    sources.check_some(root, faces, skipped, needs)
    return FaceSet(
        f"wflw {split}",
        WFLW98,
        faces,
        sources.lacking(split, len(faces), SPLITS[split]),
        skipped,
        attributes=tuple(ATTRIBUTES) if split == "test" else (),
        absent=sources.not_there(split, absent),
    )


def _face(root, place, line, base):
    # Only the name of the image may contain spaces.
    words = line.split(maxsplit=_WORDS - 1)
    if len(words) != _WORDS:
        raise ValueError(f"a line must have {_WORDS} words. Got: {len(words)}")
    *words, image = words
    try:
        numbers = np.array([float(word) for word in words])
    except ValueError:
        raise ValueError("all words but the last must be numbers") from None
    points, flags = numbers[:_COORDINATES], numbers[-len(ATTRIBUTES) :]
    if not np.isfinite(numbers).all() or not np.isin(flags, (0, 1)).all():
        raise ValueError("coordinates must be finite and attributes 0 or 1")
    landmarks = sources.check_points(points.reshape(-1, 2) - base)
    return Face(
        name=f"{place} {image}",
        source=sources.inside(root / IMAGES, image),
        landmarks=landmarks,
        box=landmark_box(landmarks),
        group=image,
        attributes=frozenset(n for n, flag in zip(ATTRIBUTES, flags, strict=True) if flag),
    )
