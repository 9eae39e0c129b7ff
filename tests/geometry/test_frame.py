from dataclasses import FrozenInstanceError

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_fld.data import synthetic
from keras_fld.geometry import frame
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


def _ramp(slope, start, side=800):
    """A picture that brightens along both axes; dithered, so that means are not rounded."""
    rows, columns = np.indices((side, side))
    exact = np.stack([columns, rows, columns], axis=-1) * slope - start * slope
    return np.floor(exact.clip(0, 254) + np.random.default_rng(0).random(exact.shape)).astype(
        np.uint8
    )


@pytest.mark.parametrize("reduction", [1.0, 1.9, 2.1, 2.6, 3.4])
def test_crops_are_right_to_a_thirtieth_of_a_pixel_of_the_photograph_in_the_mean(reduction):
    """Half a pixel taken for 0.4 would be seen: the brightness says where a crop was cut.

    OpenCV rounds places to 1/32 of a pixel, so one crop may be off by more.
    """
    image, scale, off = _ramp(slope=4, start=370), 1 / reduction, []
    for place in np.random.default_rng(1).uniform(399, 401, (50, 2)):
        matrix = np.column_stack([np.eye(2) * scale, 7.5 - scale * place])
        crop = warp(image, matrix, 16).astype(float).mean(axis=(0, 1))
        off.append(crop[:2] / 4 + 370 - place)
    np.testing.assert_allclose(np.mean(off, axis=0), 0, atol=0.033)


@pytest.mark.parametrize("degrees", [0, 30])
@pytest.mark.parametrize(("scale", "factor"), [(0.499, 2), (0.4, 2), (0.25, 2), (0.249, 4)])
def test_a_photograph_is_halved_to_at_most_twice_the_crops_scale_and_then_warped(
    degrees, scale, factor
):
    image = np.random.default_rng(0).integers(0, 256, (91, 103, 3), np.uint8)
    turn = scale * np.exp(1j * np.radians(degrees))
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    size = int(scale * 160)
    matrix = np.column_stack([linear, [size / 2, size / 2] - linear @ [51.5, 45.5]])
    small = image.astype(int)
    for _ in range(factor // 2):
        small = small[: len(small) // 2 * 2, : small.shape[1] // 2 * 2]
        small = small[::2, ::2] + small[1::2, ::2] + small[::2, 1::2] + small[1::2, 1::2] + 2 >> 2
    # The first center of the small picture lies between the first `factor` pixels.
    first = linear @ np.full(2, (factor - 1) / 2)
    to_small = np.column_stack([linear * factor, matrix[:, 2] + first])
    small = small.astype(np.uint8)
    expected = cv2.warpAffine(small, to_small, (size, size), flags=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(warp(image, matrix, size), expected)


def test_a_photograph_is_not_reduced_from_half_its_scale_on():
    image = np.random.default_rng(0).integers(0, 256, (90, 100, 3), np.uint8)
    for scale in (0.5, 0.6, 1.0):
        matrix = np.array([[scale, 0, 0.3], [0, scale, 0.2]])
        expected = cv2.warpAffine(image, matrix, (40, 40), flags=cv2.INTER_LINEAR)
        np.testing.assert_array_equal(warp(image, matrix, 40), expected)


@given(
    x=st.floats(300, 500),
    y=st.floats(300, 500),
    reduction=st.floats(1.9, 9),
    degrees=st.floats(-180, 180),
)
@settings(max_examples=50, deadline=None)
def test_inside_a_photograph_no_edge_of_the_part_that_is_reduced_shows(x, y, reduction, degrees):
    image = np.full((800, 800, 3), 200, np.uint8)
    crop = FaceCrop(24, 1.0).crop(image, (x, y, 24 * reduction, 24 * reduction), degrees)
    assert crop.min() == crop.max() == 200


def test_a_strip_that_is_reduced_to_less_than_a_pixel_is_one_pixel():
    matrix = np.array([[0.1, 0, 0.0], [0, 0.1, 0.0]])
    for shape, seen in (((2, 900, 3), (0, 4)), ((900, 2, 3), (4, 0))):
        crop = warp(np.full(shape, 255, np.uint8), matrix, 8)
        # The pixel is 2 wide; the crop's first center lies a quarter of it outside its center.
        assert crop[seen][0] == pytest.approx(0.75 * 255, abs=3)
        assert (crop[2:, 2:] == 0).all()


def test_a_photograph_beside_the_crop_leaves_it_black():
    image = np.full((50, 60, 3), 200, np.uint8)
    for box in ((5000, 0, 900, 900), (0, 5000, 900, 900), (-5000, 0, 900, 900)):
        crop = FaceCrop(64, 1.0).crop(image, box)
        assert crop.shape == (64, 64, 3) and crop.max() == 0


def test_the_default_crop_is_64_pixels_with_a_margin_of_11():
    assert (FaceCrop().size, FaceCrop().margin) == (64, 1.1)
    assert FaceCrop(1, margin=0.05).matrix((0, 0, 1, 1))[0, 0] == pytest.approx(20)
    with pytest.raises(ValueError, match="margin must be above 0. Got: inf"):
        FaceCrop(margin=np.inf)


def test_a_crops_description_does_not_change():
    with pytest.raises(FrozenInstanceError):
        FaceCrop().size = 3


def test_a_crop_shows_a_small_face_whose_box_is_tiny():
    assert FaceCrop(8, 1.0).matrix((0, 0, 0.5, 0.25))[0, 0] == 16


def test_a_box_of_landmarks_on_a_line_has_a_width():
    """Its longer side counts, and a box needs a positive size."""
    assert landmark_box(np.array([[3.0, 4.0], [3.0, 9.0]])).tolist() == [3, 4, 1e-6, 5]
    assert landmark_box(np.array([[3.0, 4.0], [8.0, 4.0]])).tolist() == [3, 4, 5, 1e-6]
    # Half of a landmark is no landmark.
    with pytest.raises(ValueError, match="at least two different annotated"):
        landmark_box(np.array([[3.0, 4.0], [3.0, np.nan]]))


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turned_crop_turns_zooms_mirrors_and_shifts_about_its_center(mirrored):
    # As numbers of the complex plane: mirror about the center, turn and zoom, shift.
    matrix = frame.turned(65, 41, 0.4, 1.7, np.array([3.0, -2.0]), mirrored)
    points = np.random.default_rng(0).uniform(0, 64, (9, 2))
    z = (points - 32) @ [1, 1j]
    z = -z.conj() if mirrored else z
    z = z * 1.7 * np.exp(0.4j) + (20 + 3) + (20 - 2) * 1j
    np.testing.assert_allclose(transform(points, matrix), np.stack([z.real, z.imag], axis=-1))


def test_composed_and_inverted_matrices_are_those_of_homogeneous_ones():
    after, before = np.random.default_rng(0).normal(size=(2, 2, 3))
    whole = [np.vstack([matrix, [0, 0, 1]]) for matrix in (after, before)]
    np.testing.assert_allclose(compose(after, before), (whole[0] @ whole[1])[:2])
    np.testing.assert_allclose(invert(after), np.linalg.inv(whole[0])[:2])


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


def test_the_corner_that_is_shifted_most_counts():
    rng, farthest = np.random.default_rng(0), []
    corners = np.array([[0, 0], [49, 0], [0, 49], [49, 49]])
    for _ in range(40):
        one, other = np.eye(2, 3) + rng.normal(0, 0.1, (2, 2, 3))
        # Around the middle, or the first corner would hardly move.
        one[:, 2] += 24.5 - one[:, :2].sum(axis=1) * 24.5
        other[:, 2] += 24.5 - other[:, :2].sum(axis=1) * 24.5
        to_photo = np.linalg.inv(np.vstack([other, [0, 0, 1]]))[:2]
        shifts = transform(transform(corners, to_photo), one) - corners
        lengths = np.hypot(*shifts.T)
        farthest.append(lengths.argmax())
        assert crop_shift(one, other, 50) == pytest.approx(lengths.max() / 50)
    assert set(farthest) == {0, 1, 2, 3}
