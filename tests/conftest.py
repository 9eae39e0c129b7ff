"""Shared fixtures: generated faces in released formats, and real ones where they are."""

import os
from pathlib import Path

import cv2
import pytest

from keras_fld.data import synthetic
from keras_fld.data.readers.pts import write_pts
from tests.eager import eager

REAL_FACES = Path(os.environ.get("KERAS_FLD_FACES", Path(__file__).parents[2] / "shared" / "faces"))


# What takes longest runs first: a long file that came last would keep one process busy while the
# other has nothing to do.
LONGEST = (
    "tests/faults/",
    "tests/training/",
    "tests/test_long_runs.py",
    "tests/cli/test_cli.py",
    "tests/lite/",
    "tests/models/",
    "tests/reproduce/",
    "tests/docs/",
    "tests/cli/",
    "tests/web/",
    "tests/predict/",
)


def pytest_collection_modifyitems(items):
    def place(item):
        starts = [item.nodeid.startswith(name) for name in LONGEST]
        return starts.index(True) if any(starts) else len(LONGEST)

    items.sort(key=place)


@pytest.fixture
def eagerly():
    """See `tests.eager`."""
    with eager():
        yield


@pytest.fixture(scope="session")
def real_300w():
    """Root of the real 300W tree; skips where it is absent."""
    root = REAL_FACES / "300w"
    if not root.is_dir():
        pytest.skip("needs the 300W faces: set KERAS_FLD_FACES to the folder that holds 300w")
    return root


def count_faces(root, *folders):
    """Faces in folders of a 300W tree, by their `.pts` files: how many are real ones varies."""
    return sum(len(list((root / folder).glob("*.pts"))) for folder in folders)


TRAINING = ("afw", "helen/trainset", "lfpw/trainset")


def write_tree(root, counts, size=96):
    """Writes generated faces as a 300W tree: `counts` maps folders to numbers of faces."""
    index = 0
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True)
        for i in range(count):
            face = synthetic.draw(index, size=size)
            stem = root / folder / f"image_{i:04d}"
            cv2.imwrite(str(stem.with_suffix(".png")), face.image[..., ::-1])
            write_pts(stem.with_suffix(".pts"), face.landmarks)
            index += 1
    return root


SMALL_TREE = {"afw": 8, "lfpw/trainset": 8, "helen/testset": 3, "lfpw/testset": 3}


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """A small 300W tree of generated faces, not to be written to."""
    return write_tree(tmp_path_factory.mktemp("faces") / "300w", SMALL_TREE)


@pytest.fixture
def own_tree(tmp_path):
    """The same, of a test's own, to damage."""
    return write_tree(tmp_path / "300w", SMALL_TREE)
