"""The One-Euro filter compared with the paper's algorithm for single numbers."""

import math

import numpy as np
import pytest

from keras_fld.predict.tracking import OneEuroFilter


def reference(values, times, min_cutoff, beta, d_cutoff):
    """Algorithm 1 of Casiez et al. 2012 for one series, with Algorithm 2's smoothing factor."""

    def alpha(rate, cutoff):
        tau, period = 1 / (2 * math.pi * cutoff), 1 / rate
        return 1 / (1 + tau / period)

    result, previous, speed = [], None, 0.0
    for i, x in enumerate(values):
        if previous is None:
            previous = x
        else:
            rate = 1 / (times[i] - times[i - 1])
            a = alpha(rate, d_cutoff)
            speed = a * (x - previous) * rate + (1 - a) * speed
            b = alpha(rate, min_cutoff + beta * abs(speed))
            previous = b * x + (1 - b) * previous
        result.append(previous)
    return result


@pytest.mark.parametrize(
    "settings", [(1.0, 0.0, 1.0), (0.3, 5.0, 1.0), (2.0, 0.02, 0.4), (5.0, 100.0, 3.0)]
)
def test_every_number_is_smoothed_as_in_the_paper(settings):
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.005, 0.1, 80))  # irregular frames
    values = np.cumsum(rng.normal(size=(80, 5, 2)), axis=0)
    smooth = OneEuroFilter(*settings)
    found = np.array([smooth(x, t) for x, t in zip(values, times, strict=True)])
    for i in range(5):
        for axis in range(2):
            expected = reference(values[:, i, axis].tolist(), times.tolist(), *settings)
            np.testing.assert_allclose(found[:, i, axis], expected, rtol=1e-12)


def test_a_unit_makes_near_and_far_faces_alike():
    rng, near, far = np.random.default_rng(1), OneEuroFilter(0.5, 4.0), OneEuroFilter(0.5, 4.0)
    for i, x in enumerate(rng.normal(size=(30, 3)).cumsum(axis=0)):
        np.testing.assert_allclose(near(x * 300, i / 30, unit=300), 300 * far(x, i / 30), rtol=1e-9)


def test_it_is_still_at_rest_and_quick_in_motion():
    times, rng = np.arange(90) / 30, np.random.default_rng(2)
    rest, smooth = rng.normal(0, 1, 90), OneEuroFilter(0.5, 0.0)
    assert np.std([smooth(x, t) for x, t in zip(rest, times, strict=True)][30:]) < 0.35
    late = {}
    for beta in (0.0, 1.0):
        smooth = OneEuroFilter(0.5, beta)
        late[beta] = 100 * times[-1] - [smooth(100 * t, t) for t in times][-1]
    assert late[1.0] < 0.05 * late[0.0]


def test_the_first_values_are_kept_also_after_a_reset():
    smooth = OneEuroFilter()
    assert smooth([3.0, 4.0], 0.0).tolist() == [3.0, 4.0]
    assert smooth([9.0, 9.0], 1.0).tolist() != [9.0, 9.0]
    smooth.reset()
    assert smooth([9.0], 0.5).tolist() == [9.0]


def test_the_settings_without_arguments_are_the_documented_ones():
    smooth = OneEuroFilter()
    assert (smooth.min_cutoff, smooth.beta, smooth.d_cutoff) == (1.0, 0.0, 1.0)


def test_what_is_returned_is_not_what_is_remembered():
    smooth, other = OneEuroFilter(), OneEuroFilter()
    smooth([1.0], 0.0)[:] = 77
    other([1.0], 0.0)
    assert smooth([2.0], 1.0) == other([2.0], 1.0)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"min_cutoff": 0}, "min_cutoff must be above 0. Got: 0"),
        ({"d_cutoff": float("nan")}, "d_cutoff must be above 0. Got: nan"),
        ({"beta": -1}, "beta must be at least 0. Got: -1"),
    ],
)
def test_bad_settings_are_refused(options, rule):
    with pytest.raises(ValueError, match=rule):
        OneEuroFilter(**options)


def test_bad_calls_are_refused():
    smooth = OneEuroFilter()
    smooth([1.0, 2.0], 0.5)
    with pytest.raises(ValueError, match=r"time must be later than 0.5 s. Got: 0.5"):
        smooth([1.0, 2.0], 0.5)
    with pytest.raises(ValueError, match=r"must have the shape \(2,\). Got: \(1,\)"):
        smooth([1.0], 0.6)
