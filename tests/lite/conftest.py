import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_fld import models  # noqa: E402
from keras_fld.data import crops, read  # noqa: E402


@pytest.fixture(scope="session")
def small_model():
    """TRNet-20 on 32-pixel crops, its weights and BatchNorm statistics random but sane."""
    import keras

    keras.utils.set_random_seed(0)
    model = models.TRNet20(input_size=32)
    rng = np.random.default_rng(0)
    head = model.get_layer("offsets")
    head.set_weights([rng.normal(0, 0.02, head.kernel.shape), rng.normal(0, 0.1, head.bias.shape)])
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights(
                [
                    rng.uniform(0.7, 1.3, gamma.shape),
                    rng.normal(0, 0.2, beta.shape),
                    rng.normal(0, 0.2, mean.shape),
                    rng.uniform(0.5, 2, variance.shape),
                ]
            )
    return model


@pytest.fixture(scope="session")
def face_crops(tree, small_model):
    """Model crops of the small tree's training faces."""
    return crops.model_crops(read("300w", tree, "train"), models.frame_of(small_model)).images
