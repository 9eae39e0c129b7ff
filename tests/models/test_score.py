import keras
import numpy as np
import pytest

from keras_fld import models
from keras_fld.geometry.frame import FaceCrop


def macs(model):
    """Multiply-accumulates of one crop, from the layers' shapes."""
    count = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            count += np.prod(layer.output.shape[1:3]) * np.prod(layer.kernel.shape)
        elif isinstance(layer, keras.layers.Dense):
            count += np.prod(layer.kernel.shape)
    return count


def test_it_is_tiny_and_gives_one_score():
    model = models.FaceScore()
    assert model.output_shape == (None, 1) and model.count_params() < 16_000
    assert macs(model) < 0.01 * macs(models.TRNet20(68))
    images = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    scores = model.predict(images, verbose=0)
    assert scores.shape == (5, 1) and ((scores > 0) & (scores < 1)).all()
    assert len(np.unique(scores)) == 5


def test_a_saved_one_knows_its_crop(tmp_path):
    model = models.FaceScore(32, margin=1.3)
    model.save(tmp_path / "score.keras")
    loaded = models.load_model(tmp_path / "score.keras")
    assert models.frame_of(loaded) == FaceCrop(32, 1.3)
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    np.testing.assert_allclose(
        loaded.predict(images, verbose=0), model.predict(images, verbose=0), atol=1e-6
    )


def test_its_place_in_the_crop_counts():
    keras.utils.set_random_seed(0)
    model = models.FaceScore()
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    moved = np.roll(image, 32, axis=2)
    a, b = model.predict(np.concatenate([image, moved]), verbose=0).ravel()
    assert abs(a - b) > 1e-4


def test_it_learns_which_crops_are_bright():
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    labels = (np.arange(32) % 2).astype(np.float32)[:, None]
    images = rng.integers(0, 120, (32, 32, 32, 3)) + 120 * labels[..., None, None].astype(int)
    model = models.FaceScore(32)
    model.compile(keras.optimizers.Adam(1e-2), loss="binary_crossentropy", jit_compile=False)
    history = model.fit(images.astype(np.uint8), labels, epochs=6, verbose=0).history["loss"]
    assert history[-1] < 0.3 * history[0]


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"input_size": 40}, "input_size must be a multiple of 16. Got: 40"),
        ({"filters": (8, 8)}, r"filters must be 5 numbers of at least 1. Got: \(8, 8\)"),
        ({"filters": (8, 8, 8, 8, 0)}, "filters must be 5 numbers of at least 1"),
    ],
)
def test_bad_options_are_refused(options, rule):
    with pytest.raises(ValueError, match=rule):
        models.FaceScore(**options)


def test_it_predicts_no_landmarks():
    with pytest.raises(ValueError, match="must end in a keras_fld ShapeOffset layer"):
        models.scheme_of(models.FaceScore())
