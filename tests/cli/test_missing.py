"""Commands without a package that they need: one line says how to install it."""

import os
import shlex
import subprocess
import sys

import pytest

from keras_fld import zoo

KERAS, LITE = zoo.keras_file("trnet20_free"), zoo.lite_file("trnet20_free")
PHOTO = "docs/astronaut.png"
TENSORFLOW = 'Keras needs its backend TensorFlow: pip install "keras-fld[tensorflow]"'
CONVERSION = 'Conversion needs TensorFlow: pip install "keras-fld[tensorflow]"'
FINE_TUNING = 'pip install "keras-fld[tensorflow,compress]"'
PLOTS = 'needs matplotlib: pip install "keras-fld[plots]"'
LITERT = "needs ai-edge-litert: pip install keras-fld"

CALLS = [
    ("ai_edge_litert", "predict {photo} --out {out}", LITERT),
    ("ai_edge_litert", "benchmark {lite}", LITERT),
    ("cv2", "predict {photo} --out {out}", "opencv-python is not installed: pip install keras-fld"),
    ("imagesize", "predict {photo} --out {out}", "imagesize is not installed: pip install"),
    ("flatbuffers", "predict {photo} --out {out}", "flatbuffers is not installed: pip install"),
    ("keras", "predict {photo} --model {keras} --out {out}", "keras is not installed: pip install"),
    ("tensorflow", "predict {photo} --model {keras} --out {out}", TENSORFLOW),
    ("tensorflow", "train --dataset synthetic --out {out}", TENSORFLOW),
    ("tensorflow", "refine {keras} --dataset synthetic --out {out}/a.keras", TENSORFLOW),
    ("tensorflow", "convert {keras} --mode float32 --out {out}/a.tflite", CONVERSION),
    ("tensorflow", "export {keras} --all --out {out}", CONVERSION),
    ("tensorflow", "demo --out {out}", TENSORFLOW),
    ("tensorflow", "qat {keras} --dataset synthetic --out {out}/a.tflite", FINE_TUNING),
    ("tf_keras", "qat {keras} --dataset synthetic --out {out}/a.tflite", FINE_TUNING),
    (
        "tensorflow_model_optimization",
        "compress {keras} --method prune --dataset synthetic --out {out}",
        FINE_TUNING,
    ),
    ("matplotlib", "evaluate {lite} --root {out} --out {out}", PLOTS),
    ("matplotlib", "reproduce figure4 --synthetic --out {out}", PLOTS),
    ("dlib", "baseline ert --root {out} --out {out}/a.npz", 'pip install "keras-fld[baselines]"'),
]


def run(module, words, **variables):
    program = (
        f"import sys; sys.modules[{module!r}] = None; from keras_fld.cli import main; "
        f"main({words!r})"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
    )


@pytest.mark.parametrize(("module", "call", "words"), CALLS)
def test_one_line_says_what_to_install(module, call, words, tmp_path):
    call = call.format(photo=PHOTO, keras=KERAS, lite=LITE, out=tmp_path)
    done = run(module, shlex.split(call))
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ") and words in line
    assert "No module named" not in line


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_is_named(backend, tmp_path):
    words = ["predict", PHOTO, "--model", str(KERAS), "--out", str(tmp_path)]
    done = run(backend, words, KERAS_BACKEND=backend)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and f'pip install "keras-fld[{backend}]"; or set KERAS_' in line


def test_conversion_under_another_backend_needs_tensorflow_too(tmp_path):
    pytest.importorskip("torch")
    words = ["convert", str(KERAS), "--mode", "float32", "--out", str(tmp_path / "a.tflite")]
    done = run("tensorflow", words, KERAS_BACKEND="torch")
    assert done.returncode == 2
    assert 'needs TensorFlow: pip install "keras-fld[tensorflow]"' in done.stderr


def test_help_needs_no_library_of_arrays_or_networks():
    for module in ("ai_edge_litert", "cv2", "flatbuffers", "imagesize", "keras"):
        done = run(module, ["predict", "--help"])
        assert done.returncode == 0 and "--max-pixels" in done.stdout, (module, done.stderr)
