import keras
import numpy as np
import pytest

if keras.backend.backend() != "torch":
    pytest.skip("runs PyTorch's kernels: KERAS_BACKEND=torch", allow_module_level=True)

from keras_fld import losses, models
from keras_fld.models.torch_forward import TorchForward

NETWORKS = {
    "pool": lambda: models.TRNet20(5, input_size=32),
    "windows": lambda: models.TRNet20(68, input_size=64, head="windows"),
    "flatten": lambda: models.TRNet20(5, input_size=32, head="flatten"),
    "cnn6": lambda: models.CNN6(5),
    "score": lambda: models.FaceScore(32),
}


def _network(name):
    keras.utils.set_random_seed(0)
    network = NETWORKS[name]()
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if layer.name in ("offsets", "windows"):
            layer.set_weights([w + rng.normal(0, 0.05, w.shape) for w in layer.get_weights()])
    return network


def _images(network, count=6):
    size = network.input_shape[1]
    return np.random.default_rng(1).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def _states(network):
    return [keras.ops.convert_to_numpy(v).copy() for v in network.non_trainable_variables]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_it_computes_what_keras_computes(name, training):
    network = _network(name)
    images, before = _images(network), _states(network)
    expected = keras.ops.convert_to_numpy(network(images, training=training))
    states = _states(network)
    for variable, value in zip(network.non_trainable_variables, before, strict=True):
        variable.assign(value)
    fast = TorchForward(network, bfloat16=False)
    got = keras.ops.convert_to_numpy(fast(keras.ops.convert_to_tensor(images), training=training))
    np.testing.assert_allclose(got, expected, atol=5e-3)
    for a, b in zip(_states(network), states, strict=True):  # BatchNorm's moving statistics
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_bfloat16_stays_close_and_gives_float32():
    network = _network("windows")
    images = keras.ops.convert_to_tensor(_images(network))
    exact = keras.ops.convert_to_numpy(TorchForward(network, bfloat16=False)(images))
    got = TorchForward(network)(images)
    assert str(got.dtype) == "torch.float32"
    # Random weights of this size give shapes 40 pixels wide; 8 bits are 0.4 %.
    assert 0 < np.abs(keras.ops.convert_to_numpy(got) - exact).mean() < 0.5


@pytest.mark.parametrize("bfloat16", [False, True])
def test_fit_moves_every_weight_of_the_network(bfloat16):
    network = _network("windows")
    before = [keras.ops.convert_to_numpy(v).copy() for v in network.trainable_variables]
    model = TorchForward(network, bfloat16)
    model.compile(keras.optimizers.Adam(1e-3), loss=losses.ENME(), jit_compile=False)
    landmarks = np.random.default_rng(2).uniform(0, 63, (6, 68, 2)).astype(np.float32)
    history = model.fit(_images(network), landmarks, epochs=8, verbose=0).history
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    for variable, old in zip(network.trainable_variables, before, strict=True):
        assert (keras.ops.convert_to_numpy(variable) != old).any(), variable.path


def test_a_frozen_batch_norm_keeps_its_statistics():
    network = _network("pool")
    for layer in network.layers:
        layer.trainable = False
    before = _states(network)
    TorchForward(network)(keras.ops.convert_to_tensor(_images(network)), training=True)
    for a, b in zip(_states(network), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_layer_used_twice_is_refused():
    image = keras.Input((16, 16, 3))
    layer = keras.layers.Conv2D(3, 3, padding="same")
    network = keras.Model(image, layer(layer(image)))
    with pytest.raises(ValueError, match="each layer must be used only once"):
        TorchForward(network)
