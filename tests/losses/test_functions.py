"""The pure functions against the paper's equations, computed independently in `reference`."""

import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops

from keras_fld import losses
from keras_fld.losses import functions
from tests.backend_gradient import gradient, value_and_gradient
from tests.losses import reference
from tests.losses.reference import ELEMENTWISE, OPTIONS, POINTS

NAMES = list(OPTIONS)
# No multiple of a decade, so that no point is exactly on Wing's kink.
SIZES = np.geomspace(1e-6, 1e6, 60).astype(np.float32)


def per_face(name, y_true, y_pred, **options):
    """(batch,) float64 values of a loss at the settings of `reference`."""
    values = getattr(losses, name)(y_true, y_pred, **{**OPTIONS[name], **options})
    assert keras.backend.standardize_dtype(values.dtype) == "float32"
    return ops.convert_to_numpy(values).astype(np.float64)


def gradient_of(name, y_true, y_pred, **options):
    """Gradient of the sum over faces."""
    options = {**OPTIONS[name], **options}
    return gradient(lambda x: ops.sum(getattr(losses, name)(y_true, x, **options)), y_pred)


def random_faces(faces=4, landmarks=5, scale=3.0, seed=0):
    """Targets and predictions; the tests share their shape, as JAX compiles for each."""
    rng = np.random.default_rng(seed)
    y_true = rng.uniform(0, 64, (faces, landmarks, 2)).astype(np.float32)
    return y_true, y_true + rng.normal(0, scale, y_true.shape).astype(np.float32)


# Numerics: one landmark whose distance runs over twelve decades.


@pytest.mark.parametrize("name", NAMES)
def test_value_and_gradient_from_1e_6_to_1e6_pixels(name):
    direction = np.float32([0.6, -0.8])
    faces = (SIZES[:, None] * direction)[:, None, :]
    zeros = np.zeros_like(faces)
    expected = [reference.value(name, face) for face in faces]
    np.testing.assert_allclose(per_face(name, zeros, faces), expected, rtol=1e-5)
    expected = np.stack([reference.gradient(name, face) for face in faces])
    np.testing.assert_allclose(gradient_of(name, zeros, faces), expected, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_value_and_gradient_of_whole_faces(name):
    y_true, y_pred = random_faces()
    delta = y_pred.astype(np.float64) - y_true
    expected = [reference.value(name, face) for face in delta]
    np.testing.assert_allclose(per_face(name, y_true, y_pred), expected, rtol=1e-5)
    expected = np.stack([reference.gradient(name, face) for face in delta])
    np.testing.assert_allclose(gradient_of(name, y_true, y_pred), expected, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("alpha", [0.5, 2.0, 4.0])
@pytest.mark.parametrize("name", ["le", "enme"])
def test_slope_of_the_enhanced_losses_falls_from_1_plus_alpha_to_1(name, alpha):
    y_pred = np.zeros((60, 1, 2), np.float32)
    y_pred[:3, 0, 0] = 1e-7, -1e-7, 50.0
    slope = gradient_of(name, np.zeros_like(y_pred), y_pred, alpha=alpha)[:3, 0, 0]
    # LE is a mean over two coordinates, ENME over one landmark.
    slope *= 2 if name == "le" else 1
    np.testing.assert_allclose(slope, [1 + alpha, -(1 + alpha), 1], rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_largest_errors_stay_finite(name):
    y_pred = np.full((4, 5, 2), 1e6, np.float32)
    assert np.isfinite(per_face(name, np.zeros_like(y_pred), y_pred)).all()
    assert np.isfinite(gradient_of(name, np.zeros_like(y_pred), y_pred)).all()


@pytest.mark.parametrize(
    ("loss", "size", "expected"),
    [
        (losses.smooth_l1, 0.5, 0.125),
        (losses.smooth_l1, 4.0, 3.5),
        (losses.wing, 20.0, 10 + 10 * math.log(6)),
        (losses.wing, 4.0, 10 * math.log(3)),
        (losses.le, 30.0, 30 + 2 * math.log(2)),
        (losses.enme, 30.0, 30 + 2 * math.log(2)),
    ],
)
def test_values_at_the_defaults(loss, size, expected):
    y_pred = np.float32([[[0.0, size]]]) if loss is losses.enme else np.float32([[size]])
    assert ops.convert_to_numpy(loss(np.zeros_like(y_pred), y_pred)) == pytest.approx(expected)


def test_wing_is_linear_from_omega_on():
    """At its kink, Eq. 8 is the line."""
    y_pred = np.zeros((1, 4), np.float32)
    y_pred[0, :3] = -10, np.nextafter(np.float32(10), np.float32(0)), 10
    slope = 4 * gradient_of("wing", np.zeros_like(y_pred), y_pred, omega=10.0, epsilon=2.0)
    np.testing.assert_allclose(slope, [[-1, 10 / 12, 1, 0]], rtol=1e-6)


# Where there is nothing to learn.


@pytest.mark.parametrize("name", NAMES)
def test_gradient_is_zero_where_the_prediction_equals_the_target(name):
    y_true, y_pred = random_faces()
    y_pred[:, 2] = y_true[:, 2]
    result = gradient_of(name, y_true, y_pred)
    assert (result[:, 2] == 0).all()
    assert (result[:, [0, 1, 3, 4]] != 0).all()
    np.testing.assert_array_equal(gradient_of(name, y_true, y_true), 0)
    np.testing.assert_array_equal(per_face(name, y_true, y_true), 0)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_landmark_is_left_out_with_gradient_zero(name):
    y_true, y_pred = random_faces()
    rest = [0, 1, 3, 4]
    delta = (y_pred.astype(np.float64) - y_true)[:, rest]
    y_true[:, 2] = np.nan
    y_pred[0, 2] = np.nan  # what is predicted there does not matter
    expected = [reference.value(name, face) for face in delta]
    np.testing.assert_allclose(per_face(name, y_true, y_pred), expected, rtol=1e-5)
    result = gradient_of(name, y_true, y_pred)
    assert (result[:, 2] == 0).all()
    expected = np.stack([reference.gradient(name, face) for face in delta])
    np.testing.assert_allclose(result[:, rest], expected, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_one_missing_coordinate_hides_a_point_but_not_the_other_coordinate(name):
    y_true, y_pred = random_faces()
    y_true[:, 2, 0] = np.nan
    result = gradient_of(name, y_true, y_pred)
    assert (result[:, 2, 0] == 0).all()
    assert (result[:, 2, 1] != 0).all() == (name in ELEMENTWISE)


@pytest.mark.parametrize("name", NAMES)
def test_a_face_without_landmarks_has_value_and_gradient_zero(name):
    y_true, y_pred = random_faces()
    y_true[1] = np.nan
    assert per_face(name, y_true, y_pred)[1] == 0
    result = gradient_of(name, y_true, y_pred)
    assert (result[1] == 0).all() and np.isfinite(result).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_diverged_prediction_is_not_hidden(name):
    y_true, y_pred = random_faces()
    y_pred[1, 0, 0] = np.nan
    assert np.isnan(per_face(name, y_true, y_pred)).tolist() == [False, True, False, False]


# The paper's point about Eqs. 2 and 3 against 6 and 7.


def test_the_gradient_of_nme_at_a_landmark_does_not_depend_on_the_others():
    y_true, y_pred = random_faces()
    outlier = y_pred.copy()
    outlier[:, 1:] += 500.0
    before, after = (gradient_of("nme", y_true, p)[:, 0] for p in (y_pred, outlier))
    np.testing.assert_array_equal(before, after)
    delta = (y_pred.astype(np.float64) - y_true)[:, 0]
    np.testing.assert_allclose(
        after, delta / np.linalg.norm(delta, axis=-1, keepdims=True) / 5, rtol=1e-5
    )


def test_the_gradient_of_l2_at_a_landmark_shrinks_with_the_others_errors():
    y_true, y_pred = random_faces()
    outlier = y_pred.copy()
    outlier[:, 1:] += 500.0
    before, after = (gradient_of("l2", y_true, p)[:, 0] for p in (y_pred, outlier))
    assert (np.abs(after) < 0.02 * np.abs(before)).all()
    delta = outlier.astype(np.float64) - y_true
    root = np.sqrt((delta**2).sum(axis=(1, 2)))[:, None]
    np.testing.assert_allclose(after, delta[:, 0] / root / 5, rtol=1e-5)


def test_equal_l1_and_l2_with_another_nme():
    # Figure 2: deviations (5, 0) and (0, 5) of two landmarks, or (5, 5) of one of them.
    y_true = np.zeros((2, 2, 2), np.float32)
    y_pred = np.float32([[[5, 0], [0, 5]], [[5, 5], [0, 0]]])
    assert len(set(per_face("l1", y_true, y_pred))) == 1
    assert len(set(per_face("l2", y_true, y_pred))) == 1
    np.testing.assert_allclose(per_face("nme", y_true, y_pred), [5, np.sqrt(50) / 2], rtol=1e-6)


# Properties, over anything a network may predict.

properties = settings(max_examples=40, deadline=None, derandomize=True, database=None)
pixels = st.floats(-(2.0**13), 2.0**13, width=32)
faces = arrays(np.float32, (1, 5, 2), elements=pixels)
some_loss = st.sampled_from(NAMES)


@given(some_loss, faces, faces)
@properties
def test_symmetry(name, first, second):
    zeros = np.zeros_like(first)
    np.testing.assert_array_equal(per_face(name, first, second), per_face(name, second, first))
    np.testing.assert_array_equal(per_face(name, zeros, first), per_face(name, zeros, -first))


@given(some_loss, faces, st.floats(1, 100))
@properties
def test_monotone_in_distance(name, delta, factor):
    zeros = np.zeros_like(delta)
    near = per_face(name, zeros, delta)
    far = per_face(name, zeros, delta * np.float32(factor))
    assert (near >= 0).all()
    assert (far >= near * (1 - 1e-6)).all()


@given(faces, faces)
@properties
def test_alpha_zero_gives_the_plain_losses(y_true, y_pred):
    def same(first, second):
        np.testing.assert_array_equal(*(ops.convert_to_numpy(x) for x in (first, second)))

    same(losses.enme(y_true, y_pred, alpha=0.0), losses.nme(y_true, y_pred))
    same(losses.le(y_true, y_pred, alpha=0.0), losses.l1(y_true, y_pred))


@given(some_loss, faces, faces, st.permutations(range(5)))
@properties
def test_the_order_of_landmarks_does_not_matter(name, y_true, y_pred, order):
    np.testing.assert_allclose(
        per_face(name, y_true[:, order], y_pred[:, order]),
        per_face(name, y_true, y_pred),
        rtol=1e-5,
    )


# Other targets, weights and normalizers.


@pytest.mark.parametrize("shape", [(6,), (6, 1), (6, 3), (6, 2, 3, 4)])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_losses_take_any_shape(name, shape):
    rng = np.random.default_rng(0)
    delta = rng.normal(0, 3, shape).astype(np.float32)
    expected = [reference.value(name, np.reshape(row, (-1, 1))) for row in delta]
    np.testing.assert_allclose(per_face(name, np.zeros(shape), delta), expected, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_predictions_of_another_shape_are_not_broadcast(name):
    y_true, y_pred = random_faces()
    for other in (y_pred[:1], y_pred[:, :1], y_pred[..., :1], y_pred[0], y_pred.reshape(4, 10)):
        with pytest.raises(ValueError, match="y_true and y_pred must have the same shape. Got: "):
            per_face(name, y_true, other)


@pytest.mark.parametrize("shape", [(10,), (2, 5), (5, 2, 1), (5, 3)])
@pytest.mark.parametrize("name", POINTS)
def test_what_is_no_point_is_refused(name, shape):
    y = np.zeros((4, *shape), np.float32)
    with pytest.raises(ValueError, match=r"y_true must have shape \(batch, landmarks, 2\). Got: "):
        per_face(name, y, y)


@pytest.mark.parametrize("name", NAMES)
def test_landmark_weights_multiply_the_terms(name):
    y_true, y_pred = random_faces()
    ones = per_face(name, y_true, y_pred, weights=np.ones((4, 5)))
    np.testing.assert_allclose(ones, per_face(name, y_true, y_pred), rtol=1e-6)
    # All the weight on one landmark of five leaves the loss of that landmark alone.
    weights = np.zeros((4, 5))
    weights[:, 2] = 5.0
    alone = per_face(name, y_true[:, 2:3], y_pred[:, 2:3])
    result = per_face(name, y_true, y_pred, weights=weights)
    # L2's weights are under the root, its 1/N is outside: sqrt(5) / 5.
    np.testing.assert_allclose(result, alone * (5**-0.5 if name == "l2" else 1), rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_normalizer_measures_deviations_in_its_unit(name):
    y_true, y_pred = random_faces()
    distance = np.float32([0.5, 1, 30, 40])
    expected = [
        reference.value(name, face)
        for face in (y_pred.astype(np.float64) - y_true) / distance[:, None, None]
    ]
    for normalizer in (lambda y: distance, lambda y: distance[:, None]):
        result = per_face(name, y_true, y_pred, normalizer=normalizer)
        np.testing.assert_allclose(result, expected, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_face_without_its_normalizer_is_nan_with_gradient_zero(name):
    y_true, y_pred = random_faces(landmarks=68)
    y_true[1, 40, 0] = np.nan  # a corner of the right eye
    y_true[2, 36:48] = 7.0  # all eyes in one place
    values = per_face(name, y_true, y_pred, normalizer="inter_pupil")
    assert np.isnan(values).tolist() == [False, True, True, False]
    options = {**OPTIONS[name], "normalizer": "inter_pupil"}

    def mean_of_counted(x):
        values = getattr(losses, name)(y_true, x, **options)
        counted = functions.faces_counted(y_true, "inter_pupil")
        return ops.sum(ops.where(counted > 0, values, 0.0))

    value, result = value_and_gradient(mean_of_counted, y_pred)
    assert np.isfinite(value) and np.isfinite(result).all()
    assert (result[[1, 2]] == 0).all() and (result[[0, 3]] != 0).any(axis=(1, 2)).all()


def test_faces_counted():
    y_true = np.zeros((4, 3, 2), np.float32)
    y_true[1] = np.nan
    y_true[2, :, 0] = np.nan
    y_true[3, :2] = np.nan  # one landmark is left

    def counted(*args, **options):
        return ops.convert_to_numpy(functions.faces_counted(y_true, *args, **options)).tolist()

    assert counted() == [1, 0, 0, 1]
    assert counted(points=False) == [1, 0, 1, 1]
    assert counted(12.5) == [1, 0, 0, 1]
    assert counted(lambda y: ops.convert_to_tensor([np.nan, 1.0, 1.0, 0.5])) == [0, 0, 0, 1]


@pytest.mark.parametrize("name", NAMES)
def test_registered_with_keras(name):
    assert keras.saving.get_registered_object(f"keras_fld>{name}") is getattr(losses, name)


def test_point_losses_are_named():
    assert set(NAMES) == set(losses.LOSSES) == {*ELEMENTWISE, *POINTS}
