"""Networks that are not the package's own, fine-tuned for int8 and compressed."""

import numpy as np
import pytest

tf_keras = pytest.importorskip("tf_keras")

import keras  # noqa: E402
from keras import layers  # noqa: E402

from keras_fld import FaceCrop, models  # noqa: E402
from keras_fld.lite import agreement, compress, qat  # noqa: E402
from keras_fld.lite.tfmot.to_tf_keras import to_tf_keras  # noqa: E402

SIZE = 64


def features(activation=None):
    """A small network of MobileNet's blocks: an input and its features."""
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    x = layers.DepthwiseConv2D(3, strides=2, use_bias=False)(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.Conv2D(16, 1, activation=activation)(x)
    x = layers.GlobalAveragePooling2D()(x)
    return image, layers.Dropout(0.2)(x)


def headed(activation=None):
    image, x = features(activation)
    return with_random_weights(keras.Model(image, models.head(x, 68)))


def described(**options):
    image, x = features()
    x = layers.Dense(136)(layers.Dense(24, activation="relu")(x))
    plain = keras.Model(image, layers.Reshape((68, 2))(x))
    options = {"units": 20.0, "inputs": "0..255", **options}
    return with_random_weights(models.describe(plain, FaceCrop(SIZE), "ibug68", **options))


def nested():
    image, x = features()
    body = keras.Model(image, x, name="body")
    outside = keras.Input((SIZE, SIZE, 3))
    return with_random_weights(keras.Model(outside, models.head(body(outside), 68)))


def tiny():
    """A network with a single activation whose range is learned."""
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(8, 3, strides=4)(layers.Rescaling(1 / 255)(image))
    x = layers.GlobalAveragePooling2D()(x)
    return with_random_weights(keras.Model(image, models.head(x, 68)))


def with_random_weights(model):
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if "moving_variance" not in weight.path and "gamma" not in weight.path:
            weight.assign(rng.normal(0, 0.3, weight.shape))
    return model


NETWORKS = {"head": headed, "describe": described, "nested": nested, "tiny": tiny}


@pytest.fixture(scope="module")
def batches():
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (4, 1, 1, 3)) + rng.integers(-40, 40, (4, SIZE, SIZE, 3))
    return [(np.clip(crops, 0, 255).astype(np.uint8), rng.uniform(0, SIZE, (4, 68, 2)))]


def predicted(model, batches):
    found = model.predict(batches[0][0], verbose=0)
    assert np.ptp(found, axis=0).max() > 0.3, "the crops must not all give one shape"
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_the_file_matches_the_fine_tuned_network(name, batches, tmp_path):
    model = NETWORKS[name]()
    predicted(model, batches)
    tuned = qat(model, tmp_path / "a.tflite", batches, epochs=1, learning_rate=1e-6, verbose=0)
    content = (tmp_path / "a.tflite").read_bytes()
    assert agreement.check(tuned, content, "int8_qat", batches[0][0])["off"] < 0.5


@pytest.mark.parametrize("name", NETWORKS)
def test_pruning_leaves_the_output_layer(name, batches):
    model = NETWORKS[name]()
    small = compress(model, batches * 4, "prune", 0.5, epochs=2, learning_rate=1e-6, verbose=0)
    shares = {
        layer.name: np.mean(layer.get_weights()[0] == 0)
        for layer in small.layers
        if isinstance(layer, (layers.Dense, layers.Conv2D))
    }
    *inner, output = shares.values()
    assert output == 0 and min(inner) >= 0.45
    assert small.output_shape == model.output_shape


def test_the_translation_computes_the_same(batches):
    model = headed("sigmoid")
    found = to_tf_keras(model)(batches[0][0].astype(np.float32), training=False)
    np.testing.assert_allclose(found, predicted(model, batches), atol=1e-3)


@pytest.mark.parametrize("activation", ["hard_sigmoid", "hard_silu", keras.layers.LeakyReLU(0.1)])
def test_an_activation_that_keras_2_computes_otherwise_is_refused(activation, batches, tmp_path):
    model = headed(activation)
    with pytest.raises(ValueError, match="activations of a network must be elu, .* Got: ") as told:
        compress(model, batches, "prune", verbose=0)
    assert "\n" not in str(told.value)
    with pytest.raises(ValueError, match="activations of a network must be"):
        qat(model, tmp_path / "a.tflite", batches, verbose=0)
    assert not list(tmp_path.iterdir())


def test_a_rescaling_that_cannot_be_folded_is_refused(batches, tmp_path):
    model = described(inputs="-1..1")
    with pytest.raises(ValueError, match="a single Rescaling without offset.*Got: "):
        qat(model, tmp_path / "a.tflite", batches, verbose=0)
    assert not list(tmp_path.iterdir())
