import numpy as np
import pytest

from keras_fld.geometry.frame import upright_box
from keras_fld.predict.tracking.plausibility import mean_shape, plausible, residual
from keras_fld.schemes import IBUG68

MEAN = IBUG68.mean_shape
FACE = MEAN * 100 + (200, 150)
BOX = (150, 100, 100, 100)


def turned(points, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (points - points.mean(axis=0)) @ [[c, s], [-s, c]] + points.mean(axis=0)


def test_the_residual_sees_through_place_size_and_turn():
    off, tilt = residual(turned(MEAN * 55 + 9, 30), MEAN)
    assert off == pytest.approx(0, abs=1e-9) and tilt == pytest.approx(30)
    noise = np.random.default_rng(0).normal(0, 0.1, MEAN.shape)
    # Each coordinate by 0.1: a distance of 0.14, of which a similarity takes almost nothing.
    assert residual(MEAN + noise, MEAN)[0] == pytest.approx(0.14, abs=0.02)


def test_a_face_where_it_was_is_plausible():
    assert plausible(FACE, BOX, (480, 640), MEAN)
    assert plausible(turned(FACE, 40), BOX, (480, 640), MEAN)
    assert plausible(FACE + 20, BOX, (480, 640), MEAN)


@pytest.mark.parametrize(
    ("landmarks", "box", "shape"),
    [
        (FACE + 70, BOX, (480, 640)),  # jumped away
        ((FACE - 200) * 1.7 + 200, BOX, (480, 640)),  # grew
        ((FACE - 200) * 0.5 + 200, BOX, (480, 640)),  # shrank
        (FACE, BOX, (480, 190)),  # its center has left the picture
        (MEAN * 8 + 50, (46, 46, 8, 8), (480, 640)),  # too small
        (np.full_like(FACE, 200), BOX, (480, 640)),  # one point
        (turned(FACE, 75), BOX, (480, 640)),
        (np.random.default_rng(0).permutation(FACE), BOX, (480, 640)),
    ],
)
def test_what_cannot_be_the_face_is_not(landmarks, box, shape):
    assert not plausible(landmarks, box, shape, MEAN)


def test_the_tilt_is_measured_from_the_roll_that_is_known():
    angle = np.radians(75)
    box = upright_box(turned(FACE, 75), angle)
    assert plausible(turned(FACE, 75), box, (480, 640), MEAN, angle)
    assert not plausible(turned(FACE, 0), box, (480, 640), MEAN, angle)


def test_without_a_mean_shape_the_shape_is_not_judged():
    assert plausible(np.random.default_rng(0).permutation(FACE), BOX, (480, 640))
    assert mean_shape(None) is None
    assert mean_shape(IBUG68).shape == (68, 2)
