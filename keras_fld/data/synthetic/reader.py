"""The faces of `synthetic.draw` as a dataset with a training and a test split.

The images are the same for every landmark scheme.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from keras_fld import schemes
from keras_fld.data import synthetic
from keras_fld.data.faces import Face, FaceSet
from keras_fld.geometry.frame import landmark_box

# Default number of faces in each split, and number of its series.
SIZES = {"train": 2000, "test": 300}
SEEDS = {"train": 0, "test": 1}


def read(root=None, split="train", skip_bad=False, scheme="ibug68", count=None):
    """Draws one split of synthetic faces.

    Args:
        root: must be None or empty, because nothing is read.
        split: "train" or "test".
        skip_bad: ignored; the other readers have this argument.
        scheme: scheme of the landmarks: a `Scheme` of the package, its name or its number of
            landmarks.
        count: number of faces; None draws 2,000 for training and 300 for testing.

    Returns:
        A `FaceSet` with its images in memory, 77 kB each.

    Raises:
        ValueError: the split or scheme is unknown, count is below 1, or a folder is given.

    Examples:
        >>> len(read(split="test", count=3))
        3
    """
    if split not in SIZES:
        raise ValueError(f"split of synthetic must be one of {', '.join(SIZES)}. Got: {split!r}")
    if root:
        raise ValueError(f"the synthetic dataset reads no folder. Got: {root}")
    count = SIZES[split] if count is None else count
    if count < 1:
        raise ValueError(f"count must be at least 1. Got: {count}")
    scheme = schemes.get(scheme)
    with ThreadPoolExecutor() as pool:
        faces = list(pool.map(lambda index: _face(split, index, scheme), range(count)))
    return FaceSet(f"synthetic {split}", scheme, faces)


def _face(split, index, scheme):
    drawn = synthetic.draw(index, SEEDS[split], scheme=scheme)
    return Face(
        name=f"{split}/{index}",
        source=partial(np.asarray, drawn.image),  # picklable, for the processes of a preparation
        landmarks=drawn.landmarks,
        box=landmark_box(drawn.landmarks),
        group=str(index),
    )
