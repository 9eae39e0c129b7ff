"""A real compressed MATLAB 5 file, by the author of AFLW's protocol, as scipy reads it."""

import numpy as np
import pytest

from keras_fld.data.readers.matlab5 import load, strings
from tests.conftest import REAL_FACES

NAME = "raw_300W_release.mat"
PLACES = (REAL_FACES / NAME, REAL_FACES.parent / "cases/mat" / NAME)


def test_a_real_file_is_read_as_scipy_reads_it():
    io = pytest.importorskip("scipy.io")
    path = next((path for path in PLACES if path.is_file()), None)
    if path is None:
        pytest.skip(f"needs {NAME} in the folder that KERAS_FLD_FACES names")
    names = [name for name, _, _ in io.whosmat(path)]
    assert sorted(names) == ["bbox", "data", "nameList"]
    found, expected = load(path, names), io.loadmat(path)
    for name in ("bbox", "data"):
        assert found[name].dtype == expected[name].dtype
        np.testing.assert_array_equal(found[name], expected[name])
    assert found["data"].shape == (3837, 136)
    assert strings(found["nameList"]) == [str(cell[0]) for cell in expected["nameList"].ravel()]
