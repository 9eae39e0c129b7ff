"""Reader of AFLW in the 19-landmark protocol: AFLWinfo_release.mat and AFLW's photographs.

The MATLAB 5 file has one row for each face: `data` (19 x, then 19 y), `mask_new` (1 for a visible
landmark), `bbox` (left, right, top and bottom of a square box) and `nameList` (name of the image).
`ra` is a 1-based permutation of the rows; its first 20,000 entries are the training faces.
"""

import numpy as np

from keras_fld._internal.files import FileError
from keras_fld.data.faces import Absent, Face, FaceSet
from keras_fld.data.readers import sources
from keras_fld.data.readers.matlab5 import load, strings
from keras_fld.schemes import AFLW19

INFO = "AFLWinfo_release.mat"
IMAGES = ("data/flickr", "images", "flickr", ".")
TRAINING = 20000
# Official number of faces of each split.
SPLITS = {"train": TRAINING, "full": 4386, "frontal": 1314}
HIDDEN = ("leave_out", "keep")


def read(root, split="train", skip_bad=False, hidden="leave_out", base=0):
    """Reads one split of AFLW.

    The face box is the square box of the file. The side of a crop is `margin` times that of the
    box, so the protocol's normalizer, the width of the box, is `size / margin` pixels in each crop.

    Args:
        root: folder with AFLWinfo_release.mat, and the photographs in data/flickr.
        split: "train", "full" (test faces of AFLW-Full) or "frontal" (test faces with all landmarks
            visible).
        skip_bad: skip bad faces and list them in the result, instead of raising an error.
        hidden: "leave_out" sets hidden landmarks to NaN. "keep" uses the file's guesses, which
            most published results include.
        base: coordinate of the top-left pixel in the file.

    Returns:
        A `FaceSet`; each face has the distance "face_box".

    Raises:
        Absent: a ValueError: the file or all photographs are missing.
        ValueError: an option is invalid, or the file is damaged.

    Examples:
        >>> faces = read("aflw", "full")
    """
    root = sources.check_split("aflw", root, split, SPLITS)
    sources.check_option("hidden", hidden, HIDDEN)
    sources.check_option("base", base, (0, 1))
    path = root / INFO
    if not path.is_file():
        raise Absent(root, f"the {split} split needs {INFO}. Got: none")
    info = _Info(path)
    images = next((p for name in IMAGES if (p := root / name).is_dir()), root)
    order = info.order[:TRAINING] if split == "train" else info.order[TRAINING:]
    if split == "frontal":
        order = [index for index in order if info.visible[index].all()]

    face = sources.naming(
        path,
        lambda index: f"row {index + 1}",
        lambda index: info.face(index, images, hidden == "keep", base),
    )
    faces, absent, skipped = sources.collect(order, face, skip_bad, root)
    first = absent[0] if absent else "no row of the split in the file"
    needs = f"the {split} split needs images in {IMAGES[0]}. Got: none ({first})"
    sources.check_some(root, faces, skipped, needs)
    missing = sources.lacking(split, len(faces), SPLITS[split])
    absent = sources.not_there(split, absent)
    return FaceSet(f"aflw {split}", AFLW19, faces, missing, skipped, absent=absent)


class _Info:
    """The variables of the annotation file, with consistent shapes."""

    def __init__(self, path):
        found = load(path, ("bbox", "data", "mask_new", "nameList", "ra"))
        try:
            self.names = strings(found["nameList"])
            self.order = _whole(found["ra"]) - 1
            self.data, self.visible, self.boxes = (
                found[name].astype(float) for name in ("data", "mask_new", "bbox")
            )
        except (TypeError, ValueError, AttributeError) as error:
            raise FileError(path, f"a variable has the wrong type ({error})") from error
        rows, points = len(self.names), AFLW19.num_landmarks
        expected = {"data": (rows, 2 * points), "mask_new": (rows, points), "bbox": (rows, 4)}
        for name, values in (
            ("data", self.data),
            ("mask_new", self.visible),
            ("bbox", self.boxes),
        ):
            if values.shape != expected[name]:
                raise FileError(
                    path, f"{name} must have shape {expected[name]}. Got: {values.shape}"
                )
        if sorted(self.order) != list(range(rows)):
            raise FileError(path, f"ra must be a permutation of the rows 1 to {rows}")
        self.visible = self.visible == 1

    def face(self, index, images, keep, base):
        left, right, top, bottom = self.boxes[index]
        size = np.array([right - left, bottom - top])
        if not (size > 0).all() or not (np.abs(self.boxes[index]) < sources.FARTHEST).all():
            raise ValueError(f"the box must have a size. Got: {self.boxes[index].tolist()}")
        points = self.data[index].reshape(2, -1).T - base
        if not keep:
            points = np.where(self.visible[index][:, None], points, np.nan)
        landmarks = sources.check_points(points)
        if np.isnan(landmarks).all():
            raise ValueError("at least one landmark must be visible")
        name = self.names[index]
        return Face(
            name=f"{name} {index + 1}",
            source=sources.inside(images, name),
            landmarks=landmarks,
            box=np.array([left - base, top - base, *size]),
            group=name,
            occluded=~self.visible[index],
            distances={"face_box": float(size[0])},
        )


def _whole(numbers):
    """Converts numbers of any type to a list of whole numbers."""
    numbers = numbers.astype(float).ravel()
    if not (np.abs(numbers) < 2**31).all() or (numbers % 1).any():
        raise ValueError("ra must be whole numbers")
    return numbers.astype(int)
