import numpy as np

from keras_fld.geometry.boxes import covered, doubled, pairs


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
