"""The losses as Keras uses them: reductions, weights, masks, policies, jit, fit, configurations."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_fld import losses, metrics
from tests.backend_gradient import value_and_gradient
from tests.losses import reference
from tests.losses.reference import ELEMENTWISE, OPTIONS

NAMES = list(OPTIONS)


def make(name, **options):
    return losses.get(name, **OPTIONS[name], **options)


def number(tensor):
    return float(ops.convert_to_numpy(tensor))


@pytest.fixture
def batch():
    """Four faces of five landmarks, one of which has none."""
    rng = np.random.default_rng(1)
    y_true = rng.uniform(0, 64, (4, 5, 2)).astype(np.float32)
    y_pred = y_true + rng.normal(0, 3, y_true.shape).astype(np.float32)
    y_true[0, 3] = np.nan
    y_true[2] = np.nan
    return y_true, y_pred


def reference_values(name, y_true, y_pred):
    """Loss of each face that has a landmark, over those it has."""
    delta = y_pred.astype(np.float64) - y_true
    faces = [face[~np.isnan(face).any(axis=-1)] for face in delta]
    return np.array([reference.value(name, face) if len(face) else 0.0 for face in faces])


# Reductions and weights.


@pytest.mark.parametrize("name", NAMES)
def test_reductions_count_the_faces_with_a_landmark(name, batch):
    values = reference_values(name, *batch)
    weights = np.float32([1, 2, 3, 0.5])
    weighted = values * weights
    counted = [0, 1, 3]
    for reduction, plain, per_face in [
        ("sum_over_batch_size", values.sum() / 3, weighted.sum() / 3),
        ("mean", values.sum() / 3, weighted.sum() / 3),
        ("sum", values.sum(), weighted.sum()),
        ("mean_with_sample_weight", values.sum() / 3, weighted.sum() / weights[counted].sum()),
        (None, values, weighted),
    ]:
        loss = make(name, reduction=reduction)
        np.testing.assert_allclose(ops.convert_to_numpy(loss(*batch)), plain, rtol=1e-5)
        for given in (weights, weights[:, None]):
            result = ops.convert_to_numpy(loss(*batch, sample_weight=given))
            np.testing.assert_allclose(result, per_face, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_weights_per_landmark(name, batch):
    weights = np.random.default_rng(2).uniform(0, 2, (4, 5)).astype(np.float32)
    options = {**OPTIONS[name], "weights": weights}
    values = ops.convert_to_numpy(getattr(losses, name)(*batch, **options))
    assert number(make(name)(*batch, sample_weight=weights)) == pytest.approx(
        values.sum() / 3, rel=1e-5
    )
    # A landmark of weight 0 gets no gradient.
    weights[1, 3] = 0.0
    _, gradient = value_and_gradient(lambda x: make(name)(batch[0], x, weights), batch[1])
    assert (gradient[1, 3] == 0).all() and (gradient[1, 4] != 0).all()


@pytest.mark.parametrize("shape", [(), (3,), (4, 6), (4, 5, 2), (4, 1, 1)])
def test_weights_of_another_shape_are_refused(batch, shape):
    with pytest.raises(ValueError, match=r"sample_weight must be .*Got: \("):
        losses.NME()(*batch, sample_weight=np.ones(shape))


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_without_any_landmark_is_zero(name, batch):
    y_true, y_pred = np.full_like(batch[0], np.nan), batch[1]
    value, gradient = value_and_gradient(lambda x: make(name)(y_true, x), y_pred)
    assert value == 0 and (gradient == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_faces_without_their_normalizer_are_left_out(name):
    rng = np.random.default_rng(3)
    y_true = rng.uniform(0, 64, (4, 68, 2)).astype(np.float32)
    y_pred = y_true + rng.normal(0, 3, y_true.shape).astype(np.float32)
    loss = make(name, normalizer="inter_ocular")
    options = {**OPTIONS[name], "normalizer": "inter_ocular"}
    values = ops.convert_to_numpy(getattr(losses, name)(y_true, y_pred, **options))
    expected = values[[0, 2, 3]].mean()
    y_true[1, 36] = np.nan
    value, gradient = value_and_gradient(lambda x: loss(y_true, x), y_pred)
    assert value == pytest.approx(expected, rel=1e-6)
    assert (gradient[1] == 0).all() and np.isfinite(gradient).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_face_of_half_landmarks_counts_only_where_coordinates_do(name, batch):
    y_true, y_pred = batch
    y_true[1, :, 0] = np.nan
    values = ops.convert_to_numpy(getattr(losses, name)(y_true, y_pred, **OPTIONS[name]))
    counted = [0, 1, 3] if name in ELEMENTWISE else [0, 3]
    assert number(make(name)(y_true, y_pred)) == pytest.approx(values[counted].mean(), rel=1e-5)


def test_a_diverged_prediction_gives_a_loss_of_nan(batch):
    batch[1][1] = np.nan
    assert np.isnan(number(losses.ENME()(*batch)))


def test_another_shape_is_refused(batch):
    with pytest.raises(ValueError, match="must have the same shape"):
        losses.ENME()(batch[0], batch[1][:, :4])
    with pytest.raises(ValueError, match="must have the same shape"):
        losses.L1()(batch[0][:1], batch[1])


@pytest.mark.parametrize("kind", ["class", "function", "metric"])
@pytest.mark.parametrize("shape", [(10,), (2, 5)])
def test_fit_refuses_what_is_no_point(kind, shape):
    x, y = np.ones((4, 3), np.float32), np.zeros((4, *shape), np.float32)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(10), keras.layers.Reshape(shape)]
    )
    loss = {"class": losses.ENME(), "function": losses.nme, "metric": losses.L1()}[kind]
    watched = [metrics.NME(normalizer=16.0)] if kind == "metric" else None
    jit = keras.backend.backend() == "jax"
    model.compile("sgd", loss=loss, metrics=watched, jit_compile=jit)
    with pytest.raises(ValueError, match=r"must have shape \(batch, landmarks, 2\). Got: \("):
        model.fit(x, y, batch_size=2, verbose=0)


@pytest.mark.parametrize("shape", [(6,), (6, 5), (6, 1)])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_targets_may_lack_the_last_axis_of_one_number(name, shape):
    """As with Keras' own losses; targets that have the axis do not get another."""
    rng = np.random.default_rng(9)
    y_true, y_pred = rng.normal(0, 3, (2, *shape)).astype(np.float32)
    expected = number(make(name)(y_true, y_pred))
    assert number(make(name)(y_true, y_pred[..., None])) == expected
    with pytest.raises(ValueError, match="must have the same shape"):
        make(name)(y_true, np.stack([y_pred, y_pred], axis=-1))


# Precision and compilation.


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("name", NAMES)
def test_mixed_precision_computes_in_float32(name, policy):
    half = policy.removeprefix("mixed_")
    rng = np.random.default_rng(4)
    y_true = rng.uniform(0, 64, (4, 5, 2)).astype(np.float32)
    # The square of the largest error overflows float16, the smallest vanishes beside it.
    size = np.float32([0.01, 1.0, 3.0, 400.0])[:, None, None]
    y_pred = ops.cast(y_true + size * rng.normal(0, 1, y_true.shape).astype(np.float32), half)
    seen = ops.convert_to_numpy(ops.cast(y_pred, "float32"))
    values = reference_values(name, y_true, seen)
    gradients = np.stack([reference.gradient(name, d) for d in seen.astype(np.float64) - y_true])
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        loss = make(name, reduction="sum")
        assert loss.dtype == "float32"
        assert keras.backend.standardize_dtype(loss(y_true, y_pred).dtype) == "float32"
        value, gradient = value_and_gradient(lambda x: loss(y_true, x), seen, dtype=half)
    finally:
        keras.config.set_dtype_policy(before)
    assert value == pytest.approx(values.sum(), rel=1e-5)
    # The gradient of 16-bit predictions has 16 bits itself.
    rounding = {"float16": 2**-11, "bfloat16": 2**-8}[half]
    np.testing.assert_allclose(gradient, gradients, rtol=1.1 * rounding, atol=1e-6)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch has no XLA")
@pytest.mark.parametrize("name", NAMES)
def test_xla_gives_the_same(name, batch):
    y_true, y_pred = batch
    y_pred[1, 1] = y_true[1, 1]
    weights = np.random.default_rng(5).uniform(0, 2, (4, 5)).astype(np.float32)

    def function(x):
        return make(name)(y_true, x, weights)

    eager = value_and_gradient(function, y_pred)
    compiled = value_and_gradient(function, y_pred, jit=True)
    assert compiled[0] == pytest.approx(eager[0], rel=1e-5)
    np.testing.assert_allclose(compiled[1], eager[1], rtol=1e-5, atol=1e-8)


# In `fit`.


def small_model(outputs=10):
    keras.utils.set_random_seed(0)
    layers = [keras.Input((4,)), keras.layers.Dense(outputs)]
    if outputs == 10:
        layers.append(keras.layers.Reshape((5, 2)))
    return keras.Sequential(layers)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("shape", [None, (4,), (4, 5)])
def test_evaluate_takes_masks_and_both_kinds_of_weights(batch, shape, jit):
    if jit and keras.backend.backend() == "torch":
        pytest.skip("PyTorch has no XLA")
    y_true, _ = batch
    rng = np.random.default_rng(6)
    x = rng.normal(size=(4, 4)).astype(np.float32)
    weights = shape and rng.uniform(size=shape).astype(np.float32)
    model, loss = small_model(), losses.ENME()
    model.compile("sgd", loss=loss, jit_compile=jit)
    y_pred = ops.convert_to_numpy(model(x))
    result = model.evaluate(x, y_true, sample_weight=weights, verbose=0)
    assert result == pytest.approx(number(loss(y_true, y_pred, weights)), rel=1e-5)


def train(model, loss, x, y, steps):
    """The loss before and after some steps."""
    # XLA's start costs TensorFlow more than these steps; without it, JAX has no compiler.
    jit = keras.backend.backend() == "jax"
    model.compile(keras.optimizers.Adam(0.5), loss=loss, jit_compile=jit)
    history = [float(model.train_on_batch(x, y)) for _ in range(steps)]
    return history[0], float(model.test_on_batch(x, y))


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_training_on_faces_with_missing_landmarks(batch, policy):
    x = np.random.default_rng(6).normal(size=(4, 4)).astype(np.float32)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = small_model()
        first, last = train(model, losses.ENME(), x, batch[0], 60)
    finally:
        keras.config.set_dtype_policy(before)
    assert last < 0.5 * first
    assert all(np.isfinite(ops.convert_to_numpy(w)).all() for w in model.weights)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_training_on_numbers(name):
    x = np.random.default_rng(8).normal(size=(20, 4)).astype(np.float32)
    y = x @ np.float32([1, -2, 3, 0.5]) + 5
    model = small_model(outputs=1)
    first, last = train(model, make(name), x, y, 150)
    assert last < 0.2 * first


# Finding, checking and describing them.


def test_get_finds_every_loss_in_any_case():
    for name, cls in losses.LOSSES.items():
        for written in (name, name.upper(), cls.__name__, name.replace("_", "")):
            assert type(losses.get(written)) is cls
    loss = losses.ENME(3.0)
    assert losses.get(loss) is loss
    assert losses.get("wing", omega=4, epsilon=1).omega == 4


def test_get_names_what_there_is():
    with pytest.raises(ValueError, match=r"loss must be one of l1, l2, smooth_l1.*Got: 'mse'"):
        losses.get("mse")
    with pytest.raises(ValueError, match=r"loss Wing accepts omega, epsilon.*Got: 'alpha'"):
        losses.get("wing", alpha=2)
    with pytest.raises(
        ValueError, match=r"options can only be given with the name of a loss. Got: alpha"
    ):
        losses.get(losses.ENME(), alpha=2)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("wing", {"omega": 0}, "omega must be above 0. Got: 0"),
        ("wing", {"epsilon": -1}, "epsilon must be above 0. Got: -1"),
        ("smooth_l1", {"beta": 0}, "beta must be above 0. Got: 0"),
        ("le", {"alpha": -0.5}, "alpha must be at least 0. Got: -0.5"),
        ("enme", {"alpha": float("nan")}, "alpha must be at least 0. Got: nan"),
        ("nme", {"normalizer": 0}, "normalizer must be .*Got: 0"),
        ("l1", {"normalizer": ["inter_pupil"]}, r"normalizer must be .*Got: \['inter_pupil'\]"),
    ],
)
def test_a_bad_option_is_named(name, options, message):
    with pytest.raises(ValueError, match=message):
        losses.get(name, **options)


def test_small_options_are_taken():
    for alpha in (0, 0.5):
        assert losses.LE(alpha).alpha == losses.ENME(alpha).alpha == alpha
    assert losses.SmoothL1(0.01).beta == losses.Wing(0.01, 0.02).omega == 0.01


@pytest.mark.parametrize("name", NAMES)
def test_configuration_round_trip(name):
    expected = {**OPTIONS[name], "normalizer": "inter_pupil", "reduction": "sum", "name": "other"}
    loss = losses.get(name, **expected)
    assert loss.get_config() == expected
    assert type(loss).from_config(loss.get_config()).get_config() == expected
    saved = keras.saving.serialize_keras_object(loss)
    for again in (keras.saving.deserialize_keras_object(saved), losses.get(saved)):
        assert type(again) is type(loss) and again.get_config() == expected


@pytest.mark.parametrize(
    ("name", "defaults"),
    [
        ("l1", {}),
        ("l2", {}),
        ("smooth_l1", {"beta": 1.0}),
        ("nme", {}),
        ("wing", {"omega": 10.0, "epsilon": 2.0}),
        ("le", {"alpha": 2.0}),
        ("enme", {"alpha": 2.0}),
    ],
)
def test_class_and_function_have_the_same_defaults(name, defaults):
    loss = losses.LOSSES[name]()
    expected = {**defaults, "normalizer": None, "reduction": "sum_over_batch_size", "name": name}
    assert loss.get_config() == expected
    y_true, y_pred = np.zeros((1, 1, 2), np.float32), np.float32([[[0.5, 4.0]]])
    function = getattr(losses, name)
    assert number(function(y_true, y_pred)[0]) == number(function(y_true, y_pred, **defaults)[0])
    assert number(loss(y_true, y_pred)) == pytest.approx(number(function(y_true, y_pred)[0]))


@pytest.mark.parametrize("name", NAMES)
def test_registered_with_keras(name):
    cls = losses.LOSSES[name]
    assert keras.saving.get_registered_object(f"keras_fld>{cls.__name__}") is cls
    assert keras.saving.get_registered_name(cls) == f"keras_fld>{cls.__name__}"
    assert cls().name == name


@keras.saving.register_keras_serializable(package="keras_fld_tests")
def face_height(y_true):
    return ops.max(y_true[..., 1], axis=-1) - ops.min(y_true[..., 1], axis=-1)


def test_a_function_normalizer_is_saved_by_its_registered_name():
    config = losses.NME(face_height).get_config()
    assert config["normalizer"]["config"] == "keras_fld_tests>face_height"
    assert losses.NME.from_config(config).normalizer is face_height
    with pytest.raises(ValueError, match="normalizer function must have a name"):
        losses.NME(lambda y: y[:, 0, 0]).get_config()
