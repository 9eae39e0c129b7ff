import keras
import numpy as np
import pytest

from keras_fld import models
from keras_fld.models.windows import WindowedOffsets
from keras_fld.schemes import IBUG68

# Out of order on purpose: the output is in the landmarks' order.
PATCHES = {"mouth": (3, 4), "eyes": (0, 2), "nose": (1,)}


@pytest.fixture
def layer():
    layer = WindowedOffsets(PATCHES, windows=2)
    layer.build((None, 8, 8, 6))
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def test_it_is_a_weighted_average_and_a_dense_per_patch(layer):
    maps = np.random.default_rng(1).normal(size=(3, 8, 8, 6)).astype(np.float32)
    got = keras.ops.convert_to_numpy(layer(maps)).reshape(3, 5, 2)
    for name, indices in PATCHES.items():
        window, kernel, bias = layer.get_patch(name)
        seen = np.einsum("bpc,pw->bcw", maps.reshape(3, 64, 6), window)
        expected = np.einsum("bcw,cwo->bo", seen, kernel.reshape(6, 2, -1)) + bias
        np.testing.assert_allclose(
            got[:, list(indices)].reshape(3, -1), expected, rtol=1e-4, atol=1e-4
        )


def test_a_window_starts_as_an_average_around_its_landmarks():
    layer = WindowedOffsets({"all": range(6)}, windows=3)
    layer.build((None, 8, 8, 4))
    points = np.array([[12, 12], [12, 12], [52, 12], [52, 12], [28, 52], [28, 52]], float)
    layer.place(points, crop_size=64)
    window = layer.get_patch("all")[0]
    np.testing.assert_allclose(window.sum(axis=0), 1, rtol=1e-5)
    # A position is 8 crop pixels wide, and its center at 3.5 of them.
    rows, columns = np.unravel_index(window.argmax(axis=0), (8, 8))
    assert list(zip(columns * 8 + 3.5, rows * 8 + 3.5, strict=True)) == [
        (11.5, 11.5),
        (51.5, 11.5),
        (27.5, 51.5),
    ]


def test_a_new_layer_moves_nothing_and_needs_a_window():
    layer = WindowedOffsets({"all": range(5)})
    assert not keras.ops.convert_to_numpy(layer(np.ones((1, 8, 8, 4), np.float32))).any()
    with pytest.raises(ValueError, match="windows must be at least 1. Got: 0"):
        WindowedOffsets({"all": range(5)}, windows=0)


def test_fewer_landmarks_than_windows(layer):
    layer.place(np.full((5, 2), 31.5), crop_size=64)
    assert np.isfinite(layer.get_patch("nose")[0]).all()


def test_it_is_saved_and_opened(tmp_path):
    model = models.TRNet20(head="windows")
    layer = model.get_layer("windows")
    rng = np.random.default_rng(2)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    model.save(tmp_path / "m.keras")
    images = rng.integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    opened = models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(
        opened.predict(images, verbose=0), model.predict(images, verbose=0), atol=1e-4
    )


def test_the_windows_head_costs_less_than_five_per_cent():
    plain, local = models.TRNet20(), models.TRNet20(head="windows")
    # Five patches of 64 positions by 3 windows; 3 x 80 features and a bias to each coordinate.
    assert local.count_params() - plain.count_params() == 5 * 64 * 3 + 241 * 136 == 33_736
    assert local.count_params() < 1.05 * plain.count_params()
    assert list(local.get_layer("windows").patches) == list(IBUG68.patches)


def test_landmarks_without_a_scheme_are_one_patch():
    assert list(models.TRNet20(7, head="windows").get_layer("windows").patches) == ["all"]
