"""Generated faces that stand in for datasets, so that you can try a table in a minute.

They are written as prepared folders, so all steps after reading are the same as for real datasets.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from keras_fld.data import catalog, synthetic
from keras_fld.data.faces import Face, FaceSet
from keras_fld.data.prepared import reading
from keras_fld.data.prepared.writing import Part, prepare
from keras_fld.geometry.frame import landmark_box
from keras_fld.schemes import AFLW19, COFW29, IBUG68, WFLW98

TRAINING, TEST = 24, 8
_SCHEMES = {"aflw": AFLW19, "cofw": COFW29, "300w": IBUG68, "wflw": WFLW98}
# The test splits to generate. The split `full` of 300W is the union of its two.
_SPLITS = {"300w": ("common", "challenge"), "aflw": ("full",), "cofw": ("test",), "wflw": ("test",)}


def write(dataset, folder, frame):
    """Writes a small prepared folder under a dataset's name.

    Args:
        dataset: "aflw", "cofw", "300w" or "wflw".
        folder: the folder. A complete prepared folder is not changed.
        frame: the `FaceCrop` of the crops.

    Returns:
        The folder, to be used as the root of the dataset.

    Examples:
        >>> root = write("cofw", "generated/cofw", FaceCrop(32))
    """
    if reading.is_prepared(folder):
        return folder
    found = catalog.get(dataset)
    splits = {found.train: _faces(dataset, found, found.train, TRAINING, 0)}
    for seed, split in enumerate(_SPLITS[dataset], start=1):
        splits[split] = _faces(dataset, found, split, TEST, seed)
    if dataset == "300w":
        both = [*splits["common"].faces, *splits["challenge"].faces]
        splits["full"] = replace(splits["common"], name="300w full", faces=both)
    parts = [Part(split, faces, split == found.train) for split, faces in splits.items()]
    prepare(dataset, parts, Path(folder), frame)
    return folder


def _faces(dataset, found, split, count, seed):
    scheme, faces = _SCHEMES[dataset], []
    for index in range(count):
        drawn = synthetic.draw(index, seed, size=96, scheme=scheme)
        box = landmark_box(drawn.landmarks)
        faces.append(
            Face(
                name=f"generated/{split}/{index}",
                source=partial(np.asarray, drawn.image),
                landmarks=drawn.landmarks,
                box=box,
                group=f"{split}/{index}",
                distances={"face_box": float(max(box[2:]))} if dataset == "aflw" else {},
            )
        )
    return FaceSet(f"{dataset} {split}", scheme, faces, normalizer=found.normalizer)
