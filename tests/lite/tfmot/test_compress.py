"""Pruning and clustering."""

import gzip
from importlib.util import find_spec

import numpy as np
import pytest

# Located without an import, because the tests check how the package imports it.
if find_spec("tensorflow_model_optimization") is None:
    pytest.skip("needs the group compress", allow_module_level=True)

from keras_fld import models  # noqa: E402
from keras_fld._internal.files import read_json
from keras_fld.cli.compress import compress as command  # noqa: E402
from keras_fld.lite import convert  # noqa: E402
from keras_fld.lite.tfmot.compress import compress

from .test_qat import Batches, tiny_network  # noqa: E402


@pytest.fixture(scope="module")
def small():
    return tiny_network()


@pytest.fixture(scope="module")
def batches(small, face_crops):
    return Batches(face_crops, small.predict(face_crops, verbose=0))


def kernels(model):
    """Kernels of the pruned or clustered layers."""
    return {
        layer.name: layer.get_weights()[0]
        for layer in model.layers
        if type(layer).__name__ in ("Conv2D", "Dense") and layer.name != "offsets"
    }


def test_pruning_makes_the_wanted_fraction_zero(small, batches, face_crops, tmp_path):
    pruned = compress(
        small, batches, "prune", sparsity=0.75, epochs=2, learning_rate=1e-4, verbose=0
    )
    for name, kernel in kernels(pruned).items():
        assert np.mean(kernel == 0) == pytest.approx(0.75, abs=0.01), name
    assert (pruned.get_layer("offsets").get_weights()[0] != 0).mean() > 0.99
    assert not any((k == 0).any() for k in kernels(small).values()), "the model is left alone"

    sizes = []
    for i, model in enumerate((small, pruned)):
        path = convert(model, tmp_path / f"{i}.tflite", "int8", face_crops)
        sizes.append(len(gzip.compress(path.read_bytes())))
    # Tables and the output layer are most of such a small file.
    assert sizes[1] < 0.95 * sizes[0], "zeros stay zeros in int8"


def test_clustering_leaves_the_wanted_number_of_weights(small, batches):
    clustered = compress(
        small, batches, "cluster", clusters=8, epochs=1, learning_rate=1e-4, verbose=0
    )
    for name, kernel in kernels(clustered).items():
        assert len(np.unique(kernel)) <= 8, name
    assert len(np.unique(clustered.get_layer("offsets").get_weights()[0])) > 100


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"method": "shrink"}, "method must be one of prune, cluster. Got: 'shrink'"),
        ({"method": "prune", "sparsity": 1.0}, "sparsity must be between 0 and 1. Got: 1.0"),
        ({"method": "cluster", "clusters": 1}, "clusters must be at least 2. Got: 1"),
        ({"method": "prune", "epochs": 0}, "epochs must be at least 1. Got: 0"),
        ({"method": "prune", "learning_rate": -1}, "learning_rate must be above 0. Got: -1"),
    ],
)
def test_bad_arguments_are_refused(small, batches, arguments, rule):
    with pytest.raises(ValueError, match=rule):
        compress(small, batches, **arguments)


def test_the_command_writes_models_and_figures(small, tree, tmp_path, monkeypatch):
    from click.testing import CliRunner

    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")  # set by the command for its process
    small.save(tmp_path / "model.keras")
    out = tmp_path / "pruned"
    arguments = [tmp_path / "model.keras", "--out", out, "--root", tree, "--method", "prune"]
    arguments += ["--sparsity", 0.5, "--epochs", 1, "--quiet"]
    result = CliRunner().invoke(command, [str(x) for x in arguments])
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == [
        "compress.json",
        "model.keras",
        "model_int8.tflite",
    ]
    found = read_json(out / "compress.json")
    names = [row["name"] for row in found["models"]]
    assert names == ["Keras", "prune, Keras", "int8", "prune, int8"]
    for row in found["models"]:
        assert row["gzip_bytes"] > 0 and row["nme"]["common"] > 0
    assert found["settings"]["sparsity"] == 0.5 and found["settings"]["model"] == "model.keras"
    kernel = models.load_model(out / "model.keras").get_layer("unit_2_conv").get_weights()[0]
    assert np.mean(kernel == 0) == pytest.approx(0.5, abs=0.01)
