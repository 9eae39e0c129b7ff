import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_fld.data.readers.pts import read_pts, write_pts

GOOD = "version: 1\nn_points: 2\n{\n1 1\n3.5 4.25\n}\n"


def test_the_file_is_one_based_and_arrays_are_zero_based(tmp_path):
    (tmp_path / "a.pts").write_text(GOOD)
    np.testing.assert_array_equal(read_pts(tmp_path / "a.pts", 2), [[0, 0], [2.5, 3.25]])


def test_written_points_read_back(tmp_path):
    points = np.random.default_rng(0).uniform(-10, 2000, (68, 2)).astype(np.float32)
    write_pts(tmp_path / "a.pts", points)
    np.testing.assert_allclose(read_pts(tmp_path / "a.pts"), points, atol=1e-4)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (GOOD.replace("{", ""), "opening brace '{' is missing|expected 'version:'"),
        (GOOD.replace("}", ""), "closing brace '}' is missing"),
        (GOOD.replace("n_points: 2", "n_points: 3"), "n_points is 3, but the file has 2 points"),
        (GOOD.replace("n_points: 2", "n_points: two"), "n_points must be a whole number"),
        (GOOD.replace("3.5", "nose"), "line 5: a point must be two numbers. Got: 'nose 4.25'"),
        (GOOD.replace("3.5 ", "3.5 1 "), "line 5: a point must be two numbers"),
        (GOOD.replace("3.5", "nan"), "line 5: a point must be two numbers"),
        (GOOD.replace("3.5", "inf"), "line 5: a point must be two numbers"),
        (GOOD + "5 5\n", "nothing may follow '}'"),
        ("", "opening brace '{' is missing"),
        ("hello\n", "expected 'version:'"),
    ],
)
def test_a_broken_file_is_named_with_the_rule(tmp_path, text, rule):
    path = tmp_path / "bad.pts"
    path.write_text(text)
    with pytest.raises(ValueError, match=rule) as error:
        read_pts(path, 2)
    assert str(path) in str(error.value)


def test_the_wrong_count_a_missing_file_and_binary_are_refused(tmp_path):
    (tmp_path / "a.pts").write_text(GOOD)
    with pytest.raises(ValueError, match="must have 68 points. Got: 2"):
        read_pts(tmp_path / "a.pts")
    with pytest.raises(ValueError, match="No such file"):
        read_pts(tmp_path / "none.pts")
    (tmp_path / "b.pts").write_bytes(b"\xff\xd8\xff\xe0\0\x10JF")
    with pytest.raises(ValueError, match="plain text"):
        read_pts(tmp_path / "b.pts")
    with pytest.raises(ValueError, match="every point must be a number"):
        write_pts(tmp_path / "c.pts", [[1, np.nan]])
    assert not (tmp_path / "c.pts").exists()


@settings(max_examples=200)
@given(position=st.integers(0, len(GOOD) - 1), drop=st.integers(0, 6), insert=st.text(max_size=4))
def test_damage_gives_points_or_a_value_error(tmp_path_factory, position, drop, insert):
    path = tmp_path_factory.mktemp("damaged") / "a.pts"
    path.write_text(GOOD[:position] + insert + GOOD[position + drop :], "utf-8")
    try:
        points = read_pts(path, None)
    except ValueError:
        return
    assert points.ndim == 2 and points.shape[1] == 2 and np.isfinite(points).all()
