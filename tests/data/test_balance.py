import numpy as np
import pytest

from keras_fld.data.balance import BINS, align, pose_repeats, turns
from keras_fld.schemes import IBUG68
from keras_fld.schemes.mean_face import MEAN_FACE


def _shapes(yaws, rng, noise=0.01):
    """The package's 3-D face turned sideways by known angles, and otherwise at random."""
    shapes = []
    for yaw in yaws:
        pitch, roll, size = rng.normal(0, 0.12), rng.normal(0, 0.25), rng.uniform(20, 200)
        c, s = np.cos(yaw), np.sin(yaw)
        sideways = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
        c, s = np.cos(pitch), np.sin(pitch)
        nod = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
        c, s = np.cos(roll), np.sin(roll)
        flat = (MEAN_FACE @ (nod @ sideways).T)[:, :2] @ [[c, s], [-s, c]]
        shapes.append(flat * size + rng.uniform(0, 500, 2) + rng.normal(0, noise * size, (68, 2)))
    return np.array(shapes, np.float32)


@pytest.fixture(scope="module")
def yaws():
    """Many frontal faces, few turned ones."""
    return np.random.default_rng(0).normal(0, 0.25, 600)


def test_the_component_follows_the_yaw(yaws):
    turn = turns(_shapes(yaws, np.random.default_rng(1)), IBUG68)
    assert abs(np.corrcoef(turn, np.sin(yaws))[0, 1]) > 0.98


def test_a_mirrored_face_is_turned_the_other_way(yaws):
    shapes = _shapes(yaws, np.random.default_rng(1))
    mirrored = shapes[:, IBUG68.mirror] * np.float32([-1, 1])
    turn = turns(np.concatenate([shapes, mirrored]), IBUG68)
    np.testing.assert_allclose(turn[:600], -turn[600:], atol=1e-6)


def test_bins_become_as_large_as_the_largest(yaws):
    shapes = _shapes(yaws, np.random.default_rng(1))
    repeats = pose_repeats(shapes, IBUG68)
    turn = turns(shapes, IBUG68)
    edges = np.linspace(turn.min(), turn.max(), BINS + 1)
    index = np.clip(np.searchsorted(edges, turn, side="right") - 1, 0, BINS - 1)
    counts = np.bincount(index, minlength=BINS)
    for bin_, count in enumerate(counts):
        assert count > 0
        np.testing.assert_array_equal(repeats[index == bin_], round(counts.max() / count))
    shown = np.bincount(index, repeats, BINS)
    assert shown.min() > 0.6 * shown.max() and counts.min() < 0.1 * counts.max()


def test_alignment_undoes_place_turn_and_size():
    shapes = _shapes(np.zeros(1), np.random.default_rng(2), noise=0)
    angle = 0.4
    turned = shapes @ [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]] * 3 + 50
    aligned, mean = align(np.concatenate([shapes, turned]), IBUG68)
    np.testing.assert_allclose(aligned[0], aligned[1], atol=1e-6)
    np.testing.assert_allclose(mean.mean(axis=0), 0, atol=1e-12)
    assert np.linalg.norm(mean) == pytest.approx(1)


def test_missing_landmarks_do_no_harm(yaws):
    rng = np.random.default_rng(3)
    shapes = _shapes(yaws, rng)
    whole = turns(shapes, IBUG68)
    shapes[rng.random(shapes.shape[:2]) < 0.2] = np.nan
    shapes[:, 60] = np.nan  # annotated in no face
    shapes[7] = np.nan  # not annotated at all
    shapes[8, 2:] = np.nan
    turn = turns(shapes, IBUG68)
    known = ~np.isnan(turn)
    assert np.flatnonzero(~known).tolist() == [7, 8]
    assert abs(np.corrcoef(turn[known], whole[known])[0, 1]) > 0.95
    repeats = pose_repeats(shapes, IBUG68)
    assert repeats[7] == repeats[8] == 1 and repeats.min() == 1 and repeats.max() > 5


def test_alike_faces_are_shown_once():
    shapes = np.repeat(_shapes(np.zeros(1), np.random.default_rng(4)), 5, axis=0)
    assert pose_repeats(shapes, IBUG68).tolist() == [1] * 5


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="bins must be at least 1. Got: 0"):
        pose_repeats(np.zeros((2, 68, 2)), IBUG68, bins=0)
    with pytest.raises(ValueError, match="three annotated landmarks. Got: none"):
        pose_repeats(np.full((2, 68, 2), np.nan), IBUG68)
