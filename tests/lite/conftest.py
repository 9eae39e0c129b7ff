import os

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from keras_fld import models  # noqa: E402
from keras_fld.data import crops, read  # noqa: E402
from keras_fld.lite import convert, modes  # noqa: E402

# The kinds of heads. Every mode must split each of them in the right place.
NETWORKS = {
    "pool": lambda: models.TRNet20(input_size=32, width=0.25),
    "windows": lambda: models.TRNet20(input_size=32, width=0.25, head="windows"),
    "flatten": lambda: models.TRNet20(input_size=32, width=0.25, head="flatten"),
    "sampled": lambda: models.TRNet20(input_size=32, width=0.25, sampled=(2, 1)),
    "cnn6": lambda: models.CNN6(input_size=32),
}


def sane(model):
    """The model with random but plausible weights and BatchNorm statistics."""
    import keras

    rng = np.random.default_rng(0)
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
        elif layer.name == "offsets":
            kernel, bias = layer.get_weights()
            layer.set_weights([rng.normal(0, 0.02, kernel.shape), rng.normal(0, 0.1, bias.shape)])
        elif layer.name.startswith("sampled"):
            layer.set_weights([rng.normal(0, 0.1, w.shape) for w in layer.get_weights()])
        elif layer.name == "windows":
            for name in layer.patches:
                window, kernel, bias = layer.get_patch(name)
                layer.set_patch(name, window, rng.normal(0, 0.1, kernel.shape), bias)
    return model


@pytest.fixture(scope="session")
def networks():
    """Name of each network to a small model."""
    import keras

    keras.utils.set_random_seed(0)
    return {name: sane(build()) for name, build in NETWORKS.items()}


@pytest.fixture(scope="session")
def small_model(networks):
    return networks["windows"]


@pytest.fixture(scope="session")
def face_crops(tree, small_model):
    """Model crops of the training faces in the small tree."""
    return crops.model_crops(read("300w", tree, "train"), models.frame_of(small_model)).images


@pytest.fixture(scope="session")
def converted(networks, face_crops, tmp_path_factory):
    """A function that returns the file of a network and mode.

    Each is converted once, also where the tests run in several processes.
    """
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "converted"
    folder.mkdir(exist_ok=True)

    def file(network, mode):
        path = folder / f"{network}_{mode}.tflite"
        # `convert` writes whole files only.
        return path if path.exists() else convert(networks[network], path, mode, face_crops)

    return file


@pytest.fixture(scope="session")
def files(converted):
    """Mode to the file of the small model."""
    return {mode: converted("windows", mode) for mode in modes.MODES}
