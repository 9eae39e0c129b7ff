import zipfile

import numpy as np
import pytest

from keras_fld import models
from keras_fld.models.pack import NEWER, pack, rounded


def test_rounding_keeps_eleven_digits_at_every_size():
    rng = np.random.default_rng(0)
    numbers = (rng.normal(size=500) * 10.0 ** rng.integers(-30, 30, 500)).astype(np.float32)
    error = np.abs(rounded(numbers) / numbers - 1)
    assert 2**-14 < error.max() <= 2**-11
    np.testing.assert_array_equal(rounded(rounded(numbers)), rounded(numbers))
    halves = rng.normal(size=100).astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(rounded(halves), halves)
    assert rounded(np.float32(0)) == 0


def test_a_packed_model_is_smaller_and_predicts_the_same(tmp_path):
    model = models.TRNet20(5, input_size=32)
    rng = np.random.default_rng(1)
    model.get_layer("offsets").set_weights([0.01 * rng.normal(size=(96, 10)), np.zeros(10)])
    images = rng.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    expected = model.predict(images, verbose=0)
    model.save(tmp_path / "plain.keras")
    pack(model, tmp_path / "packed.keras")
    small, large = ((tmp_path / f"{n}.keras").stat().st_size for n in ("packed", "plain"))
    assert small < 0.6 * large
    found = models.load_model(tmp_path / "packed.keras")
    np.testing.assert_allclose(found.predict(images, verbose=0), expected, atol=0.05)
    assert zipfile.ZipFile(tmp_path / "packed.keras").testzip() is None
    with pytest.raises(ValueError, match="must end in .keras. Got: .*preset.h5"):
        pack(model, tmp_path / "preset.h5")


def test_what_older_releases_of_keras_refuse_is_left_out(tmp_path):
    file = tmp_path / "preset.keras"
    pack(models.TRNet20(5, 16), file)
    with zipfile.ZipFile(file) as archive:
        config = archive.read("config.json").decode()
    for argument in NEWER:
        assert f'"{argument}"' not in config
