"""The portraits with 189 points."""

import csv

import numpy as np
import pytest

from keras_fld.data import read
from keras_fld.data.readers import london
from keras_fld.schemes import IBUG68, convert
from keras_fld.schemes.london189 import LONDON189
from tests.data import released

NAMES = ["canada_003f.jpg", "neutral_front_004_03.jpg", "smiling_004_08.jpg"]


def _write(folder, rows):
    for name in NAMES:
        released.save_image(folder / name, np.zeros((300, 300, 3), np.uint8))
    columns = [f"p{index}_{axis}" for index in range(189) for axis in "xy"]
    with (folder / "points.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", *columns], *rows])


def _points(seed=0):
    return np.random.default_rng(seed).uniform(50, 250, (189, 2)).round(2)


def test_points_are_mapped_to_the_68_in_the_photograph(tmp_path):
    points = [_points(seed) for seed in range(3)]
    _write(tmp_path, [[name, *p.ravel()] for name, p in zip(NAMES, points, strict=True)])
    found = read("london189", tmp_path)
    assert found.scheme == IBUG68 and [face.name for face in found.faces] == NAMES
    assert [face.group for face in found.faces] == ["canada_003f.jpg", "004", "004"]
    for face, given in zip(found.faces, points, strict=True):
        assert face.image().shape == (300, 300, 3)
        np.testing.assert_allclose(face.landmarks[48], given[87], atol=1e-3)
        np.testing.assert_allclose(face.landmarks[28], (given[52] + given[58]) / 2, atol=1e-3)
        np.testing.assert_allclose(face.landmarks[38], (given[20] + 2 * given[21]) / 3, atol=1e-3)


def test_conversion_takes_the_template_alone():
    points = _points()
    assert convert(points, LONDON189, "ibug68").shape == (68, 2)
    with pytest.raises(ValueError, match="london189 must have shape"):
        convert(points[:100], LONDON189, IBUG68)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ([NAMES[0], 1, 2], "line 2: a line must have a file and 378 numbers. Got: 3"),
        ([NAMES[0], *["x"] * 378], "line 2: coordinates must be numbers"),
        ([NAMES[0], *["nan"] * 378], "line 2: coordinates must be finite"),
        (["../a.jpg", *[1.0] * 378], "line 2: an image's name must be a path inside"),
        (["none.jpg", *[1.0] * 378], "the train split needs images. Got: none"),
    ],
)
def test_bad_tables_are_refused(tmp_path, row, rule):
    _write(tmp_path, [row])
    with pytest.raises(ValueError, match=rule):
        london.read(tmp_path)


def test_a_folder_without_a_table_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"the train split needs points.csv. Got: none"):
        london.read(tmp_path)
    (tmp_path / "points.csv").write_text("file,left\n")
    with pytest.raises(ValueError, match="the header must be file, p0_x, ..., p188_y"):
        london.read(tmp_path)
