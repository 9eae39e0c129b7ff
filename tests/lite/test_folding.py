"""What is exported of models in other precisions, and which models are refused."""

import keras
import numpy as np
import pytest

from keras_fld import models
from keras_fld.cli import cli
from keras_fld.lite import conversion, convert
from tests.lite.conftest import NETWORKS


@pytest.fixture
def in_policy(networks):
    """A function that builds a network of `networks` anew under a policy, which then stays."""
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
    expected = conversion.export_model(networks[network])
    exported = conversion.export_model(in_policy(network, policy))
    assert {layer.output.dtype for layer in exported.layers} == {"float32"}
    for found, weight in zip(exported.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(found, weight)
    found = exported.predict(crop, verbose=0)
    np.testing.assert_allclose(found, expected.predict(crop, verbose=0), atol=1e-4)


@pytest.mark.parametrize("mode", conversion.MODES)
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
    rule = f"must not have been quantized by Keras.* Got: layer 'offsets' in {mode}$"
    for refuse in (
        lambda: convert(model, tmp_path / "a.tflite", "float32"),
        lambda: conversion.export_model(model),
    ):
        with pytest.raises(ValueError, match=rule):
            refuse()
    assert not list(tmp_path.iterdir())


def small_network(*features):
    """A network of the package's head on these layers."""
    image = x = keras.Input((32, 32, 3))
    for layer in (*features, keras.layers.Dense(10, name="offsets")):
        x = layer(x)
    return keras.Model(image, models.ShapeOffset(np.full((5, 2), 16), 3.2, 1.25)(x))


def nested():
    layers = [keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D()]
    return small_network(keras.Sequential(layers, name="features"))


def no_convolution():
    return small_network(keras.layers.Flatten())


@pytest.mark.parametrize(
    ("build", "rule"),
    [
        (
            nested,
            "a model to export must not have another model as a layer. "
            "Got: layer 'features', a Sequential$",
        ),
        (no_convolution, "a model to export must have a Conv2D, .* Got: none in "),
    ],
)
def test_the_command_refuses_what_cannot_be_folded(build, rule, tmp_path):
    build().save(tmp_path / "model.keras")
    arguments = ("convert", tmp_path / "model.keras", "--mode", "float32")
    with pytest.raises(ValueError, match=rule):
        cli.main([*map(str, arguments), "--out", str(tmp_path / "a.tflite")], standalone_mode=False)
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]
