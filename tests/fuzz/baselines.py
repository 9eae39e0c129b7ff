"""The smallest baseline, and its arrays one by one.

A change to a `.npz` file mostly meets the archive's checksums; of an array that is put into an
archive anew, NumPy and the baseline are what is met.
"""

import io
import zipfile
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from keras_fld.baselines import SDM, open_baseline
from keras_fld.baselines.descriptors import LENGTH
from keras_fld.geometry.frame import FaceCrop
from keras_fld.schemes.mtfl5 import MTFL5

# A changed file may name any size of crop; a larger one only takes longer.
_LARGEST = 64


def seeds():
    return [_sdm()]


def read(path):
    """Opens a baseline and predicts a black image."""
    model = open_baseline(path)
    size = model.frame.size
    if size <= _LARGEST:
        found = model.predict(np.zeros((1, size, size, 3), np.uint8))
        assert found.shape == (1, model.num_landmarks, 2)


def array_seeds():
    """A byte that says which array, and the array's file."""
    return [bytes([i]) + array for i, array in enumerate(_arrays().values())]


def read_array(path):
    """Reads an archive that has these bytes for one of its arrays."""
    content, arrays = path.read_bytes(), _arrays()
    which = content[0] % len(arrays) if content else 0
    arrays[list(arrays)[which]] = content[1:]
    archive = path.with_suffix(".npz")
    with zipfile.ZipFile(archive, "w") as file:
        for name, array in arrays.items():
            file.writestr(name, array)
    read(archive)


@cache
def _sdm():
    """A cascade of one stage on five landmarks, which keeps one number of a descriptor."""
    count = MTFL5.num_landmarks
    model = SDM(
        FaceCrop(16),
        MTFL5,
        np.full((count, 2), 8, np.float32),
        np.zeros(LENGTH, np.float32),
        np.ones((LENGTH, 1), np.float32),
        np.array([4], np.float32),
        np.zeros((1, count + 1, 2 * count), np.float32),
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.npz"
        model.save(path)
        return path.read_bytes()


def _arrays():
    with zipfile.ZipFile(io.BytesIO(_sdm())) as file:
        return {name: file.read(name) for name in file.namelist()}
