"""The translation into Keras 2."""

import numpy as np
import pytest

tf_keras = pytest.importorskip("tf_keras")

from keras_fld import models  # noqa: E402
from keras_fld.lite.folding import export_model  # noqa: E402
from keras_fld.lite.tfmot.to_tf_keras import to_tf_keras  # noqa: E402

from ..conftest import NETWORKS  # noqa: E402


@pytest.mark.parametrize("network", NETWORKS)
def test_outputs_layers_and_weights_are_the_same(networks, network, face_crops):
    model = networks[network]
    translated = to_tf_keras(model)
    expected = model.predict(face_crops, verbose=0)
    assert np.ptp(expected, axis=0).max() > 0.5, "the crops must not all give one shape"
    found = translated(face_crops.astype(np.float32), training=False)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert translated.output_shape == (None, 68, 2)
    for layer in model.layers:
        for mine, own in zip(
            translated.get_layer(layer.name).get_weights(), layer.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(mine, own)


@pytest.mark.parametrize("network", ["windows", "cnn6"])
def test_exported_models_are_translated(networks, network, face_crops):
    translated = to_tf_keras(export_model(networks[network]))
    expected = networks[network].predict(face_crops[:1], verbose=0)
    found = translated(face_crops[:1].astype(np.float32), training=False)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert "rescale" not in [layer.name for layer in translated.layers]


def test_patches_whose_landmarks_are_out_of_order(face_crops):
    model = models.TRNet20(98, input_size=32, width=0.25, head="windows")
    rng = np.random.default_rng(0)
    layer = model.get_layer("windows")
    layer.set_weights([rng.normal(0, 0.1, w.shape) for w in layer.get_weights()])
    landmarks = [i for indices in layer.patches.values() for i in indices]
    assert landmarks != sorted(landmarks), "or the order is not tested"
    expected = model.predict(face_crops, verbose=0)
    found = to_tf_keras(model)(face_crops.astype(np.float32), training=False)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_training_the_translation_leaves_the_model_alone(networks, face_crops):
    model = networks["cnn6"]
    before = [w.copy() for w in model.get_weights()]
    translated = to_tf_keras(model)
    translated.compile("sgd", loss="mse")
    translated.fit(face_crops, np.zeros((len(face_crops), 68, 2)), verbose=0)
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_layer_of_another_network_is_refused():
    import keras

    image = keras.Input((32, 32, 3))
    other = keras.Model(image, keras.layers.Softmax(name="odd")(image))
    with pytest.raises(ValueError, match=r"must consist of Activation, .*Got: Softmax \('odd'\)"):
        to_tf_keras(other)


def test_a_copy_by_its_configuration_computes_the_same(networks, face_crops):
    plain, images = to_tf_keras(networks["sampled"]), face_crops.astype(np.float32)
    copy = type(plain).from_config(plain.get_config())
    copy.set_weights(plain.get_weights())
    found = copy(images, training=False)
    np.testing.assert_allclose(found, plain(images, training=False), atol=1e-5)
