"""The metrics against NumPy in float64, however the faces are dealt out."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from keras_fld import losses, metrics

MAKERS = {
    "nme": metrics.NME,
    "failure_rate": metrics.FailureRate,
    "ced_auc": metrics.CEDAUC,
}
every = pytest.mark.parametrize("name", MAKERS)


def expected(y_true, y_pred, weights=None):
    """The three figures at 10 %, of the inter-ocular distance, over faces that have both."""
    y_true, y_pred = y_true.astype(np.float64), y_pred.astype(np.float64)
    errors, kept = [], []
    for i, (truth, guess) in enumerate(zip(y_true, y_pred, strict=True)):
        there = ~np.isnan(truth).any(axis=-1)
        if there[36] and there[45]:
            distances = np.sqrt(((guess - truth)[there] ** 2).sum(axis=-1))
            errors.append(100 * distances.mean() / np.linalg.norm(truth[36] - truth[45]))
            kept.append(1.0 if weights is None else weights[i])
    errors, kept = np.array(errors), np.array(kept)
    return {
        "nme": (errors * kept).sum() / kept.sum(),
        "failure_rate": 100 * kept[errors > 10].sum() / kept.sum(),
        "ced_auc": 100 * (np.clip(1 - errors / 10, 0, None) * kept).sum() / kept.sum(),
    }


@pytest.fixture(scope="module")
def faces():
    """Eleven faces, some with few or no landmarks, with NMEs around 10 %."""
    rng = np.random.default_rng(0)
    y_true = rng.uniform(0, 64, (11, 68, 2)).astype(np.float32)
    y_true[:, 36], y_true[:, 45] = (20, 25), (44, 25)
    size = np.linspace(0.3, 4, 11)[:, None, None]
    y_pred = (y_true + size * rng.normal(size=y_true.shape)).astype(np.float32)
    y_true[1, 0:30] = np.nan
    y_true[2, 3, 0] = np.nan
    y_true[4] = np.nan
    y_true[7, 36] = np.nan
    return y_true, y_pred


def result(metric):
    return float(ops.convert_to_numpy(metric.result()))


@every
def test_value(name, faces):
    metric = MAKERS[name]("inter_ocular")
    metric.update_state(*faces)
    assert 0 < expected(*faces)[name] < 100
    assert result(metric) == pytest.approx(expected(*faces)[name], rel=1e-5)


@every
def test_batches_of_any_size_give_the_same(name, faces):
    metric = MAKERS[name]("inter_ocular")
    for some in ([0, 1, 2], [3], [4], [5, 6, 7, 8], [9, 10]):
        metric.update_state(faces[0][some], faces[1][some])
    assert result(metric) == pytest.approx(expected(*faces)[name], rel=1e-5)
    metric.reset_state()
    assert np.isnan(result(metric))
    metric.update_state(faces[0][4:5], faces[1][4:5])
    assert np.isnan(result(metric))  # no face was counted


@every
def test_weights_of_faces(name, faces):
    weights = np.random.default_rng(1).uniform(size=11).astype(np.float32)
    for given in (weights, weights[:, None]):
        metric = MAKERS[name]("inter_ocular")
        metric.update_state(*faces, sample_weight=given)
        assert result(metric) == pytest.approx(expected(*faces, weights)[name], rel=1e-5)
    with pytest.raises(ValueError, match=r"must be \(batch,\) or \(batch, 1\). Got: \(11, 68\)"):
        metric.update_state(*faces, sample_weight=np.ones((11, 68)))


@every
def test_what_is_no_point_is_refused(name, faces):
    metric = MAKERS[name]("inter_ocular")
    for shape in ((11, 136), (11, 2, 68)):
        given = [values.reshape(shape) for values in faces]
        with pytest.raises(ValueError, match=r"must have shape \(batch, landmarks, 2\). Got: "):
            metric.update_state(*given)
    with pytest.raises(ValueError, match="must have the same shape"):
        metric.update_state(faces[0], faces[1][:1])
    assert float(ops.convert_to_numpy(metric.count.value)) == 0


@every
def test_parts_are_merged_by_adding_their_state(name, faces):
    parts = [MAKERS[name]("inter_ocular") for _ in range(3)]
    for part, some in zip(parts, (slice(0, 5), slice(5, 6), slice(6, 11)), strict=True):
        part.update_state(faces[0][some], faces[1][some])
    whole = MAKERS[name]("inter_ocular")
    for variable, *others in zip(whole.variables, *(p.variables for p in parts), strict=True):
        assert variable.aggregation == "sum"
        variable.assign(sum(ops.convert_to_numpy(o) for o in others))
    assert result(whole) == pytest.approx(expected(*faces)[name], rel=1e-5)


@every
def test_stateless_update(name, faces):
    metric = MAKERS[name]("inter_ocular")
    state = metric.stateless_reset_state()
    for some in (slice(0, 8), slice(8, 11)):
        state = metric.stateless_update_state(state, faces[0][some], faces[1][some])
    value = float(ops.convert_to_numpy(metric.stateless_result(state)))
    assert value == pytest.approx(expected(*faces)[name], rel=1e-5)
    assert float(ops.convert_to_numpy(metric.count.value)) == 0


def test_thresholds_and_limits_are_in_per_cent():
    # One landmark of two is off by 4 pixels: 2 pixels of 20 is 10 %, not above the threshold.
    y_true = np.zeros((2, 2, 2), np.float32)
    y_pred = np.float32([[[4, 0], [0, 0]], [[0, 5], [0, 0]]])
    for metric, value in [
        (metrics.NME(20), 11.25),
        (metrics.FailureRate(20), 50),
        (metrics.FailureRate(20, threshold=12.5), 0),
        (metrics.FailureRate(20, threshold=9), 100),
        (metrics.CEDAUC(20), 0),
        (metrics.CEDAUC(20, limit=20), 43.75),
        (metrics.FailureRate(2000, threshold=0.11), 50),  # also far below one per cent
        (metrics.CEDAUC(2000, limit=0.2), 43.75),
        (metrics.NME(lambda y: ops.convert_to_tensor([10.0, 20.0])), 16.25),
    ]:
        metric.update_state(y_true, y_pred)
        assert result(metric) == pytest.approx(value, rel=1e-6)


def test_a_diverged_prediction_is_not_hidden(faces):
    y_pred = np.full_like(faces[1], np.nan)
    for name, value in (("nme", np.nan), ("failure_rate", 100.0), ("ced_auc", np.nan)):
        metric = MAKERS[name]("inter_ocular")
        metric.update_state(faces[0], y_pred)
        np.testing.assert_equal(result(metric), value)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_evaluate_with_an_unequal_last_batch(faces, policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = keras.Sequential([keras.Input((68, 2)), keras.layers.Activation("linear")])
        model.compile(
            loss=losses.NME(),
            metrics=[make("inter_ocular") for make in MAKERS.values()],
            jit_compile=keras.backend.backend() == "jax",
        )
        found = model.evaluate(faces[1], faces[0], batch_size=4, verbose=0, return_dict=True)
        seen = ops.convert_to_numpy(ops.cast(model(faces[1]), "float32"))
    finally:
        keras.config.set_dtype_policy(before)
    for name, value in expected(faces[0], seen).items():
        assert found[name] == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("improves", [True, False])
@every
def test_callbacks_of_mode_auto_know_the_direction(name, improves, tmp_path):
    # All coordinates move by a pixel an epoch, towards the faces to validate on or away from them,
    # so that every epoch changes each of the figures.
    x, far = np.zeros((4, 1), np.float32), np.full((4, 3, 2), 1e3, np.float32)
    faces = np.ones((4, 3, 2), np.float32) * np.float32([8, 9, 10, 11]).reshape(4, 1, 1)
    y, validated = (far, faces) if improves else (-far, faces - 4)
    layers = [keras.Input((1,)), keras.layers.Dense(6), keras.layers.Reshape((3, 2))]
    model = keras.Sequential(layers)
    sgd = keras.optimizers.SGD(6.0)  # the gradient of L1 is a sixth in each coordinate
    jit = keras.backend.backend() == "jax"
    model.compile(sgd, losses.L1(), metrics=[MAKERS[name](100)], jit_compile=jit)
    history = model.fit(
        x,
        y,
        epochs=4,
        validation_data=(x, validated),
        verbose=0,
        callbacks=[
            keras.callbacks.EarlyStopping(f"val_{name}", patience=1),
            keras.callbacks.ReduceLROnPlateau(f"val_{name}", factor=0.5, patience=1),
            keras.callbacks.ModelCheckpoint(
                tmp_path / "{epoch}.weights.h5",
                f"val_{name}",
                save_best_only=True,
                save_weights_only=True,
            ),
        ],
    ).history
    values = history[f"val_{name}"]
    assert len(set(values)) == len(values) == (4 if improves else 2)
    assert len(list(tmp_path.iterdir())) == (4 if improves else 1)
    rate = float(ops.convert_to_numpy(model.optimizer.learning_rate))
    assert rate == (6.0 if improves else 3.0)


@every
def test_configuration_round_trip(name):
    options = {"failure_rate": {"threshold": 8.0}, "ced_auc": {"limit": 7.0}}.get(name, {})
    metric = MAKERS[name]("inter_ocular", name="other", **options)
    config = metric.get_config()
    assert config == {
        "name": "other",
        "dtype": "float32",
        "normalizer": "inter_ocular",
        **options,
    }
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert type(again) is type(metric) and again.get_config() == config


@keras.saving.register_keras_serializable(package="keras_fld_tests")
def twenty_pixels(y_true):
    return 20.0 + 0.0 * y_true[:, 0, 0]


def test_a_function_normalizer_is_saved_by_its_registered_name():
    metric = metrics.NME(twenty_pixels)
    assert metrics.NME.from_config(metric.get_config()).normalizer is twenty_pixels
    with pytest.raises(ValueError, match="normalizer function must have a name"):
        metrics.NME(lambda y: y[:, 0, 0]).get_config()


def test_a_loss_and_a_metric_of_the_same_name_are_not_confused():
    for cls in (losses.NME, *MAKERS.values()):
        saved = keras.saving.serialize_keras_object(cls())
        assert type(keras.saving.deserialize_keras_object(saved)) is cls


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.NME(None), "a metric in percent needs a normalizer. Got: None"),
        (lambda: metrics.NME(-1), "normalizer must be .*Got: -1"),
        (lambda: metrics.FailureRate(threshold=0), "threshold must be above 0 percent. Got: 0"),
        (lambda: metrics.CEDAUC(limit=-5), "limit must be above 0 percent. Got: -5"),
    ],
)
def test_a_bad_option_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# Two replicas on one processor; the devices must be set up before TensorFlow starts.
REPLICAS = """
import json, sys
import numpy as np
import tensorflow as tf
import keras
from keras_fld import losses, metrics
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
data = np.load(sys.argv[1])
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = keras.Sequential([keras.Input((68, 2)), keras.layers.Activation("linear")])
    makers = (metrics.NME, metrics.FailureRate, metrics.CEDAUC)
    model.compile(loss=losses.NME(), metrics=[make("inter_ocular") for make in makers])
    found = model.evaluate(data["x"], data["y"], batch_size=4, verbose=0, return_dict=True)
print(json.dumps(found))
"""


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="replicas are tested with tf.distribute"
)
def test_two_replicas(faces, tmp_path):
    np.savez(tmp_path / "faces.npz", x=faces[1], y=faces[0])
    done = subprocess.run(
        [sys.executable, "-c", REPLICAS, str(tmp_path / "faces.npz")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for name, value in expected(*faces).items():
        assert found[name] == pytest.approx(value, rel=1e-5)
    # The loss too is a mean over replicas, not their sum; the batches' means differ a little.
    values = ops.convert_to_numpy(losses.nme(*faces))
    assert found["loss"] == pytest.approx(values[values > 0].mean(), rel=0.3)
