import numpy as np
import pytest

from keras_fld.geometry.boxes import (
    as_boxes,
    covered,
    doubled,
    largest_first,
    overlap,
    pairs,
)


def painted(box):
    """A box of whole numbers as pixels of a picture of 40 x 40."""
    x, y, width, height = box
    picture = np.zeros((40, 40), bool)
    picture[y : y + height, x : x + width] = True
    return picture


def some_boxes(count, seed):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.integers(0, 20, (count, 2)), rng.integers(1, 21, (count, 2))])


def test_overlap_and_cover_are_those_of_the_painted_pixels():
    boxes, others = some_boxes(30, 0), some_boxes(20, 1)
    one = np.array([painted(box) for box in boxes])[:, None]
    two = np.array([painted(box) for box in others])[None]
    common = (one & two).sum(axis=(2, 3))
    np.testing.assert_allclose(overlap(boxes, others), common / (one | two).sum(axis=(2, 3)))
    np.testing.assert_allclose(covered(boxes, others), (common / one.sum(axis=(2, 3))).max(axis=1))
    assert (common == 0).any() and (common > 0).any()


def test_boxes_are_an_array_of_four_columns():
    assert as_boxes([]).shape == (0, 4)
    boxes = as_boxes([[1, 2, 3, 4]])
    assert boxes.dtype == np.float64 and boxes.tolist() == [[1, 2, 3, 4]]
    assert overlap([], [[0, 0, 1, 1]]).shape == (0, 1)


def test_the_largest_box_comes_first_and_equal_ones_keep_their_order():
    # With the score of each; the first two are equally large, and the last is the largest.
    boxes = np.array([[9, 0, 2, 6, 0.1], [0, 9, 4, 3, 0.2], [0, 0, 1, 2, 0.3], [0, 0, 5, 5, 0.4]])
    assert largest_first(boxes)[:, 4].tolist() == [0.4, 0.1, 0.2, 0.3]


def test_the_surest_pairs_are_made_first_and_each_once():
    scores = np.array([[0.9, 0.8, 0.0], [0.85, 0.2, 0.1], [0.0, 0.0, 0.3]])
    assert pairs(scores, 0.3) == [(0, 0), (2, 2)]
    assert pairs(scores, 0.2) == [(0, 0), (2, 2), (1, 1)]
    assert scores[0, 0] == 0.9  # the caller's array is left alone
    assert pairs(np.empty((0, 3)), 0.3) == pairs(np.empty((2, 0)), 0.3) == []


def test_how_much_of_a_box_lies_in_others():
    boxes = [[0, 0, 10, 10], [100, 100, 5, 5]]
    assert covered(boxes, [[5, 0, 50, 50], [0, 0, 10, 2]]).tolist() == [0.5, 0.0]
    assert covered(boxes, np.empty((0, 4))).tolist() == [0.0, 0.0]
    assert covered(np.empty((0, 4)), boxes).shape == (0,)


def test_of_boxes_on_one_face_the_later_are_named_the_last_first():
    one, other = [0, 0, 10, 10], [50, 0, 10, 10]
    assert doubled([one, other, [1, 0, 10, 10], [0, 1, 10, 10]]) == [3, 2]
    assert doubled([one, other]) == doubled([]) == []


@pytest.mark.parametrize(("shift", "expected"), [(25, [1]), (26, [])])
def test_an_overlap_of_three_fifths_is_one_face(shift, expected):
    # 75 of 125 columns in common: exactly 0.6.
    assert doubled([[0, 0, 100, 10], [shift, 0, 100, 10]]) == expected
