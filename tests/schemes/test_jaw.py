"""Jaw landmarks at even distances along the outline."""

import numpy as np
import pytest

from keras_fld.data import read
from keras_fld.data.synthetic.face3d import random_head
from keras_fld.schemes import IBUG68
from keras_fld.schemes.jaw import space_jaw


def _steps(points):
    return np.linalg.norm(np.diff(points[:17, :2], axis=0), axis=1)


def _on_an_ellipse(angles):
    points = np.random.default_rng(0).normal(size=(68, 2))
    points[:17] = np.stack([-100 * np.cos(angles), 130 * np.sin(angles)], axis=-1)
    return points


def test_uneven_points_of_a_curve_stay_on_it_and_become_even():
    uneven = np.linspace(0.1, 1, 9) ** 1.5
    angles = np.concatenate([np.pi / 2 * uneven, np.pi - np.pi / 2 * uneven[-2::-1]])
    given = _on_an_ellipse(angles)
    found = space_jaw(given)
    radius = np.hypot(found[:17, 0] / 100, found[:17, 1] / 130)
    np.testing.assert_allclose(radius, 1, atol=2e-3)
    assert np.ptp(_steps(given)[:8]) > 10 and np.ptp(_steps(found)[:8]) < 0.5
    np.testing.assert_allclose(found[[0, 8, 16]], given[[0, 8, 16]], rtol=1e-12)
    np.testing.assert_array_equal(found[17:], given[17:])
    np.testing.assert_allclose(space_jaw(found), found, atol=0.05)


def test_each_side_has_steps_of_its_own():
    given = _on_an_ellipse(np.linspace(0.1, np.pi - 0.1, 17))
    given[9:17, 0] *= 0.3
    steps = _steps(space_jaw(given))
    assert np.ptp(steps[:8]) < 0.5 and np.ptp(steps[8:]) < 1
    assert steps[:8].mean() > 1.1 * steps[8:].mean()


@pytest.mark.parametrize("seed", range(5))
def test_it_commutes_with_mirror_and_similarity(seed):
    rng = np.random.default_rng(seed)
    points = IBUG68.mean_shape + rng.normal(0, 0.01, (68, 2))
    cos, sin = 1.7 * np.cos(seed), 1.7 * np.sin(seed)
    moved = points @ np.array([[cos, sin], [-sin, cos]]) + rng.normal(size=2)
    expected = (
        space_jaw(points) @ np.array([[cos, sin], [-sin, cos]])
        + moved[8]
        - (points[8] @ np.array([[cos, sin], [-sin, cos]]))
    )
    np.testing.assert_allclose(space_jaw(moved), expected, atol=1e-6)
    mirrored = (points * (-1, 1))[IBUG68.mirror]
    expected = (space_jaw(points) * (-1, 1))[IBUG68.mirror]
    np.testing.assert_allclose(space_jaw(mirrored), expected, atol=1e-6)


def test_unknown_and_equal_landmarks():
    points = IBUG68.mean_shape.copy()
    points[3], points[12] = np.nan, points[13]
    before = points.copy()
    found = space_jaw(points)
    np.testing.assert_array_equal(points, before)
    np.testing.assert_array_equal(found[:9], before[:9])
    assert np.isfinite(found[9:17]).all() and np.ptp(_steps(found)[8:]) < 0.01
    assert np.ptp(_steps(before)[8:]) > 0.05


def test_drawn_faces_have_them_in_every_pose():
    heads = [random_head(np.random.default_rng(seed)).landmarks for seed in range(20)]
    faces = [face.landmarks for face in read("synthetic", count=20).faces]
    for points in (*heads, *faces):
        steps = _steps(points)
        for side in (steps[:8], steps[8:]):
            assert np.ptp(side) < 0.12 * side.mean()
