import contextlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from keras_fld import models
from keras_fld.lite.metadata import write
from keras_fld.predict import metadata
from keras_fld.predict.lite_model import LiteModel

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


def _raw(interpreter, entry, crops):
    """What the interpreter gives for crops in the numbers that the metadata says."""
    numbers = crops / entry["scale"] + entry["zero_point"]
    index = interpreter.get_input_details()[0]["index"]
    interpreter.set_tensor(index, numbers.astype(entry["dtype"]))
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def _with(files, about):
    """The file's content with other metadata of its own."""
    plain = files["float32"].read_bytes().replace(b"keras_fld", b"another_x")
    return write(plain, about)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"mode": None}, "mode must be a string. Got: None"),
        ({"scheme": 68}, "scheme must be a scheme's name, its description or null. Got: 68"),
        ({"input": []}, r"input must be an object. Got: \[\]"),
        ({"input": {"margin": 1.1}}, "size must be a whole number of at least 1. Got: nothing"),
        ({"input": {"size": True, "margin": 1.1}}, "input.size .* Got: True"),
        ({"input": {"size": 0, "margin": 1.1}}, "input.size .* Got: 0"),
        ({"input": {"size": 64, "margin": -1}}, "input.margin must be a number above 0. Got: -1"),
        ({"input": {"size": 64, "margin": float("nan")}}, "input.margin .* Got: nan"),
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
        metadata.read(_with(files, [1]))


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
