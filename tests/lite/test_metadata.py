import contextlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import flatbuffers
import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from keras_fld import models, zoo
from keras_fld.lite import convert
from keras_fld.lite.flatbuffer import add_buffer
from keras_fld.lite.metadata import write
from keras_fld.predict import metadata
from keras_fld.predict.lite_model import LiteModel
from tests.eager import eager

PRESET = "trnet20_300w"
MANUAL = Path(__file__).parents[2] / "docs" / "guides" / "app.md"


def test_the_file_describes_its_crop_and_landmarks(files, small_model):
    about = metadata.read(files["int8"])
    assert about == metadata.read(files["int8"].read_bytes())
    frame, scheme = models.frame_of(small_model), models.scheme_of(small_model)
    assert about["mode"] == "int8" and about["preset"] is None and about["version"]
    assert about["scheme"] == "ibug68"
    assert about["names"] == list(scheme.landmark_names) and about["mirror"][36] == 45
    assert about["regions"]["contour"] == list(range(17))
    assert about["normalizers"]["inter_ocular"] == [[36], [45]]
    assert len(about["lines"]) == len(scheme.lines)
    assert about["input"]["size"] == 32 and about["input"]["margin"] == frame.margin
    np.testing.assert_allclose(
        about["mean_shape"], frame.shape_pixels(scheme.mean_shape), atol=0.006
    )
    lite = LiteModel(files["int8"])
    assert (lite.frame, lite.scheme, lite.num_landmarks) == (frame, scheme, 68)


@pytest.mark.parametrize(
    ("mode", "source", "result"),
    [
        ("float32", ("uint8", 1, 0), ("float32", 1, 0)),
        ("int8", ("uint8", 1, 0), ("float32", 1, 0)),
        ("int8_full", ("int8", 1, -128), ("int8", None, None)),
    ],
)
def test_numbers_mean_what_the_metadata_says(files, face_crops, mode, source, result):
    about, lite = metadata.read(files[mode]), LiteModel(files[mode])
    entry, end = about["input"], about["output"]
    assert (entry["dtype"], entry["scale"], entry["zero_point"]) == source
    assert end["dtype"] == result[0]
    with lite._interpreters.borrow() as interpreter:
        raw = _raw(interpreter, entry, face_crops[:1])
    pixels = end["scale"] * (raw.astype(float) - end["zero_point"])
    np.testing.assert_allclose(pixels, lite.predict(face_crops[:1]), atol=1e-4)
    assert 0 < pixels.mean() < 32


def test_input_and_output_have_names(files):
    from ai_edge_litert.interpreter import Interpreter

    signatures = Interpreter(str(files["int8"])).get_signature_list()
    assert signatures == {"serving_default": {"inputs": ["image"], "outputs": ["landmarks"]}}


def standard(content):
    """Fields of TFLite's ModelMetadata, read as metadata_schema.fbs numbers them."""
    model = schema.ModelT.InitFromPackedBuf(content)
    (entry,) = (entry for entry in model.metadata if entry.name == b"TFLITE_METADATA")
    data = bytes(model.buffers[entry.buffer].data)
    assert data[4:8] == b"M001"
    table = flatbuffers.table.Table(data, int.from_bytes(data[:4], "little"))
    places = {"name": 4, "author": 12, "license": 14, "min_parser_version": 18}
    offsets = {name: table.Offset(place) for name, place in places.items()}
    return {name: table.String(table.Pos + at).decode() for name, at in offsets.items() if at}


def test_a_file_states_its_license_where_it_is_known(files, small_model, tmp_path):
    assert (
        "license" not in metadata.read(files["int8"]) and LiteModel(files["int8"]).license is None
    )
    assert b"TFLITE_METADATA" not in files["int8"].read_bytes()
    path, crops = tmp_path / "a.tflite", None
    for options, license, title in (
        ({"license": "CC-BY-4.0"}, "CC-BY-4.0", {}),
        ({"license": "CC-BY-4.0", "name": "mine"}, "CC-BY-4.0", {"name": "mine"}),
        ({"name": PRESET}, zoo.about(PRESET).license, {"name": PRESET}),
    ):
        convert(small_model, path, "float32", crops, **options)
        assert metadata.read(path)["license"] == LiteModel(path).license == license
        about = {**title, "license": license, "min_parser_version": "1.0.0"}
        assert standard(path.read_bytes()) == about
    np.testing.assert_array_equal(
        LiteModel(path).predict(np.zeros((1, 32, 32, 3), np.uint8)),
        LiteModel(files["float32"]).predict(np.zeros((1, 32, 32, 3), np.uint8)),
    )


def test_what_is_made_of_a_preset_has_its_license(tmp_path):
    model, license = models.load_model(PRESET), zoo.about(PRESET).license
    assert model.license == license
    convert(model, tmp_path / "a.tflite", "dynamic")
    assert metadata.read(tmp_path / "a.tflite")["license"] == license
    model.save(tmp_path / "a.keras")
    assert not hasattr(models.load_model(tmp_path / "a.keras"), "license")


def test_a_refined_model_has_the_license_of_the_model(small_model, tmp_path):
    rng = np.random.default_rng(0)
    data = rng.integers(0, 256, (2, 32, 32, 3)), rng.uniform(0, 32, (2, 68, 2))
    model = keras.models.clone_model(small_model)
    model.license = "CC-BY-4.0"
    with eager():
        refined = models.refine(model, data, rounds=1, verbose=0)
    convert(refined, tmp_path / "a.tflite", "float32")
    assert metadata.read(tmp_path / "a.tflite")["license"] == "CC-BY-4.0"


@pytest.mark.parametrize("name", zoo.names())
def test_the_shipped_files_have_the_license_of_the_zoo(name):
    about = metadata.read(zoo.lite_file(name))
    # The oldest files do not state it.
    assert about.pop("license", None) in (None, zoo.about(name).license)
    assert metadata.license_of(about) == LiteModel(zoo.lite_file(name)).license
    assert metadata.license_of(about) == zoo.about(name).license
    assert metadata.license_of({**about, "preset": "another"}) is None
    assert metadata.license_of({**about, "license": "MIT"}) == "MIT"
    for file in (zoo.lite_file(name), zoo.keras_file(name)):
        assert zoo.license_of_file(file) == zoo.about(name).license
    assert zoo.license_of_file(Path(zoo.keras_file(name).name)) is None


def _raw(interpreter, entry, crops):
    """The interpreter's output for crops, scaled as given by the metadata."""
    numbers = crops / entry["scale"] + entry["zero_point"]
    index = interpreter.get_input_details()[0]["index"]
    interpreter.set_tensor(index, numbers.astype(entry["dtype"]))
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def _with(files, about):
    """The content of the file with changed metadata."""
    return write(_without(files), about)


def _without(files):
    return files["float32"].read_bytes().replace(b"keras_fld", b"another_x")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"mode": None}, "mode must be a string. Got: None"),
        ({"license": 0}, "license must be a string or null. Got: 0"),
        ({"scheme": 68}, "scheme must be a scheme's name, its description or null. Got: 68"),
        ({"input": []}, r"input must be an object. Got: \[\]"),
        (
            {"input": {"margin": 1.1}},
            "input.size must be a whole .* Got: nothing",
        ),
        ({"input": {"size": True, "margin": 1.1}}, "input.size .* Got: True"),
        ({"input": {"size": 0, "margin": 1.1}}, "input.size .* Got: 0"),
        ({"input": {"size": 64, "margin": -1}}, "input.margin must be a number above 0. Got: -1"),
        ({"input": {"size": 64, "margin": float("nan")}}, "input.margin .* Got: nan"),
        ({"box_in_face": 1}, "box_in_face must be four numbers: .* above 0. Got: 1"),
        ({"box_in_face": [0, 0, 1]}, r"box_in_face .* Got: \[0, 0, 1\]"),
        ({"box_in_face": [0, 0, 1, 0]}, r"box_in_face .* Got: \[0, 0, 1, 0\]"),
        ({"box_in_face": [0, 0, 1, True]}, r"box_in_face .* Got: \[0, 0, 1, True\]"),
        ({"box_in_face": [0, float("inf"), 1, 1]}, r"box_in_face .* Got: \[0, inf, 1, 1\]"),
    ],
)
def test_damaged_metadata_is_refused(files, tmp_path, change, rule):
    good = metadata.read(files["float32"])
    content = _with(files, {**good, **change})
    with pytest.raises(ValueError, match=f"the metadata is damaged: {rule}"):
        metadata.read(content)
    path = tmp_path / "a.tflite"
    path.write_bytes(content)
    for read in (metadata.read, LiteModel):
        with pytest.raises(ValueError, match="a.tflite: the metadata is damaged"):
            read(path)


def test_metadata_that_is_no_object_is_refused(files):
    with pytest.raises(ValueError, match=r"damaged: it must be a JSON object. Got: \[1\]"):
        metadata.read(add_buffer(_without(files), metadata.NAME, b"[1]"))


def test_any_cut_of_a_file_is_refused_or_read_whole(files):
    content = files["int8"].read_bytes()
    whole = metadata.read(content)
    for length in np.linspace(0, len(content) - 1, 400, dtype=int):
        with contextlib.suppress(ValueError):
            assert metadata.read(content[:length]) in (whole, None)


def test_a_browser_reads_it_as_the_manual_shows(files, tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js: apt install nodejs")
    (code,) = re.findall(r"```js\n(.*?)```", MANUAL.read_text("utf-8"), re.S)
    script = tmp_path / "read.js"
    script.write_text(
        f"{code}\nconst file = require('fs').readFileSync(process.argv[2]);\n"
        "const bytes = new Uint8Array(file).buffer;\n"
        "console.log(JSON.stringify(readMetadata(bytes)));\n"
    )
    for mode in ("int8", "float16"):
        result = subprocess.run(
            [node, str(script), str(files[mode])], capture_output=True, text=True, check=True
        )
        assert json.loads(result.stdout) == metadata.read(files[mode])
