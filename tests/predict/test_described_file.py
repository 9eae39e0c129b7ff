"""Model files of other tools, with a description."""

import json
import pickle
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from click.testing import CliRunner

from keras_fld import evaluate, zoo
from keras_fld.cli import cli
from keras_fld.lite import benchmark, parity
from keras_fld.predict import description
from keras_fld.predict.described_file import DescribedFile, open_file
from keras_fld.predict.landmarker import FaceLandmarker
from keras_fld.predict.lite_model import LiteModel

tf = pytest.importorskip("tensorflow")
import keras  # noqa: E402

from keras_fld import models  # noqa: E402
from keras_fld.geometry.frame import FaceCrop  # noqa: E402

SIZE = 32
ABOUT = {
    "keras_fld": 1,
    "input": {"size": SIZE, "margin": 1.3, "color": "RGB", "range": "0..1"},
    "output": {"units": "fraction"},
    "scheme": "ibug68",
}


def plain(shape=(68, 2), second=False):
    keras.utils.set_random_seed(3)
    image = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, activation="relu")(image)
    x = keras.layers.Flatten()(x)
    points = keras.layers.Dense(136, activation="sigmoid")(x)
    points = keras.layers.Reshape(shape)(points) if shape else points
    other = [keras.layers.Dense(1)(x)] if second else []
    return keras.Model(image, [points, *other] if second else points)


def converted(model, path, integers=False):
    """The output of TensorFlow's converter, without metadata."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if integers:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        draw = np.random.default_rng(0)
        converter.representative_dataset = lambda: (
            [draw.uniform(0, 1, (1, SIZE, SIZE, 3)).astype(np.float32)] for _ in range(20)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    path.write_bytes(converter.convert())
    return path


def describe(path, **changes):
    about = {**ABOUT, **changes}
    path.with_suffix(".json").write_text(json.dumps(about), "utf-8")
    return path


@pytest.fixture(scope="module")
def crops():
    return np.random.default_rng(1).integers(0, 256, (4, SIZE, SIZE, 3), np.uint8)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """The model, and its file with a description."""
    model = plain()
    return model, describe(converted(model, tmp_path_factory.mktemp("foreign") / "face.tflite"))


def test_a_file_from_elsewhere_gives_pixels(foreign, crops):
    model, path = foreign
    found = DescribedFile(path)
    assert (found.frame, found.scheme.name) == (FaceCrop(SIZE, 1.3), "ibug68")
    expected = model.predict(crops / np.float32(255), verbose=0) * SIZE
    np.testing.assert_allclose(found.predict(crops), expected, atol=1e-3)
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.predict(crops), found.predict(crops))
    assert isinstance(open_file(zoo.lite_file("trnet20_300w")), LiteModel), "its own words first"


def test_threads_get_what_one_gets(foreign, crops):
    found = DescribedFile(foreign[1])
    expected = found.predict(crops)
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: found.predict(crops), range(40)):
            np.testing.assert_array_equal(result, expected)


def test_crops_are_those_of_every_model(foreign, crops):
    """Fractions used to become crops of zeros without an error."""
    found = DescribedFile(foreign[1])
    with pytest.raises(ValueError, match="0 to 255"):
        found.predict(crops / 255)
    with pytest.raises(ValueError, match="crops must be an array of"):
        found.predict(crops[0])
    assert found.predict([]).shape == (0, 68, 2)


def test_a_pickle_of_changed_files_is_refused(foreign, tmp_path):
    path = tmp_path / "moved.tflite"
    path.write_bytes(foreign[1].read_bytes())
    describe(path)
    pickled = pickle.dumps(DescribedFile(path))
    describe(path, input={"size": SIZE, "margin": 1.5, "color": "RGB", "range": "0..1"})
    with pytest.raises(ValueError, match="must be the one from which the pickled model was opened"):
        pickle.loads(pickled)


@pytest.mark.parametrize(
    ("changes", "channels"),
    [
        ({"range": [0.004, -0.1], "color": "BGR"}, "BGR"),
        ({"range": [[0.004, 0.003, 0.002], [0, 0.1, 0.2]]}, "RGB"),
        ({"range": "-1..1"}, "RGB"),
        ({"range": "0..255"}, "RGB"),
    ],
)
def test_ranges_and_colors(foreign, crops, tmp_path, changes, channels):
    model, path = foreign
    path = shutil.copy(path, tmp_path / "face.tflite")
    describe(path, input={**ABOUT["input"], **changes}, output={"units": 10})
    scale, offset = {"-1..1": (1 / 127.5, -1), "0..255": (1, 0)}.get(
        changes["range"] if isinstance(changes["range"], str) else "", changes["range"]
    )
    seen = crops[..., ::-1] if channels == "BGR" else crops
    given = seen * np.float32(scale) + np.float32(offset)
    expected = model.predict(given.astype(np.float32), verbose=0) * 10
    np.testing.assert_allclose(DescribedFile(path).predict(crops), expected, atol=1e-3)


def test_integers_are_scaled_as_the_file_says(foreign, crops, tmp_path):
    model, _ = foreign
    path = describe(converted(model, tmp_path / "int8.tflite", integers=True))
    expected = model.predict(crops / np.float32(255), verbose=0) * SIZE
    assert np.abs(DescribedFile(path).predict(crops) - expected).mean() < 0.3


def test_two_outputs_need_an_index(crops, tmp_path):
    model = plain(shape=None, second=True)
    path = describe(converted(model, tmp_path / "two.tflite"))
    with pytest.raises(ValueError, match="output.index, because the file has 2 outputs, of"):
        DescribedFile(path)
    expected = model.predict(crops / np.float32(255), verbose=0)[0].reshape(-1, 68, 2) * SIZE
    found = []
    for index in (0, 1):
        try:
            describe(path, output={"units": "fraction", "index": index})
            found.append(DescribedFile(path).predict(crops))
        except ValueError as error:
            assert re.search(r"the output must have shape .* Got: \(1, 1\)", str(error))
    (found,) = found
    np.testing.assert_allclose(found, expected, atol=1e-3)
    describe(path, output={"units": "fraction", "index": 2})
    with pytest.raises(
        ValueError, match="output.index must be below 2, the number of outputs. Got: 2"
    ):
        DescribedFile(path)


def test_everything_takes_a_described_file(foreign, tree, tmp_path):
    model, path = foreign
    reference = models.describe(model, FaceCrop(SIZE, 1.3), "ibug68", "fraction", "0..1")
    reference.save(tmp_path / "model.keras")
    assert parity(path, reference, "300w", tree).summary["max"] < 0.01
    assert evaluate(path, "300w", tree).nme("common") > 0
    faces = FaceLandmarker(path, score=None).detect(
        np.zeros((64, 64, 3), np.uint8), [[10, 10, 40, 40]]
    )
    assert faces[0].landmarks.shape == (68, 2)
    assert benchmark([path], runs=2).rows[0]["p50_ms"] > 0


def test_any_file_is_benchmarked(foreign, tmp_path):
    """Without a description, with two outputs, or a face score."""
    bare = shutil.copy(foreign[1], tmp_path / "bare.tflite")
    two = converted(plain(second=True), tmp_path / "two.tflite")
    names = [row["model"] for row in benchmark([bare, two, zoo.score_file()], runs=2).rows]
    assert names == ["bare.tflite", "two.tflite", zoo.score_file().name]
    (tmp_path / "bad.tflite").write_bytes(b"1234TFL3 and nothing else")
    with pytest.raises(ValueError, match=r"bad.tflite: LiteRT cannot run the TFLite model \("):
        benchmark([tmp_path / "bad.tflite"])
    with pytest.raises(ValueError, match="not a TFLite model"):
        (tmp_path / "bad.tflite").write_bytes(b"nothing")
        benchmark([tmp_path / "bad.tflite"])


def test_a_file_that_nothing_describes_says_what_to_do(foreign, tmp_path):
    bare = shutil.copy(foreign[1], tmp_path / "bare.tflite")
    rule = "no keras_fld metadata. Convert it with .*, or describe it in a file bare.json"
    with pytest.raises(ValueError, match=rule):
        FaceLandmarker(bare)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"keras_fld": 2}, "keras_fld must be the number 1. Got: 2"),
        ({"license": "MIT"}, "can only have keras_fld, input, output, scheme. Got: 'license'"),
        ({"input": None}, "input must be a JSON object. Got: None"),
        ({"input": {**ABOUT["input"], "dtype": 1}}, "input can only have size, .* Got: 'dtype'"),
        ({"input": {**ABOUT["input"], "size": 32.0}}, "input.size must be a whole number"),
        ({"input": {**ABOUT["input"], "size": 64}}, r"input must have shape \(1, 64, 64, 3\)"),
        ({"input": {**ABOUT["input"], "margin": 0}}, "input.margin must be a number above 0"),
        (
            {"input": {**ABOUT["input"], "color": "rgb"}},
            "input.color must be RGB or BGR. Got: 'rgb'",
        ),
        ({"input": {**ABOUT["input"], "color": []}}, r"input.color must be RGB or BGR. Got: \[\]"),
        ({"input": {**ABOUT["input"], "range": [1]}}, "input.range must be one of 0..255, 0..1"),
        ({"input": {**ABOUT["input"], "range": [1, "a"]}}, "input.range must be one of"),
        ({"input": {**ABOUT["input"], "range": [1, [1, 2]]}}, "input.range must be one of"),
        ({"input": {"size": 32, "margin": 1, "color": "RGB"}}, "input.range .* Got: nothing"),
        ({"output": {"units": "px"}}, "output.units must be pixels, fraction or a number"),
        ({"output": {"units": 0}}, "output.units must be pixels, fraction or a number"),
        ({"output": {"units": 1, "index": -1}}, "index must be a whole number of at least 0"),
        ({"scheme": "none"}, "scheme must be one of ibug68"),
        ({"scheme": 68}, "scheme must be a name, a scheme or null. Got: 68"),
        ({"scheme": "wflw98"}, "must predict the 98 landmarks of wflw98, .* Got: 68"),
    ],
)
def test_a_bad_description_is_named(foreign, tmp_path, changes, rule):
    path = describe(shutil.copy(foreign[1], tmp_path / "face.tflite"), **changes)
    with pytest.raises(ValueError, match=rule) as error:
        DescribedFile(path)
    assert str(error.value).startswith(str(tmp_path)) and "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"keras_fld": NaN}'])
def test_a_description_that_is_no_json_object_is_named(tmp_path, text):
    (tmp_path / "face.json").write_text(text)
    with pytest.raises(ValueError, match=r"face.json"):
        description.read(tmp_path / "face.json")


def command(*arguments):
    return CliRunner().invoke(cli, [str(x) for x in arguments])


def test_parity_fails_beyond_the_limit(foreign, tree, tmp_path):
    model, path = foreign
    models.describe(model, FaceCrop(SIZE, 1.3), "ibug68", "fraction", "0..1").save(
        tmp_path / "model.keras"
    )
    worse = shutil.copy(path, tmp_path / "face.tflite")
    describe(worse, output={"units": SIZE + 1})
    arguments = (worse, "--reference", tmp_path / "model.keras", "--root", tree)
    arguments += ("--out", tmp_path / "out")
    passes = command("parity", *arguments, "--max-px", 30)
    assert passes.exit_code == 0, passes.output
    fails = command("parity", *arguments, "--max-px", 0.1)
    assert fails.exit_code == 1
    last = fails.stderr.splitlines()[-1]
    assert re.match(r"Error: the mean distance must be at most 0.1 px. Got: all \d", last)
    assert re.search(r", common \d", last)
    assert "pixels" in fails.stdout.splitlines()[0]
    rows = json.loads((tmp_path / "out" / "parity.json").read_text())["rows"]
    assert all(0.1 < row["pixels"] < 30 for row in rows)
    as_json = command("parity", *arguments, "--max-px", 0.1, "--json")
    assert as_json.exit_code == 1 and json.loads(as_json.stdout)["rows"] == rows
    assert command("parity", *arguments, "--max-px", 0).exit_code == 2


def test_a_reference_must_be_a_keras_model(foreign, tree, tmp_path):
    _, path = foreign
    rule = r"reference must be the Keras model .* was converted from. Got: .*face.tflite"
    with pytest.raises(ValueError, match=rule):
        parity(path, path, "300w", tree)
