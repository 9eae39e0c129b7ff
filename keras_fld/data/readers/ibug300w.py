"""Reader of the 300W tree: photographs with a `.pts` file next to each face's image."""

import functools
import re

from keras_fld.data.faces import FaceSet
from keras_fld.data.readers import sources
from keras_fld.data.readers.beside import Beside
from keras_fld.data.readers.pts_folder import beside
from keras_fld.schemes import IBUG68

# Folders of each split, with the number of faces of the official release.
FOLDERS = {
    "train": {"afw": 337, "helen/trainset": 2000, "lfpw/trainset": 811},
    "common": {"helen/testset": 330, "lfpw/testset": 224},
    "challenge": {"ibug": 135},
}
FOLDERS["full"] = FOLDERS["common"] | FOLDERS["challenge"]


def read(root, split, skip_bad=False):
    """Reads one split of 300W.

    Args:
        root: folder with afw, helen, lfpw and ibug.
        split: "train", "common", "challenge" or "full".
        skip_bad: skip bad files and list them in the result, instead of raising an error.

    Returns:
        A `FaceSet`. Its `missing` lists the missing parts of the official release.

    Raises:
        Absent: a ValueError: the folder contains no faces of the split.
        ValueError: a file is bad.

    Examples:
        >>> faces = read("300w", "common")
    """
    root = sources.check_split("300w", root, split, FOLDERS)
    faces, missing, skipped, notes = [], [], [], []
    for folder, official in FOLDERS[split].items():
        files = Beside(root / folder, ".pts", root=root)
        missing += sources.lacking(folder, len(files.annotations), official)
        notes += [f"{folder}: {sentence}" for sentence in files.notes]
        found, _, bad = sources.collect(
            files.annotations, functools.partial(_face, folder, files), skip_bad, root
        )
        faces += found
        skipped += bad
    folders = ", ".join(FOLDERS[split])
    absent = f"the {split} split needs .pts files in {folders}. Got: none"
    sources.check_some(root, faces, skipped, absent)
    return FaceSet(f"300w {split}", IBUG68, faces, missing, skipped, notes=notes)


def _face(folder, files, path):
    # AFW and HELEN number the faces of a photograph: 111076519_1 and _2. LFPW numbers the
    # photographs: image_0001.
    group = path.stem if folder.startswith("lfpw") else re.sub(r"_\d+$", "", path.stem)
    return beside(files, path, f"{folder}/{path.stem}", f"{folder}/{group}", IBUG68)
