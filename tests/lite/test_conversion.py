import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_fld._internal import extras
from keras_fld.lite import calibration, conversion, convert
from keras_fld.predict import metadata
from keras_fld.predict.lite_model import LiteModel
from tests.tiny import tiny


def test_calibration_takes_arrays_and_datasets_alike(small_model, face_crops):
    from keras_fld.models import frame_of

    batches = [(face_crops[:5], None), (face_crops[5:], None)]
    array = calibration.calibration_crops(face_crops, frame_of(small_model), "int8")
    dataset = calibration.calibration_crops(batches, frame_of(small_model), "int8")
    np.testing.assert_array_equal(array, dataset)
    assert array.min() == 0 and array.max() == 255


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (
            {"mode": "int4"},
            "mode must be one of float32, float16, dynamic, int8, int8_full. Got: 'int4'",
        ),
        ({"calibration": None}, "int8 needs calibration crops"),
        ({"mode": "int8_full", "calibration": None}, "int8_full needs calibration crops"),
        ({"calibration": np.zeros((0, 32, 32, 3))}, "at least one crop"),
        (
            {"calibration": np.full((2, 32, 32, 3), [0, 9, 200])},
            "crops of faces, .*Got: 2 of a single color each",
        ),
        ({"calibration": np.zeros((1, 32, 32, 3))}, "Got: 1 of a single color each"),
        (
            {"mode": "int8_full", "calibration": np.full((3, 32, 32, 3), 255.0)},
            "Got: 3 of a single color each",
        ),
        ({"calibration": np.eye(32)[None, ..., None] * np.ones(3)}, "0 to 255; multiply by 255"),
        ({"calibration": np.zeros((2, 64, 64, 3))}, r"shape \(32, 32, 3\). Got: \(2, 64, 64, 3\)"),
    ],
)
def test_bad_arguments_are_refused_and_nothing_is_written(small_model, tmp_path, arguments, rule):
    with pytest.raises(ValueError, match=rule):
        convert(small_model, tmp_path / "a.tflite", **arguments)
    assert not list(tmp_path.iterdir())


def test_a_model_that_predicts_the_same_for_every_face_is_told(small_model, tmp_path, recwarn):
    import keras

    constant = keras.models.clone_model(small_model)
    for weight in constant.layers[-2].weights:
        weight.assign(np.zeros(weight.shape))
    convert(small_model, tmp_path / "a.tflite", "float32")
    assert not [w for w in recwarn if "the same landmarks" in str(w.message)]
    with pytest.warns(UserWarning, match="the same landmarks for 16 different crops .*checked"):
        convert(constant, tmp_path / "b.tflite", "float32")


def test_one_crop_calibrates(small_model, face_crops, tmp_path):
    path = convert(small_model, tmp_path / "a.tflite", "int8", face_crops[:1])
    found, expected = LiteModel(path).predict(face_crops), small_model(face_crops)
    assert np.median(np.linalg.norm(found - np.asarray(expected), axis=-1)) < 0.5


@pytest.mark.parametrize("mode", ["int8", "int8_full"])
def test_a_layer_without_a_range_is_named(face_crops, tmp_path, mode):
    """XNNPACK does not run operations whose output has a scale of nearly zero."""
    model = tiny(68, 32, scheme="ibug68")
    model.get_layer("bn").set_weights([np.full(4, x) for x in (1.0, -99.0, 0.0, 1.0)])
    with pytest.raises(ValueError, match=f"a {mode} file must run in LiteRT. Got: .*'relu'") as e:
        convert(model, tmp_path / "a.tflite", mode, face_crops)
    assert "is always 0: train the model, or convert to float16" in str(e.value)
    assert not list(tmp_path.iterdir())
    with pytest.warns(UserWarning, match="the same landmarks"):
        convert(model, tmp_path / "a.tflite", "float16")


def test_a_model_that_is_not_of_the_package_is_refused(tmp_path):
    other = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(name="flat")])
    with pytest.raises(ValueError, match="must end in a keras_fld ShapeOffset layer. Got: Flatten"):
        convert(other, tmp_path / "a.tflite", "float32")


def test_damaged_and_foreign_files_are_named(files, tmp_path):
    path = tmp_path / "a.tflite"
    with pytest.raises(ValueError, match="No such file"):
        LiteModel(path)
    content = files["int8"].read_bytes()
    for damaged, rule in (
        (b"", "not a TFLite model"),
        (b"hello world", "not a TFLite model"),
        (content[:20], "damaged|no keras_fld metadata"),
        (content.replace(b"keras_fld", b"another_x"), "no keras_fld metadata"),
        (content.replace(b'"size"', b'"sise"'), "damaged"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=rule) as error:
            LiteModel(path)
        assert str(path) in str(error.value)


ELSEWHERE = """
import sys, numpy as np
from keras_fld import lite, models
model = models.load_model(sys.argv[1])
lite.convert(model, sys.argv[2], "int8", np.load(sys.argv[3]), name="a preset")
"""


def test_a_process_of_tensorflow_gives_the_same_file(
    small_model, face_crops, converted, tmp_path, monkeypatch
):
    """What another backend does; the next test uses the backends themselves."""
    expected = converted("windows", "int8")
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    path = convert(small_model, tmp_path / "face.tflite", "int8", face_crops, name="a preset")
    same_file(path, expected, face_crops)


def same_file(path, expected, face_crops):
    found = LiteModel(path).predict(face_crops)
    np.testing.assert_allclose(found, LiteModel(expected).predict(face_crops), atol=1e-4)
    assert metadata.read(path)["preset"] == "a preset"


@pytest.mark.nightly
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_another_backend_gets_the_same_file(small_model, face_crops, files, tmp_path, backend):
    pytest.importorskip(backend)
    small_model.save(tmp_path / "model.keras")
    np.save(tmp_path / "crops.npy", face_crops)
    names = ("model.keras", "face.tflite", "crops.npy")
    result = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, *(str(tmp_path / name) for name in names)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert result.returncode == 0, result.stderr
    same_file(tmp_path / "face.tflite", files["int8"], face_crops)


def test_a_missing_tensorflow_is_named(small_model, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(
        ImportError, match="Conversion, .* needs TensorFlow: pip install .keras-fld.tensorflow"
    ):
        convert(small_model, tmp_path / "face.tflite", "float32")
    assert not list(tmp_path.iterdir())


def test_a_failed_conversion_in_another_process_gives_the_reason(
    small_model, tmp_path, monkeypatch
):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    monkeypatch.setattr(conversion.sys, "executable", "/bin/false")
    with pytest.raises(ValueError, match="the process that converts the model failed: exit status"):
        convert(small_model, tmp_path / "face.tflite", "float32")
    assert not list(tmp_path.iterdir())
