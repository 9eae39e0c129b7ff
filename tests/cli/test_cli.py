"""The command line as users see it: its output and its exit code.

TensorFlow takes seconds to load, so commands run in this process where a process is not the point.
"""

import json
import os
import runpy
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from keras_fld.cli import cli
from keras_fld.data import synthetic
from keras_fld.geometry.frame import landmark_box
from tests.cli import calls
from tests.cli.calls import run
from tests.eager import eager
from tests.interrupts import heed_interrupts

pytest.importorskip("tensorflow")

SMALL = ["--batch-size", "8", "--network", "cnn6", "--quiet"]
FAST = ["--epochs", "1", *SMALL]


def process(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "keras_fld", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


def fails(result, *words):
    """Checks for exit code 2 and a single error line with the given words."""
    (line,) = [x for x in result.stderr.splitlines() if x.startswith("Error: ")]
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    for word in words:
        assert str(word) in line, line


@pytest.fixture(scope="module")
def trained(tree, tmp_path_factory):
    """A model trained for one epoch with the command line."""
    out = tmp_path_factory.mktemp("cli") / "run"
    with eager():
        result = run("train", "--root", tree, "--loss", "enme", "--alpha", 2, "--out", out, *FAST)
    assert result.returncode == 0, result.stderr
    assert f"wrote {out / 'model.keras'}" in result.stdout
    place = f"--root {shlex.quote(str(tree))}"
    assert result.stdout.splitlines()[-2:] == [
        f"next: keras-fld evaluate {out} {place}",
        f"next: keras-fld convert {out} --out {out / 'model_int8.tflite'} {place}",
    ]
    assert "official" not in result.stderr, "only `datasets check` compares with the release"
    return out / "model.keras"


@pytest.fixture(scope="module")
def converted(trained, tree):
    """The int8 file of the model, and the output of the command."""
    result = run("convert", trained, "--out", trained.with_suffix(".tflite"), "--root", tree)
    assert result.returncode == 0, result.stderr
    return trained.with_suffix(".tflite"), result.stdout


def test_help_and_version_are_instant_and_need_no_backend():
    result = process("--help")
    assert result.returncode == 0
    for command in ("train", "evaluate", "convert", "predict", "demo"):
        assert command in result.stdout
    assert process("--version").stdout.startswith("keras-fld, version")


def without_opencv(code):
    """Runs code with an OpenCV that cannot be loaded, as on a machine without a desktop."""
    block = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'cv2':\n"
        "            why = 'libGL.so.1: cannot open shared object file: No such file'\n"
        "            raise ImportError(why, name='cv2')\n"
        "sys.meta_path.insert(0, Block())\n"
    )
    return subprocess.run([sys.executable, "-c", block + code], capture_output=True, text=True)


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["completion", "bash"]], ids=" ".join)
def test_what_shows_no_picture_needs_no_opencv(words):
    result = without_opencv(f"import keras_fld.cli as c; c.main({words})")
    assert (result.returncode, result.stderr) == (0, "") and "keras" in result.stdout


def test_every_help_needs_no_opencv():
    result = without_opencv(
        "import keras_fld; from keras_fld.cli import cli\n"
        "from click.testing import CliRunner\n"
        "for name in cli.commands:\n"
        "    assert CliRunner().invoke(cli, [name, '--help']).exit_code == 0, name\n"
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_one_line_says_which_opencv_a_machine_without_a_desktop_needs(tmp_path):
    words = ["predict", "photo.jpg", "--out", str(tmp_path)]
    result = without_opencv(f"import keras_fld.cli as c; c.main({words})")
    (line,) = result.stderr.splitlines()
    assert result.returncode == 2 and line.startswith("Error: OpenCV cannot be loaded (libGL.so.1:")
    assert line.endswith("install opencv-python-headless instead of opencv-python")
    result = without_opencv("import keras_fld as fld; fld.FaceLandmarker")
    assert result.stderr.splitlines()[-1] == f"Import{line}"


def test_the_next_steps_are_for_the_runs_faces():
    from keras_fld.cli.train import _next_steps
    from keras_fld.training import Recipe

    own = Recipe(dataset="own", dataset_options={"unset": "keep"}, validation=0.1)
    lines = _next_steps(own, "my run", "my faces.csv").splitlines()
    steps = [shlex.split(line.removeprefix("next: keras-fld ")) for line in lines]
    place = ["--root", "my faces.csv"]
    assert steps[0] == ["evaluate", "my run", *place, "--held-out", "0.1"]
    model = str(Path("my run") / "model_int8.tflite")
    assert steps[1] == ["convert", "my run", "--out", model, *place]
    for line in _next_steps(own, "run", "faces.csv").splitlines():
        calls.parse(line.removeprefix("next: keras-fld "))
    drawn = _next_steps(Recipe(dataset="synthetic"), "run", None).splitlines()
    assert drawn[0] == "next: keras-fld evaluate run" and len(drawn) == 2


def test_evaluate_prints_the_table_and_writes_its_files(trained, tree, tmp_path):
    result = run("evaluate", trained, "--root", tree, "--out", tmp_path)
    assert result.returncode == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines() if line.startswith("common")]
    assert [row[1] for row in rows] == ["inter_pupil", "inter_ocular"]
    saved = json.loads((tmp_path / "evaluation.json").read_text())
    assert float(rows[0][3]) == pytest.approx(saved["rows"][0]["nme"], abs=1e-3)
    assert (tmp_path / "ced.png").exists()


def test_refine_writes_a_model_that_evaluates(eagerly, trained, tree, tmp_path):
    out = tmp_path / "refined.keras"
    result = run("refine", trained, "--out", out, "--root", tree, "--rounds", 2, "--quiet")
    assert result.returncode == 0, result.stderr
    result = run("evaluate", out, "--root", tree, "--regions")
    assert result.returncode == 0 and "contour" in result.stdout


def test_convert_prints_both_models_nme(trained, converted):
    file, output = converted
    assert file.stat().st_size < 0.35 * trained.stat().st_size
    assert f"wrote {file}: {file.stat().st_size:,} bytes" in output
    line = next(x for x in output.splitlines() if x.startswith("common") and "pupil" in x)
    assert "NME Keras" in line and "int8" in line and "difference" in line


def test_the_thin_script_is_the_same_command(trained, tree, tmp_path, monkeypatch):
    script = str(Path(__file__).parents[2] / "tflite" / "convert.py")
    words = [trained, "--out", tmp_path / "a.tflite", "--mode", "float32", "--root", tree]
    monkeypatch.setattr(sys, "argv", [script, *map(str, words)])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(script, run_name="__main__")
    assert not end.value.code and (tmp_path / "a.tflite").exists()


def test_predict_draws_and_writes_json(converted, tmp_path):
    model, _ = converted
    face = synthetic.draw(0)
    cv2.imwrite(str(tmp_path / "face.jpg"), face.image[..., ::-1])
    box = ",".join(f"{v:.1f}" for v in landmark_box(face.landmarks))
    out = tmp_path / "out"
    result = run("predict", tmp_path / "face.jpg", "--model", model, "--box", box, "--out", out)
    assert result.returncode == 0, result.stderr
    saved = json.loads((out / "face.json").read_text())
    assert np.array(saved["faces"][0]["landmarks"]).shape == (68, 2)
    drawn = cv2.imread(str(out / "face.png"))
    assert drawn.shape == face.image.shape and (drawn[..., ::-1] != face.image).any()


def test_a_bad_picture_does_not_stop_the_good_ones(converted, tmp_path):
    model, _ = converted
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    cv2.imwrite(str(tmp_path / "empty.png"), np.full((90, 90, 3), 77, np.uint8))
    cv2.imwrite(str(tmp_path / "good.png"), synthetic.draw(0).image)
    images = [tmp_path / name for name in ("bad.jpg", "empty.png", "good.png")]
    out = tmp_path / "out"
    result = run("predict", *images, "--model", model, "--box", "40,40,80,80", "--out", out)
    fails(result, "bad.jpg: not an image")
    assert (out / "good.json").exists() and not (out / "bad.png").exists()
    # An image without a face is not an error.
    result = run("predict", images[1], "--model", model, "--out", tmp_path / "o")
    assert result.returncode == 0 and "empty.png: no face found" in result.stderr
    assert json.loads((tmp_path / "o" / "empty.json").read_text())["faces"] == []


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["train", "--out", "r"], "needs its folder as root. Got: none"),
        (["train", "--root", "300w", "--out", "r", "--loss", "huge"], "loss must be"),
        (["evaluate", "none", "--root", "300w"], "must be a .keras, .tflite"),
        (["evaluate", "trnet20_300w", "--dataset", "x"], "dataset must be one of"),
        (["convert", "trnet20_300w", "--out", "a.onnx"], "--out must end in .tflite"),
        (["predict", "x.jpg", "--box", "1,2", "--out", "out"], "--box must be x,y"),
    ],
)
def test_bad_arguments_are_refused(arguments, rule, tree, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "300w").symlink_to(tree)
    result = CliRunner().invoke(cli, arguments)
    assert isinstance(result.exception, ValueError) and rule in str(result.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["300w"]


def test_bad_input_is_one_line_and_exit_code_2(eagerly, own_tree, tmp_path):
    missing = tmp_path / "none"
    fails(process("evaluate", "trnet20_300w", "--root", missing), missing, "no such folder")
    fails(run("train", "--root", missing, "--out", tmp_path / "r"), missing, "no such folder")
    assert run("train", "--epochs", "many").returncode == 2
    pts = own_tree / "afw" / "image_0001.pts"
    pts.write_text(pts.read_text().replace("}", ""))
    fails(run("train", "--root", own_tree, "--out", tmp_path / "r"), pts, "closing brace '}'")
    image = own_tree / "afw" / "image_0002.png"
    image.write_bytes(b"")
    result = run("train", "--root", own_tree, "--out", tmp_path / "s", "--skip-bad", *FAST)
    assert result.returncode == 0, result.stderr
    for file in (pts, image):
        assert f"note: {file.relative_to(own_tree)}: " in result.stderr


@pytest.mark.parametrize(
    ("until", "told"),
    [
        ("recipe.json", " before the first epoch was complete; the same command starts over"),
        ("last.weights.h5", "; the same command resumes after the last complete epoch"),
    ],
)
def test_an_interrupted_training_says_what_the_same_command_does(until, told, tree, tmp_path):
    out = tmp_path / "run"
    arguments = ["train", "--root", tree, "--out", out, "--epochs", "30", *SMALL]
    arguments += ["--network", "tests.tiny:tiny", "--input-size", "32"]
    process = subprocess.Popen(
        [sys.executable, "-m", "keras_fld", *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    )
    deadline = time.monotonic() + 300
    while not (out / until).exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 130 and "Traceback" not in error
    assert error.splitlines()[-1] == f"interrupted{told}" and error.count("interrupted") == 1
    assert (out / "last.weights.h5").exists() == (until == "last.weights.h5")
    assert not (out / "model.keras").exists()
    if until == "recipe.json":
        return  # starting over is what every first run does
    result = run(*arguments)
    assert result.returncode == 0, result.stderr
    assert len((out / "log.csv").read_text().splitlines()) == 31
