import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from keras_fld.lite import LiteModel, conversion, convert, metadata


@pytest.fixture(scope="module")
def files(small_model, face_crops, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lite")
    return {
        mode: convert(small_model, folder / f"{mode}.tflite", mode, face_crops)
        for mode in conversion.MODES
    }


def _open(path):
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    names = [op["op_name"] for op in interpreter._get_ops_details() if op["op_name"] != "DELEGATE"]
    return interpreter, names


@pytest.mark.parametrize("mode", conversion.MODES)
def test_camera_bytes_go_in_and_landmarks_come_out(files, mode):
    interpreter, names = _open(files[mode])
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert source["dtype"] == np.uint8 and source["shape"].tolist() == [1, 32, 32, 3]
    assert result["dtype"] == np.float32 and result["shape"].tolist() == [1, 68, 2]
    if mode == "int8":
        assert source["quantization"] == (1.0, 0), "bytes must go in as bytes"
    # 19 convolutions and 4 projections with BatchNorm folded in; no scaling is left.
    assert names.count("CONV_2D") == 23 and names.count("ADD") == 8
    assert names.count("FULLY_CONNECTED") == 1 and "MUL" not in names and "SUB" not in names
    assert not any(name.startswith("Flex") for name in names)


def test_int8_keeps_only_the_last_dense_in_float(files):
    _, names = _open(files["int8"])
    assert names[0] == "QUANTIZE" and names.count("QUANTIZE") == 1
    assert names[-3:] == ["DEQUANTIZE", "FULLY_CONNECTED", "RESHAPE"]


@pytest.mark.parametrize(("mode", "tolerance"), [("float32", 1e-3), ("int8", 0.35)])
def test_a_file_predicts_what_the_keras_model_does(small_model, face_crops, files, mode, tolerance):
    expected = small_model.predict(face_crops, verbose=0)
    found = LiteModel(files[mode]).predict(face_crops)
    spread = np.abs(expected - expected.mean(axis=0)).max()
    assert spread > 0.5, "the crops must not all give one shape, or nothing is tested"
    assert np.sqrt(np.mean((found - expected) ** 2)) < tolerance


def test_int8_is_a_quarter_of_float32(files):
    assert files["int8"].stat().st_size < 0.32 * files["float32"].stat().st_size


def test_the_file_carries_its_frame_and_scheme(files, small_model):
    from keras_fld import models

    lite = LiteModel(files["int8"])
    assert lite.frame == models.frame_of(small_model)
    assert lite.scheme.name == "ibug68" and lite.num_landmarks == 68
    assert metadata.read(files["float32"].read_bytes())["mode"] == "float32"


@pytest.mark.parametrize("mode", conversion.MODES)
def test_calibration_takes_arrays_and_datasets_alike(small_model, face_crops, mode):
    from keras_fld.models import frame_of

    batches = [(face_crops[:5], None), (face_crops[5:], None)]
    array = conversion._calibration_crops(face_crops, frame_of(small_model))
    dataset = conversion._calibration_crops(batches, frame_of(small_model))
    np.testing.assert_array_equal(array, dataset)
    assert array.min() == 0 and array.max() == 255


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"mode": "int4"}, "mode must be one of float32, int8. Got: 'int4'"),
        ({"calibration": None}, "int8 needs calibration crops"),
        ({"calibration": np.zeros((0, 32, 32, 3))}, "at least one crop"),
        ({"calibration": np.zeros((2, 64, 64, 3))}, r"shape \(32, 32, 3\). Got: \(2, 64, 64, 3\)"),
    ],
)
def test_bad_arguments_are_refused_and_nothing_is_written(small_model, tmp_path, arguments, rule):
    with pytest.raises(ValueError, match=rule):
        convert(small_model, tmp_path / "a.tflite", **arguments)
    assert not list(tmp_path.iterdir())


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


def test_a_model_that_is_not_of_the_package_is_refused(tmp_path):
    import keras

    other = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(name="flat")])
    with pytest.raises(ValueError, match="must end in a keras_fld ShapeOffset layer. Got: Flatten"):
        convert(other, tmp_path / "a.tflite", "float32")
