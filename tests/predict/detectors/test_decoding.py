"""What BlazeFace makes of its networks' numbers, without running a network on a photograph."""

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from keras_fld.predict.detectors import box_map
from keras_fld.predict.detectors.blazeface.grid import on_grid, turn_on_grid
from keras_fld.predict.detectors.blazeface.network import SAME, Faces, Network, shared

UPRIGHT = np.array([[5.0, 5], [3, 4], [7, 4], [5, 5], [5, 7], [1, 4], [9, 4]])


def some_faces(count, seed=0):
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 30, (count, 7, 2))
    return Faces(points, rng.uniform(5, 60, count), rng.uniform(size=count))


def squares(*places, side=10.0, scores=None):
    """Faces whose squares have these corners."""
    points = np.array([UPRIGHT - 5 + side / 2 + place for place in places])
    scores = np.linspace(0.9, 0.5, len(places)) if scores is None else np.array(scores)
    return Faces(points, np.full(len(places), side), scores)


# Anchors and decoding.


@pytest.mark.parametrize(
    ("name", "side", "grids"),
    [("short", 128, [(16, 2), (8, 6)]), ("full", 192, [(48, 1)])],
)
def test_anchors_are_the_centers_of_the_cells_row_by_row(name, side, grids):
    expected = []
    for cells, each in grids:
        for row in range(cells):
            for column in range(cells):
                # Pixel centers are whole numbers: the first cell of 8 pixels is centered at 3.5.
                cell = side / cells
                center = [column * cell + (cell - 1) / 2, row * cell + (cell - 1) / 2]
                expected += [center] * each
    network = shared(name)
    assert network.size == side
    np.testing.assert_allclose(network.centers, expected, atol=1e-9)


def test_numbers_are_decoded_as_center_side_and_points_from_the_anchor():
    network, rng = shared("short"), np.random.default_rng(0)
    numbers = rng.normal(0, 20, (896, 16)).astype(np.float32)
    logits = np.full(896, -9.0, np.float32)
    logits[[3, 700, 800]] = 0.5, 2.0, -0.5
    faces = network.decode(numbers, logits, 0.5)
    assert len(faces) == 2
    for row, index in enumerate((3, 700)):
        given, (x, y) = numbers[index].astype(float), network.centers[index]
        assert faces.sides[row] == pytest.approx((given[2] + given[3]) / 2)
        assert faces.scores[row] == pytest.approx(1 / (1 + math.exp(-logits[index])))
        expected = [[given[i] + x, given[i + 1] + y] for i in (0, 4, 6, 8, 10, 12, 14)]
        np.testing.assert_allclose(faces.points[row], expected)
    assert len(network.decode(numbers, logits, 0.25)) == 3
    assert network.decode(numbers, logits, 0.999).points.shape == (0, 7, 2)


def test_a_score_at_the_threshold_is_a_face():
    network, logits = shared("short"), np.full(896, -9.0, np.float32)
    logits[5] = 0.0
    assert len(network.decode(np.ones((896, 16), np.float32), logits, 0.5)) == 1


@pytest.mark.parametrize("name", ["short", "full"])
def test_the_file_sees_brightness_from_minus_to_plus_1(name):
    network = Network(name)
    image = np.random.default_rng(0).integers(0, 256, (network.size, network.size, 3), np.uint8)
    numbers, logits = network.outputs(image)
    assert numbers.shape == (len(network.centers), 16) and logits.shape == (len(numbers),)
    with network._interpreters.borrow() as interpreter:
        interpreter.set_tensor(network._input, (image.astype(np.float32) / 127.5 - 1)[None])
        interpreter.invoke()
        found = [interpreter.get_tensor(index) for index in network._outputs]
    np.testing.assert_allclose(numbers, found[0][0], atol=1e-3)
    np.testing.assert_allclose(logits, found[1][0, :, 0], atol=1e-3)


def test_shared_networks_are_loaded_once():
    assert shared("full") is shared("full") is not shared("short")


# Faces.


def test_faces_are_taken_and_joined_in_order():
    faces = some_faces(5)
    parts = [faces[:2], faces[[]], faces[[4, 2]], faces[np.arange(5) == 3]]
    joined = Faces.joined(iter(parts))
    for name in ("points", "sides", "scores"):
        expected = getattr(faces, name)[[0, 1, 4, 2, 3]]
        np.testing.assert_array_equal(getattr(joined, name), expected)
    none = Faces.joined([])
    assert len(none) == 0 and none.points.shape == (0, 7, 2) and none.sides.shape == (0,)
    assert Faces.joined([faces[[]], faces]) is faces


def test_moved_faces_have_moved_points_and_scaled_sides():
    faces, turn = some_faces(4), 2.5 * np.exp(0.7j)
    matrix = np.array([[turn.real, -turn.imag, 3], [turn.imag, turn.real, -4]])
    for mirror in (1, -1):
        moved = faces.moved(matrix * [mirror, 1, 1])
        places = (faces.points * [mirror, 1]) @ [1, 1j] * turn + (3 - 4j)
        np.testing.assert_allclose(moved.points @ [1, 1j], places)
        np.testing.assert_allclose(moved.sides, 2.5 * faces.sides)
        assert moved.scores is faces.scores


def test_squares_are_centered_on_the_first_point():
    faces = some_faces(6)
    x, y = faces.points[:, 0].T
    expected = np.stack([x - faces.sides / 2, y - faces.sides / 2, faces.sides, faces.sides], 1)
    np.testing.assert_allclose(faces.squares, expected)


@pytest.mark.parametrize("degrees", [-170, -90, -30, 0, 20, 90, 179])
def test_the_roll_is_that_of_the_eyes_and_of_the_mouth_below_them(degrees):
    turn = np.exp(1j * np.radians(degrees))
    # Of a face from the front; of a profile, whose eyes are in one place; without a mouth below.
    for eyes, mouth in (((-2, 2), 3j), ((0, 0), 3j), ((-2, 2), 0)):
        places = np.array([0, eyes[0], eyes[1], 1j, mouth, -4, 4]) * turn + (30 + 40j)
        points = np.stack([places.real, places.imag], axis=-1)[None]
        angle = Faces(points, np.ones(1), np.ones(1)).angles[0]
        assert np.degrees(angle) == pytest.approx(degrees, abs=1e-9)


def test_the_roll_is_weighted_by_the_lengths_of_the_two_lines():
    # Eyes 4 apart and level; the mouth 3 away from their middle, a right angle off: 4 + 3 / 1j * 1.
    places = np.array([0, -2, 2, 0, -3, 0, 0], complex)
    points = np.stack([places.real, places.imag], axis=-1)[None]
    angle = Faces(points, np.ones(1), np.ones(1)).angles[0]
    assert angle == pytest.approx(math.atan2(3, 4))


def test_faces_and_maps_do_not_change():
    for value, name in ((some_faces(1), "sides"), (box_map.shipped("blazeface"), "coefficients")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)


# Non-maximum suppression.


def reference_best(faces):
    """Indices kept, as in the textbook: one face after the other, by score."""

    def common(a, b):
        (x, y, side, _), (u, v, other, _) = a, b
        width = min(x + side, u + other) - max(x, u)
        height = min(y + side, v + other) - max(y, v)
        inside = max(width, 0) * max(height, 0)
        return inside / (side**2 + other**2 - inside)

    kept = []
    for i in sorted(range(len(faces)), key=lambda i: -faces.scores[i]):
        if all(common(faces.squares[i], faces.squares[k]) < SAME for k in kept):
            kept.append(i)
    return kept


@pytest.mark.parametrize("seed", range(5))
def test_of_overlapping_faces_the_best_is_kept(seed):
    faces = some_faces(30, seed)
    kept = reference_best(faces)
    assert 2 < len(kept) < 30
    np.testing.assert_array_equal(faces.best().scores, faces.scores[kept])
    np.testing.assert_array_equal(faces.best().points, faces.points[kept])


@pytest.mark.parametrize(("shift", "kept"), [(7, 1), (7.1, 2)])
def test_squares_that_share_three_tenths_are_one_face(shift, kept):
    # Sides of 13: 6 of 20 columns in common is an overlap of 0.3.
    faces = squares([0, 0], [shift, 0], side=13.0)
    assert len(faces.best()) == kept
    assert len(faces[[0]].apart(faces[[1]])) == kept - 1


def test_equal_scores_keep_their_order_and_one_face_stays_itself():
    faces = squares([0, 0], [1, 0], [50, 0], [51, 0], scores=[0.5, 0.5, 0.5, 0.5])
    assert faces.best().points[:, 0, 0].tolist() == [5, 55]
    assert faces[[0]].best().scores.tolist() == [0.5] and len(faces[[]].best()) == 0
    two = squares([0, 0], [1, 0])
    assert two.best().scores.tolist() == [0.9]


def test_apart_are_the_faces_that_overlap_with_none_of_the_others():
    faces, others = squares([0, 0], [50, 0], [90, 0]), squares([1, 1], [90, 2])
    assert faces.apart(others).points[:, 0, 0].tolist() == [55]
    assert faces.apart(others[[]]) is faces


# The grid.


def test_the_grid_has_512_to_1024_steps_in_a_side():
    for side in (1.0, 1.9, 20.0, 64.0, 127.9, 128.0, 900.0):
        step = 2.0 ** math.floor(math.log2(side)) / 512
        assert 512 <= side / step < 1024
        pixels = np.array([0.49, 0.51, 1.5001, -7.3]) * step
        expected = np.array([0, 1, 2, -7]) * step
        np.testing.assert_array_equal(on_grid(pixels, side), expected)
        np.testing.assert_array_equal(on_grid(pixels, -side), expected)


def test_angles_are_in_the_middle_of_256ths():
    angles = np.array([0.0, 0.0039, 0.004, -0.0001])
    expected = np.array([0.5, 0.5, 1.5, -0.5]) / 256
    np.testing.assert_allclose(turn_on_grid(angles), expected, rtol=0, atol=1e-15)


# The maps to tight boxes.


def test_a_map_is_linear_in_features_of_the_detections_size():
    fitted = box_map.BoxMap(np.array([[0.1, 0.2, 0.3, 0.4], [0.5, -0.5, 1.0, 2.0]]))
    boxes = fitted.boxes(np.array([[10.0, 20], [0, 0]]), [100, 10], [[1.0], [2.0]])
    # Width 130 and height 240, centered at (10 + 60, 20 - 30).
    np.testing.assert_allclose(boxes[0], [70 - 65, -10 - 120, 130, 240])
    np.testing.assert_allclose(boxes[1], [7 - 8, -1 - 14, 16, 28])


def test_squares_and_points_give_their_center_and_size():
    centers, sizes, features = box_map.square_features([[1, 2, 8, 8], [3, 5, 4, 4]])
    assert centers.tolist() == [[5, 6], [5, 7]] and sizes.tolist() == [8, 4]
    assert features.shape == (2, 0)
    assert box_map.square_features([])[0].shape == (0, 2)
    points = np.random.default_rng(0).normal(3, 5, (2, 5, 2))
    centers, sizes, features = box_map.point_features(points)
    for i, face in enumerate(points):
        away = face - face.mean(axis=0)
        size = math.sqrt(sum(x * x + y * y for x, y in away) / 5)
        assert sizes[i] == pytest.approx(size)
        np.testing.assert_allclose(centers[i], face.mean(axis=0))
        np.testing.assert_allclose(features[i], (away / size).ravel())


def test_a_fit_is_the_least_absolute_one():
    """Scipy's linear program finds the same: the fit is no mean, and gross errors do not matter."""
    from scipy.optimize import linprog

    rng = np.random.default_rng(0)
    centers, sizes = rng.normal(50, 9, (40, 2)), rng.uniform(20, 30, 40)
    features = rng.normal(size=(40, 2))
    boxes = np.column_stack([centers + rng.normal(0, 9, (40, 2)), rng.uniform(9, 40, (40, 2))])
    boxes[:6] *= 9
    found = box_map.fit(centers, sizes, features, boxes).coefficients
    wanted = np.column_stack([boxes[:, :2] + boxes[:, 2:] / 2 - centers, boxes[:, 2:]])
    wanted /= sizes[:, None]
    design = np.column_stack([features, np.ones(40)])
    for column in range(4):
        split = np.block([[design, -np.eye(40)], [-design, -np.eye(40)]])
        limit = np.concatenate([wanted[:, column], -wanted[:, column]])
        cost, free = [0] * 3 + [1] * 40, [(None, None)] * 3 + [(0, None)] * 40
        least = linprog(cost, A_ub=split, b_ub=limit, bounds=free).fun
        error = np.abs(design @ found[:, column] - wanted[:, column]).sum()
        assert least <= error * (1 + 1e-9) and error <= least * 1.001


def test_a_fit_without_features_is_the_median():
    squares_ = np.array([[0.0, 0, 10, 10]] * 4 + [[0, 0, 10, 10]])
    boxes = squares_ + np.array([[1, 2, -3, -4]] * 3 + [[50, 50, 50, 50]] * 2)
    fitted = box_map.fit(*box_map.square_features(squares_), boxes)
    np.testing.assert_allclose(fitted.coefficients, [[-0.05, 0.1 - 0.1, 0.7, 0.6]], atol=1e-12)


def test_fractions_are_the_map_of_a_square_of_side_1():
    left, top, width, height = box_map.fractions("haar_frontal")
    mapped = box_map.shipped("haar_frontal").boxes([[50.0, 50.0]], [100.0], [[]])[0]
    np.testing.assert_allclose(mapped, np.array([left, top, width, height]) * 100)
