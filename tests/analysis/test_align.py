import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_fld.analysis import aligned_crop
from keras_fld.data import synthetic
from keras_fld.geometry.frame import transform
from keras_fld.geometry.similarity import similarity
from keras_fld.schemes import IBUG68


@given(
    angle=st.floats(-3.1, 3.1), scale=st.floats(0.1, 9), x=st.floats(-50, 50), y=st.floats(-50, 50)
)
def test_a_similarity_is_found_again(angle, scale, x, y):
    points = np.random.default_rng(0).normal(size=(7, 2)) * 20
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    true = np.array([[cos, -sin, x], [sin, cos, y]])
    moved = transform(points, true)
    moved[3] = np.nan
    np.testing.assert_allclose(similarity(points, moved), true, atol=1e-9 * scale + 1e-9)


def test_it_is_the_least_squares_one():
    rng = np.random.default_rng(1)
    points, onto = rng.normal(size=(2, 9, 2))
    best = similarity(points, onto)
    # The normal equations of x' = ax - by + c, y' = bx + ay + d, written out.
    rows = []
    for px, py in points:
        rows += [[px, -py, 1, 0], [py, px, 0, 1]]
    a, b, c, d = np.linalg.lstsq(np.array(rows), onto.ravel(), rcond=None)[0]
    np.testing.assert_allclose(best, [[a, -b, c], [b, a, d]], atol=1e-12)


def test_aligned_faces_stand_on_the_template():
    template = IBUG68.mean_shape * 80 + 55.5
    for index in range(5):
        face = synthetic.draw(index)
        crop, matrix = aligned_crop(face.image, face.landmarks, size=112, margin=1.4)
        assert crop.shape == (112, 112, 3) and crop.dtype == np.uint8
        points = transform(face.landmarks, matrix)
        np.testing.assert_allclose(points.mean(axis=0), template.mean(axis=0), atol=1e-4)
        left, right = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
        assert abs(left[1] - right[1]) < 8 < right[0] - left[0]


def test_a_template_of_ones_own_is_met_exactly():
    face = synthetic.draw(0)
    _, matrix = aligned_crop(face.image, face.landmarks, template=face.landmarks / 2 + 3)
    np.testing.assert_allclose(matrix, [[0.5, 0, 3], [0, 0.5, 3]], atol=1e-6)


def test_wrong_landmarks_are_refused():
    face = synthetic.draw(0)
    with pytest.raises(ValueError, match=r"the shape \(68, 2\) of ibug68. Got: \(5, 2\)"):
        aligned_crop(face.image, face.landmarks[:5])
    with pytest.raises(ValueError, match="a similarity needs two different points. Got: 0"):
        aligned_crop(face.image, np.full((68, 2), np.nan))
