import numpy as np
import pytest

from keras_fld.analysis import eye_openness, mouth_openness
from keras_fld.data import synthetic
from keras_fld.schemes import IBUG68


def _ear(points, p):
    """The paper's formula, written out for points p1 to p6."""
    d = [np.hypot(*(points[a] - points[b])) for a, b in ((p[1], p[5]), (p[2], p[4]), (p[0], p[3]))]
    return (d[0] + d[1]) / (2 * d[2])


def test_it_is_the_eye_aspect_ratio():
    points = synthetic.draw(4).landmarks
    expected = [_ear(points, [36, 37, 38, 39, 40, 41]), _ear(points, [42, 43, 44, 45, 46, 47])]
    np.testing.assert_allclose(eye_openness(points), expected, rtol=1e-6)
    both = eye_openness(np.stack([points, points[IBUG68.mirror] * [-1, 1]]))
    np.testing.assert_allclose(both[1], both[0][::-1], rtol=1e-5)


def test_closing_lids_and_lips_closes_them():
    points = IBUG68.mean_shape.copy()
    assert (eye_openness(points) > 0.15).all() and mouth_openness(points) < 0.1
    for upper, lower in ((37, 41), (38, 40)):
        points[upper] = points[lower] = (points[upper] + points[lower]) / 2
    left, right = eye_openness(points)
    assert left == pytest.approx(0, abs=1e-9) and right > 0.15
    points[65:68, 1] += 0.5 * (points[64, 0] - points[60, 0])
    assert mouth_openness(points) == pytest.approx(0.5, abs=0.1)


def test_size_turn_and_place_change_nothing_and_other_schemes_convert():
    face = synthetic.draw(7)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    np.testing.assert_allclose(
        eye_openness(3 * face.landmarks @ turn + 5), eye_openness(face.landmarks), rtol=1e-4
    )
    wide = synthetic.draw(7, scheme="wflw98").landmarks
    np.testing.assert_allclose(
        mouth_openness(wide, "wflw98"), mouth_openness(face.landmarks), rtol=1e-4
    )
    with pytest.raises(ValueError, match="Got: cofw29 to ibug68"):
        eye_openness(np.zeros((29, 2)), "cofw29")


def test_an_unknown_landmark_gives_nan():
    points = synthetic.draw(0).landmarks.copy()
    points[37] = np.nan
    left, right = eye_openness(points)
    assert np.isnan(left) and right > 0
