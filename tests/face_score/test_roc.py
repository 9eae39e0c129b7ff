import numpy as np
import pytest

from keras_fld.face_score import roc


def test_the_area_is_how_often_a_face_scores_more():
    rng = np.random.default_rng(0)
    faces, others = rng.integers(2, 9, 50) / 10, rng.integers(0, 7, 80) / 10
    more = (faces[:, None] > others).mean() + 0.5 * (faces[:, None] == others).mean()
    assert roc.area(faces, others) == pytest.approx(more)
    assert roc.area([0.9, 0.8], [0.1]) == 1 and roc.area([0.1], [0.9]) == 0


def test_the_curve_goes_through_what_thresholds_let_pass():
    faces, others = [0.9, 0.6, 0.6, 0.2], [0.6, 0.3, 0.1]
    false, true, at = roc.curve(faces, others)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    for x, y, threshold in zip(false[1:], true[1:], at[1:], strict=True):
        assert x == pytest.approx(roc.rate(others, threshold))
        assert y == pytest.approx(roc.rate(faces, threshold))


@pytest.mark.parametrize("share", [0, 0.01, 0.1, 0.5, 1])
def test_a_threshold_lets_the_share_pass_and_no_more(share):
    others = np.random.default_rng(1).random(200)
    at = roc.threshold_at(others, share)
    assert roc.rate(others, at) == pytest.approx(share)
    tied = np.repeat([0.2, 0.4, 0.8], [50, 100, 50])
    assert roc.rate(tied, roc.threshold_at(tied, share)) <= share


def test_bad_scores_are_refused():
    for call in (lambda: roc.area([], [0.1]), lambda: roc.area([0.1], [np.nan])):
        with pytest.raises(ValueError, match="must be at least one score, and none NaN"):
            call()
    with pytest.raises(ValueError, match="false_rate must be from 0 to 1. Got: 2"):
        roc.threshold_at([0.5], 2)
