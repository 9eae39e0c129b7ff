import keras
import numpy as np
import pytest

from keras_fld import models
from keras_fld.models.sampled import SampledOffsets

# Pixels of a 32-pixel crop; with one unit to the right the third is beyond the map's last center.
MEAN = np.array([[3.5, 11.5], [16.25, 8.0], [30.0, 1.0]])
OPTIONS = {"mean_shape": MEAN, "scale": 3.2, "crop_size": 32, "channels": 5}


@pytest.fixture
def layer():
    layer = SampledOffsets(**OPTIONS)
    layer.build([(None, 6), (None, 8, 8, 4)])
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def bilinear(feature_map, x, y):
    """A map's features at a place given in positions, those at the border going on beyond it."""
    side = len(feature_map)
    x, y = min(max(x, 0), side - 1), min(max(y, 0), side - 1)
    left, top = min(int(x), side - 2), min(int(y), side - 2)
    right, low = x - left, y - top
    above = feature_map[top, left] * (1 - right) + feature_map[top, left + 1] * right
    below = feature_map[top + 1, left] * (1 - right) + feature_map[top + 1, left + 1] * right
    return above * (1 - low) + below * low


def test_each_landmark_is_corrected_by_the_features_where_it_is(layer):
    rng = np.random.default_rng(1)
    offsets = np.append(rng.normal(size=(3, 6)), np.eye(1, 6, 4), axis=0).astype(np.float32)
    maps = rng.normal(size=(4, 8, 8, 4)).astype(np.float32)
    mix, mix_bias, kernel, bias = layer.get_weights()
    expected = offsets.astype(float).reshape(4, 3, 2).copy()
    for i, j in np.ndindex(4, 3):
        # A position is 4 pixels wide; the first has its center between pixels 1 and 2.
        place = (MEAN[j] + 3.2 * offsets.reshape(4, 3, 2)[i, j] - 1.5) / 4
        seen = np.maximum(bilinear(maps[i], *place) @ mix + mix_bias, 0)
        expected[i, j] += seen @ kernel[j] + bias[j]
    found = keras.ops.convert_to_numpy(layer([offsets, maps]))
    np.testing.assert_allclose(found, expected.reshape(4, 6), rtol=1e-4, atol=1e-4)


def test_a_new_layer_corrects_nothing():
    layer, rng = SampledOffsets(**OPTIONS), np.random.default_rng(2)
    offsets = rng.normal(size=(2, 6)).astype(np.float32)
    found = layer([offsets, rng.normal(size=(2, 8, 8, 4)).astype(np.float32)])
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(found), offsets)


def test_a_map_that_is_not_square_and_no_channels_are_refused():
    with pytest.raises(ValueError, match="the feature map must be square. Got: 8 x 4"):
        SampledOffsets(**OPTIONS)([np.zeros((1, 6)), np.zeros((1, 8, 4, 4))])
    with pytest.raises(ValueError, match="channels must be at least 1. Got: 0"):
        SampledOffsets(**{**OPTIONS, "channels": 0})


def test_a_network_reads_the_stages_in_their_order_and_is_saved(tmp_path):
    model = models.TRNet20(input_size=32, width=0.25, sampled=(2, 1))
    names = [layer.name for layer in model.layers if isinstance(layer, SampledOffsets)]
    assert names == ["sampled_stage2", "sampled_stage1"]
    rng = np.random.default_rng(3)
    for name in ("offsets", *names):
        layer = model.get_layer(name)
        layer.set_weights([rng.normal(0, 0.1, w.shape) for w in layer.get_weights()])
    images = rng.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    model.save(tmp_path / "a.keras")
    found = models.load_model(tmp_path / "a.keras").predict(images, verbose=0)
    np.testing.assert_array_equal(found, model.predict(images, verbose=0))


def test_refining_it_is_refused():
    model = models.TRNet20(5, input_size=32, width=0.25, sampled=(2,))
    with pytest.raises(ValueError, match="end in its Dense and windows. Got: 'sampled_stage2'"):
        models.refine(model, (np.zeros((1, 32, 32, 3)), np.zeros((1, 5, 2))))
