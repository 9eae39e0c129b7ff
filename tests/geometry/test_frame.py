import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_fld.data import synthetic
from keras_fld.geometry.frame import (
    FaceCrop,
    compose,
    crop_shift,
    invert,
    landmark_box,
    transform,
    upright_box,
    warp,
)
from tests.predict.detectors.turned import turned

coordinate = st.floats(-500, 500)
side = st.floats(5, 900)


@given(x=coordinate, y=coordinate, width=side, height=side, margin=st.floats(0.8, 2))
def test_crop_and_uncrop_are_inverse(x, y, width, height, margin):
    matrix = FaceCrop(64, margin).matrix((x, y, width, height))
    points = np.random.default_rng(0).uniform(-100, 1000, (68, 2))
    np.testing.assert_allclose(
        transform(transform(points, matrix), invert(matrix)), points, atol=1e-3
    )
    np.testing.assert_allclose(compose(matrix, invert(matrix)), np.eye(2, 3), atol=1e-9)


@given(x=coordinate, y=coordinate, width=side, height=side)
def test_the_box_is_centered_and_its_longer_side_is_the_crop_over_the_margin(x, y, width, height):
    matrix = FaceCrop(64, margin=1.25).matrix((x, y, width, height))
    low, high = transform([[x, y], [x + width, y + height]], matrix)
    np.testing.assert_allclose((low + high) / 2, 31.5, atol=1e-6)
    assert (high - low).max() == pytest.approx(64 / 1.25)


@given(x=coordinate, y=coordinate, width=side, height=side, margin=st.floats(0.8, 2))
def test_a_crop_that_is_not_turned_is_bit_for_bit_the_scaled_and_shifted_one(
    x, y, width, height, margin
):
    scale = 64 / (margin * max(width, height))
    shift = 31.5 - scale * (x + width / 2), 31.5 - scale * (y + height / 2)
    expected = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    frame, box = FaceCrop(64, margin), (x, y, width, height)
    assert frame.matrix(box).tobytes() == frame.matrix(box, 0.0).tobytes() == expected.tobytes()


@given(degrees=st.floats(-180, 180), index=st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_a_turned_photograph_cut_by_its_angle_gives_the_same_crop_and_landmarks(degrees, index):
    face, frame, angle = synthetic.draw(index, size=200), FaceCrop(64), np.radians(degrees)
    image, to_turned = turned(face.image, degrees)
    points = transform(face.landmarks, to_turned)
    box = upright_box(points, angle)
    matrix = frame.matrix(box, angle)
    expected = transform(face.landmarks, frame.matrix(landmark_box(face.landmarks)))
    np.testing.assert_allclose(transform(points, matrix), expected, atol=1e-6)
    back = transform(transform(expected, invert(matrix)), invert(to_turned))
    np.testing.assert_allclose(back, face.landmarks, atol=1e-6)
    # The inner part, which lies in both photographs.
    seen = frame.crop(image, box, angle)[8:56, 8:56].astype(int)
    upright = frame.crop(face.image, landmark_box(face.landmarks))[8:56, 8:56].astype(int)
    assert np.abs(seen - upright).mean() < 4


@pytest.mark.parametrize("reduction", [0.5, 1.0, 1.7, 3.4, 8.0])
def test_a_disc_is_found_where_the_matrix_says(reduction):
    """The crop shows what the points say, at every reduction, to a twentieth of a pixel."""
    center, radius = np.array([403.3, 371.8]), 40 * reduction
    image = np.zeros((800, 800, 3), np.uint8)
    fixed = tuple(np.round(center * 256).astype(int).tolist())
    cv2.circle(image, fixed, round(radius * 256), (255, 255, 255), -1, cv2.LINE_AA, shift=8)
    size = 128
    scale = 1 / reduction
    matrix = np.array([[scale, 0, 60.2 - scale * center[0]], [0, scale, 66.9 - scale * center[1]]])
    crop = warp(image, matrix, size)[..., 0].astype(float)
    y, x = np.mgrid[:size, :size]
    seen = np.array([(crop * x).sum(), (crop * y).sum()]) / crop.sum()
    np.testing.assert_allclose(seen, transform(center, matrix), atol=0.05)


def test_a_large_face_is_averaged_not_sampled():
    """A one-pixel checkerboard reduced eight times must turn gray: a plain warp would alias."""
    board = (np.indices((800, 800)).sum(0) % 2 * 255).astype(np.uint8)
    image = np.repeat(board[..., None], 3, axis=2)
    crop = FaceCrop(64, 1.0).crop(image, (100, 100, 512, 512))
    assert np.abs(crop.astype(int) - 127).max() <= 3


def test_outside_the_photograph_is_black():
    image = np.full((50, 50, 3), 200, np.uint8)
    crop = FaceCrop(64, 1.0).crop(image, (-50, 0, 100, 100))
    assert crop[:, :30].max() == 0
    assert crop[2:30, 34:62].min() == 200
    assert FaceCrop(64, 1.0).crop(image, (5000, 5000, 900, 900)).max() == 0


def test_landmark_box_ignores_what_is_not_annotated():
    points = np.array([[3.0, 4.0], [np.nan, np.nan], [13.0, 9.0]])
    np.testing.assert_allclose(landmark_box(points), [3, 4, 10, 5])
    with pytest.raises(ValueError, match="at least two different annotated"):
        landmark_box(np.full((5, 2), np.nan))
    with pytest.raises(ValueError, match="at least two different annotated"):
        landmark_box(np.ones((5, 2)))


@pytest.mark.parametrize("box", [(0, 0, 0, 5), (0, 0, 5), (0, 0, np.nan, 5), (0, 0, -3, 5)])
def test_a_bad_box_is_refused(box):
    with pytest.raises(ValueError, match="a box must be x, y, width, height"):
        FaceCrop().matrix(box)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"size": 0}, "size must be at least 1. Got: 0"),
        ({"margin": 0.0}, "margin must be above 0. Got: 0.0"),
        ({"margin": np.nan}, "margin must be above 0. Got: nan"),
    ],
)
def test_a_frame_that_cannot_be_cut_is_refused(options, rule):
    with pytest.raises(ValueError, match=rule):
        FaceCrop(**options)


def test_shape_pixels_places_a_shape_as_a_face_of_that_box():
    shape = np.array([[-0.5, -0.4], [0.5, 0.4]])
    box = landmark_box(shape * 80 + 200)
    expected = transform(shape * 80 + 200, FaceCrop(64, 1.1).matrix(box))
    np.testing.assert_allclose(FaceCrop(64, 1.1).shape_pixels(shape), expected, atol=1e-9)


@pytest.mark.parametrize("angle", [0.0, 0.9])
def test_the_shift_of_a_crop_is_that_of_its_corners(angle):
    frame, box = FaceCrop(50, margin=1.0), np.array([20.0, 30.0, 100.0, 80.0])
    crop = frame.matrix(box, angle)
    assert crop_shift(crop, crop, frame.size) == pytest.approx(0, abs=1e-9)
    moved = frame.matrix(box + [6, 8, 0, 0], angle)
    assert crop_shift(moved, crop, frame.size) == pytest.approx(0.1)
    # A corner pixel's center is half a side, less half a pixel, from the middle along both axes.
    reach = np.hypot(24.5, 24.5) / 50
    turn = crop_shift(frame.matrix(box, angle + 0.2), crop, frame.size)
    assert turn == pytest.approx(2 * np.sin(0.1) * reach)
    wider = frame.matrix([10.0, 22.0, 120.0, 96.0], angle)
    assert crop_shift(wider, crop, frame.size) == pytest.approx(reach * (1 - 1 / 1.2))
