"""Model files from untrusted sources do not run code."""

import keras
import pytest

from keras_fld import models


def test_code_in_a_file_is_refused(tmp_path):
    inputs = keras.Input((4,))
    path = tmp_path / "model.keras"
    keras.Model(inputs, keras.layers.Lambda(lambda x: 2 * x)(inputs)).save(path)
    with pytest.raises(ValueError, match="model.keras: not a Keras model of this package"):
        models.load_model(path)
