"""Quantization-aware training, and its effect on the file."""

import importlib
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

# Located without an import, because the tests check how the package imports it.
if find_spec("tensorflow_model_optimization") is None:
    pytest.skip("needs the group compress", allow_module_level=True)

from keras_fld._internal.files import read_json
from keras_fld.lite import convert, modes  # noqa: E402
from keras_fld.lite.metadata import describe, write  # noqa: E402
from keras_fld.lite.tfmot.qat import qat
from keras_fld.predict import metadata  # noqa: E402
from keras_fld.predict.lite_model import LiteModel  # noqa: E402

from ..conftest import sane  # noqa: E402

BATCH = 4


class Batches:
    """Batches of crops and landmarks, as an iterable with a length."""

    def __init__(self, images, landmarks):
        self.images, self.landmarks = images, landmarks.astype(np.float32)

    def __len__(self):
        return -(-len(self.images) // BATCH)

    def __iter__(self):
        for i in range(0, len(self.images), BATCH):
            yield self.images[i : i + BATCH], self.landmarks[i : i + BATCH]


def tiny_network():
    """A network with one layer of each kind, because the library is slow for deep networks."""
    import keras
    from keras import layers

    from keras_fld.geometry.frame import MARGIN, FaceCrop
    from keras_fld.models import trnet
    from keras_fld.models.layers import crop_input, landmark_head

    keras.utils.set_random_seed(0)
    inputs, x = crop_input(32, multiple=4)
    x = layers.ReLU(name="relu1")(layers.Conv2D(8, 3, padding="same", name="conv1")(x))
    x = layers.MaxPooling2D(4, name="pool")(x)
    inner = trnet._residual_unit(x, 16, "unit")
    x = layers.GlobalAveragePooling2D(name="mean")(inner)
    x = layers.ReLU(name="features")(layers.Dense(32, name="dense")(x))
    outputs = landmark_head(x, 68, FaceCrop(32, MARGIN), inner=inner)
    return sane(keras.Model(inputs, outputs, name="tiny"))


@pytest.fixture(scope="module")
def tiny():
    return tiny_network()


@pytest.fixture(scope="module")
def batches(tiny, face_crops):
    """Slightly shifted predictions of the network itself, which are easy to learn."""
    return Batches(face_crops, tiny.predict(face_crops, verbose=0) + 0.3)


@pytest.fixture(scope="module")
def tuned(tiny, batches, tmp_path_factory):
    """The file of the network and the fine-tuned model."""
    path = tmp_path_factory.mktemp("qat") / "a.tflite"
    return path, qat(tiny, path, batches, epochs=5, learning_rate=2e-3, verbose=0)


def operations(path):
    """The interpreter of a file, and its operations with their output types."""
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    tensors = {x["index"]: x for x in interpreter.get_tensor_details()}
    ops = [op for op in interpreter._get_ops_details() if op["op_name"] != "DELEGATE"]
    # The shape of a tensor costs nothing.
    kinds = [(op["op_name"], tensors[op["outputs"][0]]["dtype"].__name__) for op in ops]
    return interpreter, sorted(kind for kind in kinds if kind[0] != "RESHAPE")


@pytest.mark.nightly
def test_trnet20_without_epochs_has_the_operations_of_mode_int8(
    networks, converted, face_crops, tmp_path
):
    model, path = networks["windows"], tmp_path / "a.tflite"
    expected = model.predict(face_crops, verbose=0)
    same = qat(model, path, Batches(face_crops, expected), epochs=0, name="a preset")
    for now, then in zip(same.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(now, then)
    assert metadata.read(path)["preset"] == "a preset"
    interpreter, kinds = operations(path)
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert source["dtype"] == np.uint8 and source["quantization"] == (1.0, 0)
    assert result["dtype"] == np.float32 and result["shape"].tolist() == [1, 68, 2]
    assert kinds == operations(converted("windows", "int8"))[1]
    found = LiteModel(path).predict(face_crops)
    assert np.sqrt(np.mean((found - expected) ** 2)) < 0.15


def test_a_network_without_batch_normalization_has_the_same_operations(
    tiny, tuned, face_crops, tmp_path
):
    expected = convert(tiny, tmp_path / "a.tflite", "int8", face_crops)
    assert operations(tuned[0])[1] == operations(expected)[1]


def test_fine_tuning_learns_and_the_file_keeps_it(tuned, tiny, batches, face_crops):
    def error(landmarks):
        return np.abs(landmarks - batches.landmarks).mean()

    path, model = tuned
    before = tiny.predict(face_crops, verbose=0)
    assert error(model.predict(face_crops, verbose=0)) < 0.5 * error(before)
    assert error(LiteModel(path).predict(face_crops)) < 0.7 * error(before)
    about = metadata.read(path)
    assert about["mode"] == "int8_qat" and about["input"]["size"] == 32


def test_the_file_computes_what_the_rounding_network_did(tiny, batches, face_crops, tmp_path):
    from keras_fld.lite.tfmot import finetune
    from keras_fld.lite.tfmot import qat as module
    from keras_fld.lite.tfmot.to_tf_keras import to_tf_keras

    library, plain = finetune.tfmot(), to_tf_keras(tiny)
    trained = module.quantized(library, plain)
    module.start_ranges(trained, plain, batches)
    # Calibration would not find these ranges, so they must come from the network.
    ranges = next(x for x in trained.layers if x.name == "quant_relu1")._output_quantizer_vars
    ranges["max_var"].assign(0.5 * ranges["max_var"])
    content = module.file_content(library, tiny, trained)
    content = write(content, describe(tiny, "int8_qat", content))
    (tmp_path / "a.tflite").write_bytes(content)
    found = LiteModel(tmp_path / "a.tflite").predict(face_crops)
    # The first pass sets the ranges of the weights, and changes the others by a thousandth.
    trained(face_crops.astype(np.float32), training=True)
    expected = trained(face_crops.astype(np.float32), training=False).numpy()
    clipped = np.sqrt(np.mean((expected - tiny.predict(face_crops, verbose=0)) ** 2))
    assert np.sqrt(np.mean((found - expected) ** 2)) < min(0.05, 0.2 * clipped)


def test_every_weight_up_to_the_features_is_rounded_in_training(tiny):
    from keras_fld.lite.tfmot import finetune
    from keras_fld.lite.tfmot.qat import quantized
    from keras_fld.lite.tfmot.to_tf_keras import to_tf_keras

    trained = quantized(finetune.tfmot(), to_tf_keras(tiny))
    layers = [layer for layer in trained.layers if hasattr(layer, "layer")]
    kernels = [x for x in layers if type(x.layer).__name__ in ("Conv2D", "Dense")]
    assert len(kernels) == 5
    assert all(len(layer._weight_vars) == 1 for layer in kernels)
    assert "quant_offsets" not in [layer.name for layer in trained.layers]


def test_bad_arguments_are_refused_and_nothing_is_written(tiny, batches, tmp_path):
    data, path = batches, tmp_path / "a.tflite"
    wrong = Batches(np.zeros((4, 64, 64, 3), np.uint8), np.zeros((4, 68, 2)))
    for arguments, rule in (
        ({"data": data, "epochs": -1}, "epochs must be at least 0. Got: -1"),
        ({"data": data, "learning_rate": 0}, "learning_rate must be above 0. Got: 0"),
        ({"data": iter(data)}, "batches with a known length. Got: generator"),
        ({"data": wrong}, r"shape \(32, 32, 3\).*Got: \(64, 64, 3\)"),
        ({"data": data, "loss": "huber"}, "loss must be one of"),
    ):
        with pytest.raises(ValueError, match=rule):
            qat(tiny, path, **arguments)
    assert not list(tmp_path.iterdir())


def test_a_loss_that_is_not_finite_writes_nothing(tiny, batches, tmp_path):
    with pytest.raises(ValueError, match="the loss must stay finite"):
        qat(tiny, tmp_path / "a.tflite", batches, epochs=2, learning_rate=1e30, verbose=0)
    assert not list(tmp_path.iterdir())


def test_convert_refers_to_the_qat_command(small_model, tmp_path):
    with pytest.raises(ValueError, match="int8_qat needs training: use keras-fld qat"):
        convert(small_model, tmp_path / "a.tflite", "int8_qat")


def test_the_rest_of_the_process_keeps_its_keras():
    from keras_fld.lite.tfmot import finetune

    finetune.tfmot()
    import tensorflow as tf

    assert tf.keras.version().startswith("3.")
    assert "TF_USE_LEGACY_KERAS" not in os.environ


def test_the_command_runs_under_any_backend(tiny, tree, tmp_path):
    tiny.save(tmp_path / "model.keras")
    out, report = tmp_path / "face.tflite", tmp_path / "qat.json"
    arguments = ("--out", out, "--root", tree, "--epochs", 0, "--report", report)
    result = command("qat", tmp_path / "model.keras", *arguments)
    assert result.returncode == 0, result.stderr
    assert f"wrote {out}: {out.stat().st_size:,} bytes" in result.stdout
    found = read_json(report)
    assert [row["name"] for row in found["models"]] == ["Keras", "int8", "int8_qat"]
    for row in found["models"]:
        assert f"{row['nme']['common']:.3f}" in result.stdout
    assert found["settings"]["epochs"] == 0


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["trnet20_300w", "--out", "face.onnx"], "--out must end in .tflite"),
        (["absent.keras", "--out", "face.tflite"], "absent.keras: no such model file"),
        (["trnet20_300w", "--out", "face.tflite", "--epochs", "-1"], "epochs must be at least 0"),
        (["trnet20_300w", "--out", "face.tflite"], "needs its folder as root"),
    ],
)
def test_the_command_refuses_wrong_input_before_it_trains(arguments, rule, tmp_path, monkeypatch):
    from click.testing import CliRunner

    from keras_fld.cli.compress import qat as command

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")  # set by the command for its process
    result = CliRunner().invoke(command, arguments)
    assert rule in str(result.exception)
    assert isinstance(result.exception, ValueError) and not list(tmp_path.iterdir())


@pytest.mark.nightly
def test_export_trains_it_among_the_other_modes(tiny, tree, face_crops, tmp_path):
    tiny.save(tmp_path / "model.keras")
    arguments = ("--out", tmp_path / "out", "--all", "--root", tree, "--json")
    result = command("export", tmp_path / "model.keras", *arguments)
    assert result.returncode == 0, result.stderr
    rows = {row["mode"]: row for row in json.loads(result.stdout)["files"]}
    assert list(rows) == list(modes.NAMES)
    path = tmp_path / "out" / rows["int8_qat"]["file"]
    assert metadata.read(path)["mode"] == "int8_qat" and rows["int8_qat"]["nme"]["common"] > 0
    # Same operations, but trained weights.
    assert operations(path)[1] == operations(path.with_name(rows["int8"]["file"]))[1]
    off = LiteModel(path).predict(face_crops) - tiny.predict(face_crops, verbose=0)
    assert np.sqrt(np.mean(off**2)) < 0.5


@pytest.mark.parametrize(
    ("dataset", "missing", "reason"),
    [
        (None, False, "training needs a dataset (--root)"),
        ("300w", True, 'training needs pip install "keras-fld[tensorflow,compress]"'),
    ],
)
def test_export_of_all_modes_omits_it_if_it_cannot_be_trained(
    dataset, missing, reason, monkeypatch, capsys
):
    # The package has the command under the name of its module.
    module = importlib.import_module("keras_fld.cli.export")
    if missing:
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert not module._trains((), dataset)
    assert f"note: int8_qat is skipped: {reason}" in capsys.readouterr().err
    with pytest.raises(ValueError, match=f"mode int8_qat is not available: {re.escape(reason)}"):
        module._trains(("int8_qat",), dataset)
    assert not module._trains(("int8",), dataset) and not capsys.readouterr().err


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "keras_fld", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
