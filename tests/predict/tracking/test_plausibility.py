import numpy as np
import pytest

from keras_fld.geometry.frame import landmark_box, upright_box
from keras_fld.predict.face import DetectedFace
from keras_fld.predict.tracking import plausibility
from keras_fld.predict.tracking.plausibility import mean_shape, plausible, residual, steadiness
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


def corners(x, y, width, height):
    """Landmarks whose tight box is this one."""
    return np.array([[x, y], [x + width, y + height]], float)


@pytest.mark.parametrize(
    ("found", "before", "shape", "expected"),
    [
        # 1.5 times as large, 1.5 times as small, and a little more.
        ((100, 100, 135, 135), (120, 120, 90, 90), (480, 640), True),
        ((100, 100, 136, 136), (120, 120, 90, 90), (480, 640), False),
        ((135, 135, 60, 60), (120, 120, 90, 90), (480, 640), True),
        ((135, 135, 59, 59), (120, 120, 90, 90), (480, 640), False),
        # The longer side counts, which may be the width or the height.
        ((100, 100, 140, 50), (100, 100, 140, 50), (480, 640), True),
        ((100, 100, 50, 140), (100, 100, 50, 140), (480, 640), True),
        ((100, 100, 140, 50), (100, 100, 90, 50), (480, 640), False),
        # An overlap of 0.3, and less.
        ((70, 50, 130, 130), (0, 50, 130, 130), (480, 640), True),
        ((71, 50, 130, 130), (0, 50, 130, 130), (480, 640), False),
        # 10 pixels is the smallest.
        ((50, 50, 10, 6), (50, 50, 10, 6), (480, 640), True),
        ((50, 50, 9.5, 6), (50, 50, 9.5, 6), (480, 640), False),
        # The center lies in the picture: at its left and top edge, and before its right and bottom.
        ((-50, -20, 100, 40), (-50, -20, 100, 40), (480, 640), True),
        ((-51, -20, 100, 40), (-51, -20, 100, 40), (480, 640), False),
        ((-50, -21, 100, 40), (-50, -21, 100, 40), (480, 640), False),
        ((589, 459, 100, 40), (589, 459, 100, 40), (480, 640), True),
        ((590, 459, 100, 40), (590, 459, 100, 40), (480, 640), False),
        ((589, 460, 100, 40), (589, 460, 100, 40), (480, 640), False),
    ],
)
def test_the_limits_of_place_and_size_are_those_documented(found, before, shape, expected):
    assert plausible(corners(*found), before, shape) is expected


@pytest.mark.parametrize(("degrees", "expected"), [(59, True), (-59, True), (61, False)])
def test_a_tilt_of_60_degrees_is_the_limit(degrees, expected):
    face = turned(FACE, degrees)
    assert plausible(face, landmark_box(face), (480, 640), MEAN) is expected


@pytest.mark.parametrize(("off", "expected"), [(0.178, True), (0.182, False)])
def test_a_residual_of_018_sizes_of_the_face_is_the_limit(off, expected):
    noise = np.random.default_rng(0).normal(size=MEAN.shape)
    strengths = np.linspace(0.05, 0.2, 400)
    residuals = [residual(MEAN + k * noise, MEAN)[0] for k in strengths]
    face = 100 * (MEAN + np.interp(off, residuals, strengths) * noise) + (200, 150)
    assert residual(face, MEAN)[0] == pytest.approx(off, abs=1e-4)
    assert plausible(face, landmark_box(face), (480, 640), MEAN) is expected


def test_a_face_exactly_at_the_limits_of_its_shape_is_plausible(monkeypatch):
    face = turned(FACE + np.random.default_rng(0).normal(0, 3, FACE.shape), 20)
    off, tilt = residual(face, MEAN)
    monkeypatch.setattr(plausibility, "MAX_RESIDUAL", off)
    monkeypatch.setattr(plausibility, "MAX_TILT", tilt)
    assert plausible(face, landmark_box(face), (480, 640), MEAN)


def test_the_steadiness_is_the_overlap_of_the_crops_box_with_the_landmarks():
    assert steadiness(DetectedFace((0, 0, 100, 80), corners(0, 0, 100, 40), None)) == 0.5
    landmarks, angle = turned(FACE, 50), 0.7
    face = DetectedFace(tuple(upright_box(landmarks, angle)), landmarks, IBUG68, None, angle)
    assert steadiness(face) == pytest.approx(1)
