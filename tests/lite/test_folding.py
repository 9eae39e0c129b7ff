"""Export of models in various precisions, and models that cannot be exported."""

import keras
import numpy as np
import pytest

from keras_fld import models
from keras_fld.lite import agreement, apart, convert, folding, modes
from keras_fld.models import layers
from keras_fld.predict.lite_model import LiteModel
from tests.lite.conftest import NETWORKS


@pytest.fixture
def in_policy(networks):
    """A function that rebuilds a network of `networks` under a policy, which stays set."""
    before = keras.config.dtype_policy()

    def build(network, policy):
        keras.config.set_dtype_policy(policy)
        model = NETWORKS[network]()
        model.set_weights(networks[network].get_weights())
        assert model.get_layer("offsets").compute_dtype == policy.removeprefix("mixed_")
        return model

    yield build
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("network", NETWORKS)
def test_mixed_precision_is_exported_in_float32(in_policy, networks, network, policy):
    crop = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype(np.float32)
    expected = folding.export_model(networks[network])
    exported = folding.export_model(in_policy(network, policy))
    assert {layer.output.dtype for layer in exported.layers} == {"float32"}
    for found, weight in zip(exported.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(found, weight)
    found = exported.predict(crop, verbose=0)
    np.testing.assert_allclose(found, expected.predict(crop, verbose=0), atol=1e-4)


@pytest.mark.parametrize("mode", modes.MODES)
def test_mixed_precision_is_converted_to_the_same_file(
    in_policy, converted, face_crops, mode, tmp_path
):
    expected = converted("windows", mode).read_bytes()
    found = convert(in_policy("windows", "mixed_float16"), tmp_path / "a.tflite", mode, face_crops)
    assert found.read_bytes() == expected


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
def test_a_model_that_keras_has_quantized_is_refused(networks, mode, tmp_path):
    model = keras.models.clone_model(networks["pool"])
    model.quantize(mode)
    rule = f"models quantized by Keras cannot be exported.* Got: layer 'offsets' in {mode}$"
    for refuse in (
        lambda: convert(model, tmp_path / "a.tflite", "float32"),
        lambda: folding.export_model(model),
    ):
        with pytest.raises(ValueError, match=rule):
            refuse()
    assert not list(tmp_path.iterdir())


def small_network(*features):
    """A network of these layers and the package's head, whose landmarks depend on the crop."""
    keras.utils.set_random_seed(0)
    image = x = keras.Input((32, 32, 3))
    for layer in features:
        x = layer(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = keras.layers.Dense(10, "tanh", name="squashed")(x)
    offsets = keras.layers.Dense(10, kernel_initializer="glorot_normal", name="offsets")(x)
    return keras.Model(image, models.ShapeOffset(np.full((5, 2), 16), 3.2, 1.25)(offsets))


def conv(name="c", **options):
    return keras.layers.Conv2D(4, 3, bias_initializer="random_normal", name=name, **options)


def rescaling(scale=1 / 255, offset=0.0, name="to_one"):
    return keras.layers.Rescaling(scale, offset, name=name)


def skipping():
    """The rescaled crop is read by a convolution and by a sum."""
    image = keras.Input((32, 32, 3))
    x = rescaling()(image)
    x = keras.layers.Add()([keras.layers.Conv2D(3, 3, padding="same")(x), x])
    return keras.Model(image, x, name="skipping")


def shared():
    """One convolution that the graph calls twice."""
    image, once = keras.Input((32, 32, 3)), keras.layers.Conv2D(3, 3, padding="same")
    return keras.Model(image, once(once(rescaling()(image))), name="shared")


def sequence(*layers, name):
    return keras.Sequential([keras.Input((32, 32, 3)), *layers], name=name)


# First layers of a network, and whether those before the first convolution can be folded.
BEGINNINGS = {
    "another name": (lambda: [rescaling(), conv(padding="same")], True),
    "none": (lambda: [keras.layers.BatchNormalization(), conv(activation="tanh")], False),
    "offset, not padded": (lambda: [rescaling(1 / 127.5, -1.0), conv()], True),
    "offset, padded": (lambda: [rescaling(1 / 127.5, -1.0), conv(padding="same")], False),
    "offset, no bias": (lambda: [rescaling(1 / 127.5, -1.0), conv(use_bias=False)], False),
    "one number per channel": (
        lambda: [rescaling([1 / 255, 1 / 128, 1 / 100], [-0.1, 0.2, -0.4]), conv()],
        True,
    ),
    "two": (lambda: [rescaling(), rescaling(2.0, -1.0, "to_both_signs"), conv()], True),
    "two channel orders": (
        lambda: [rescaling([1 / 255, 1 / 128, 1 / 64]), layers.ReversedChannels(), conv()],
        True,
    ),
    "not directly before": (
        lambda: [rescaling(), keras.layers.BatchNormalization(), conv()],
        False,
    ),
    "depthwise": (lambda: [rescaling(), keras.layers.DepthwiseConv2D(3)], False),
    "no convolution": (lambda: [rescaling(), keras.layers.AveragePooling2D(8)], False),
    "read twice": (lambda: [skipping()], False),
    "shared": (lambda: [shared()], False),
    "inside": (lambda: [sequence(rescaling(), conv(), name="inner")], True),
    "inside twice": (
        lambda: [
            sequence(
                sequence(rescaling(), conv(), name="one"),
                keras.Sequential([keras.Input((30, 30, 4)), conv(), conv("d")], name="two"),
                name="outer",
            )
        ],
        True,
    ),
    "normalization": (
        lambda: [keras.layers.Normalization(mean=[100, 110, 120], variance=[90, 80, 70]), conv()],
        False,
    ),
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_input_layers_are_folded_only_if_the_result_is_the_same(name, tmp_path):
    build, folds = BEGINNINGS[name]
    model = small_network(*build())
    crops = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), np.uint8)
    expected = model.predict(crops, verbose=0)
    assert np.ptp(expected, axis=0).max() > 0.5, "the landmarks must depend on the crop"
    found = LiteModel(convert(model, tmp_path / "a.tflite", "float32")).predict(crops)
    np.testing.assert_allclose(found, expected, atol=2e-3)
    exported = folding.export_model(model)
    kinds = {type(layer).__name__ for layer in exported.layers}
    stays = {type(layer).__name__ for layer in exported.layers if "to_" in layer.name}
    assert not kinds & {"Sequential", "Functional", "ReversedChannels"}
    assert stays <= ({"Identity"} if folds else {"Rescaling"})
    # The original model is unchanged.
    np.testing.assert_array_equal(model.predict(crops, verbose=0), expected)
    assert model.get_layer("offsets").input is model.get_layer("squashed").output


def test_an_adapted_normalization_keeps_its_statistics(tmp_path):
    learned = keras.layers.Normalization()
    learned.adapt(np.random.default_rng(1).normal(90, 30, (64, 32, 32, 3)))
    model = small_network(sequence(learned, conv(), name="inner"))
    crops = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    found = LiteModel(convert(model, tmp_path / "a.tflite", "float32")).predict(crops)
    np.testing.assert_allclose(found, model.predict(crops, verbose=0), atol=2e-3)


@keras.saving.register_keras_serializable(package="tests")
class Forgetful(keras.layers.Layer):
    """A layer that loses its factor when it is rebuilt from its configuration."""

    factor = 1.0

    def call(self, inputs):
        return inputs * self.factor


@pytest.mark.parametrize("mode", ["float32", "int8"])
def test_a_file_that_differs_is_refused_and_names_the_layer(mode, face_crops, tmp_path):
    layer = Forgetful(name="forgetful")
    layer.factor = 3.0
    model = small_network(rescaling(), conv(), layer, keras.layers.ReLU(name="after"))
    with pytest.raises(
        ValueError, match="must be within .* first layer that differs is 'forgetful'$"
    ):
        convert(model, tmp_path / "a.tflite", mode, face_crops)
    assert not list(tmp_path.iterdir())


def test_a_layer_inside_a_model_is_named_by_that_model(tmp_path):
    layer = Forgetful(name="forgetful")
    layer.factor = 3.0
    model = small_network(rescaling(), sequence(conv(), layer, name="backbone"))
    with pytest.raises(ValueError, match="The first layer that differs is 'backbone'$"):
        convert(model, tmp_path / "a.tflite", "float32")


def test_a_wrong_fold_is_refused(tmp_path, monkeypatch):
    """An incorrect folding that divides without looking at the layers before."""
    right = folding._folded_weights
    monkeypatch.setattr(
        folding, "_folded_weights", lambda *given: [right(*given)[0] / 255, right(*given)[1]]
    )
    model = small_network(rescaling(), conv())
    with pytest.raises(ValueError, match="The first layer that differs is 'c'$"):
        convert(model, tmp_path / "a.tflite", "float32")
    assert not list(tmp_path.iterdir())


def test_a_layer_that_is_converted_wrongly_is_found_by_bisection(monkeypatch):
    model = small_network(rescaling(), conv(), keras.layers.ReLU(name="after"))
    exported = folding.export_model(model)
    images = agreement.drawn_faces(models.frame_of(model))
    assert apart.converted_apart(exported, images) is None
    assert apart.folded_apart(model, images) is None
    right = apart.lite_outputs

    def wrong(content, images):
        found = right(content, images)
        return found + 5 if found.shape[1:] != (30, 30, 4) or found.min() >= 0 else found

    monkeypatch.setattr(apart, "lite_outputs", wrong)
    assert apart.converted_apart(exported, images) == "after"


def test_rounding_errors_are_distinguished_from_a_wrong_layer(face_crops, tmp_path):
    """Landmarks as the small difference of huge numbers, too small for 8 bits."""
    model = small_network(rescaling(), conv())
    kernel, bias = model.get_layer("squashed").get_weights()
    model.get_layer("squashed").set_weights([kernel * 1e-4, bias])
    kernel, bias = model.get_layer("offsets").get_weights()
    model.get_layer("offsets").set_weights([kernel * 3e5, bias])
    with pytest.raises(ValueError, match="The float32 file is off by only .*8 bits are not enough"):
        convert(model, tmp_path / "a.tflite", "int8_full", face_crops)
    assert not list(tmp_path.iterdir())


def test_a_subclassed_model_is_refused(tmp_path):
    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(
        ValueError, match="only Functional and Sequential models can be exported. Got: 'own'"
    ):
        folding.export_model(Own())


def test_mode_int8_needs_a_dense_to_keep_in_float(face_crops, tmp_path):
    image = x = keras.Input((32, 32, 3))
    for layer in (rescaling(), keras.layers.Conv2D(10, 32)):
        x = layer(x)
    model = keras.Model(image, models.ShapeOffset(np.full((5, 2), 16), 3.2, 1.25)(x))
    with pytest.raises(
        ValueError, match="keeps the last Dense in float, but the model does not end in"
    ):
        convert(model, tmp_path / "a.tflite", "int8", face_crops)
    found = LiteModel(convert(model, tmp_path / "b.tflite", "float16")).predict(face_crops)
    np.testing.assert_allclose(found, model.predict(face_crops, verbose=0), atol=0.2)
