import numpy as np
import pytest

from keras_fld.geometry.frame import transform
from keras_fld.geometry.similarity import similarity


def linear_least_squares(points, onto):
    """The same four numbers from the normal equations of x' = ax - by + s, y' = bx + ay + t."""
    rows = []
    for x, y in points:
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
    a, b, s, t = np.linalg.lstsq(np.array(rows), np.ravel(onto), rcond=None)[0]
    return np.array([[a, -b, s], [b, a, t]])


def test_it_is_the_least_squares_solution():
    rng = np.random.default_rng(0)
    for count in (2, 3, 20):
        points, onto = rng.normal(5, 9, (2, count, 2))
        np.testing.assert_allclose(
            similarity(points, onto), linear_least_squares(points, onto), atol=1e-9
        )


def test_a_similarity_is_found_from_the_known_pairs_only():
    rng, turn = np.random.default_rng(1), 3 * np.exp(2.2j)
    matrix = np.array([[turn.real, -turn.imag, 7], [turn.imag, turn.real, -8]])
    points = rng.normal(size=(6, 2))
    onto = transform(points, matrix)
    points[1, 0] = onto[4, 1] = np.nan
    points[2] = onto[2] = np.nan
    np.testing.assert_allclose(similarity(points, onto), matrix)


@pytest.mark.parametrize(
    ("points", "known"),
    [
        ([[1, 2]], 1),
        ([[1, 2], [np.nan, 3]], 1),
        ([[1, 2], [1, 2], [1, 2]], 3),
        (np.empty((0, 2)), 0),
    ],
)
def test_two_different_points_are_needed(points, known):
    with pytest.raises(ValueError, match=f"needs two different points. Got: {known} known"):
        similarity(points, np.zeros_like(points))


def test_points_on_a_line_along_an_axis_are_enough():
    for points in ([[1, 2], [1, 5]], [[2, 1], [5, 1]]):
        found = similarity(points, np.array(points) * 2.0)
        np.testing.assert_allclose(found, [[2, 0, 0], [0, 2, 0]], atol=1e-12)
