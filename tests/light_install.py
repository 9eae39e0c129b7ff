"""The package as its lightest user has it: the wheel, in a clean environment without a backend.

    make test-light

`make test` leaves it out, since it needs a package registry: where none is reached, it skips.
"""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import cv2
import pytest

ROOT = Path(__file__).parents[1]
# What the build reads, in a copy: an older build's folder beside it would hide a missing file.
SOURCES = ("keras_fld", "datasets", "setup.py", "pyproject.toml", "README.md", "LICENSE")
FIRST_RESULT = """
import json, sys, time
started = time.perf_counter()
import keras_fld as fld
faces = fld.FaceLandmarker.from_preset("trnet20_300w").detect("astronaut.png")
seconds = time.perf_counter() - started
print(json.dumps({
    "seconds": seconds,
    "processor_seconds": time.process_time(),
    "file": fld.__file__,
    "landmarks": faces[0].landmarks.tolist(),
    "loaded": sorted({name.partition(".")[0] for name in sys.modules}),
}))
"""


def run(*command, folder=None, **variables):
    """Runs a program without what this environment adds to it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "KERAS", "TF_"))}
    return subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        cwd=folder,
        env={**kept, **variables},
        check=False,
    )


def done(result):
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def build_wheel(folder):
    """The package's wheel, built in a folder."""
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            copytree(ROOT / name, source / name, ignore=ignore_patterns("__pycache__"))
        else:
            copy(ROOT / name, source)
    done(run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, source))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip")
    reached = run(*pip, "download", "--no-deps", "--dest", folder / "probe", "setuptools>=77")
    if reached.returncode:
        pytest.skip(f"needs a package registry: {reached.stderr.strip().splitlines()[-1]}")
    return build_wheel(folder)


@pytest.fixture(scope="module")
def programs(wheel, tmp_path_factory):
    """The folder of python and keras-fld in a new environment that holds the wheel alone."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    done(run(programs / "python", "-m", "pip", "install", "--quiet", wheel))
    return programs


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A folder with astronaut.png: the photograph comes from this environment's scikit-image."""
    data = pytest.importorskip("skimage.data")
    folder = tmp_path_factory.mktemp("photo")
    cv2.imwrite(str(folder / "astronaut.png"), data.astronaut()[..., ::-1])
    return folder


def test_no_file_is_missing_from_the_wheel(wheel):
    packed = set(zipfile.ZipFile(wheel).namelist())
    package = [p for p in (ROOT / "keras_fld").rglob("*") if p.is_file()]
    package = {p.relative_to(ROOT).as_posix() for p in package if "__pycache__" not in p.parts}
    assert package - packed == set()
    for kind in ("zoo/*.keras", "zoo/*.tflite", "zoo/*.md", "web/page/*.html", "*.toml", "*.json"):
        assert any(Path(name).match(kind) for name in packed), kind
    cards = {
        f"keras_fld/cards/{p.parent.name}/README.md" for p in ROOT.glob("datasets/*/README.md")
    }
    assert cards and cards == {name for name in packed if name.startswith("keras_fld/cards/")}
    (metadata,) = (name for name in packed if name.endswith(".dist-info/METADATA"))
    licenses = {Path(name).name for name in packed if "/licenses/" in name}
    assert licenses == {"LICENSE", "LICENSE-300W.md", "NOTICE.md", "trnet20_free.md"}
    told = zipfile.ZipFile(wheel).read(metadata).decode()
    assert "License-Expression: Apache-2.0 AND CC-BY-4.0 AND LicenseRef-300W-Weights" in told
    assert not any(name.startswith(("tests/", "tflite/", "datasets/")) for name in packed)


def test_first_landmarks_load_neither_keras_nor_a_backend(programs, photo, capsys):
    installed = done(run(programs / "python", "-m", "pip", "list", "--format", "json"))
    installed = {package["name"].lower() for package in json.loads(installed)}
    assert not installed & {"tensorflow", "torch", "jax", "matplotlib"}
    found = json.loads(done(run(programs / "python", "-c", FIRST_RESULT, folder=photo)))
    assert str(programs.parent) in found["file"] and len(found["landmarks"]) == 68
    # Her eyes and mouth, read off the photograph.
    for part, place in ((slice(36, 48), (222, 113)), (slice(48, 68), (224, 152))):
        x, y = (sum(values) / len(values) for values in zip(*found["landmarks"][part], strict=True))
        assert abs(x - place[0]) < 15 and abs(y - place[1]) < 15
    assert not {"keras", "tensorflow", "torch", "jax"} & set(found["loaded"])
    again = json.loads(done(run(programs / "python", "-c", FIRST_RESULT, folder=photo)))
    with capsys.disabled():
        print(
            f"\nfrom import to the first landmarks: {found['seconds']:.2f} s, again "
            f"{again['seconds']:.2f} s ({again['processor_seconds']:.2f} s of processor time)"
        )


def test_the_commands_that_need_no_backend_work(programs, photo, tmp_path):
    program = programs / "keras-fld"
    done(run(program, "predict", photo / "astronaut.png", "--out", tmp_path))
    assert (tmp_path / "astronaut.png").exists() and (tmp_path / "astronaut.json").exists()
    done(run(program, "web", "--copy", tmp_path / "site"))
    assert (tmp_path / "site" / "index.html").exists()
    assert "trnet20_300w_int8.tflite" in done(run(program, "benchmark", "trnet20_300w"))
    listed = json.loads(done(run(program, "datasets", "list", "--json", folder=tmp_path)))
    for name, dataset in listed.items():
        assert Path(dataset["card"]).is_relative_to(programs.parent.resolve()), name
        assert "# " in Path(dataset["card"]).read_text("utf-8"), name
    export = (program, "export", "--preset", "trnet20_300w", "--out", tmp_path / "app")
    done(run(*export, "--mode", "int8", "--detector"))
    shipped = next(programs.parent.rglob("zoo/trnet20_300w_int8.tflite"))
    assert (tmp_path / "app/model_int8.tflite").read_bytes() == shipped.read_bytes()
    refused = run(*export, "--mode", "float16")
    assert refused.returncode == 2 and refused.stderr.splitlines()[-1] == (
        'Error: Conversion to float16 needs TensorFlow: pip install "keras-fld[tensorflow]"'
    )
    assert "_KERAS_FLD_COMPLETE" in done(run(program, "completion", "bash"))


def test_a_video_needs_a_group_and_the_photographs_beside_it_do_not(programs, photo, tmp_path):
    clip = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter_fourcc(*"mp4v"), 30.0, (64, 48))
    writer.write(cv2.resize(cv2.imread(str(photo / "astronaut.png")), (64, 48)))
    writer.release()
    command = (programs / "keras-fld", "predict", clip, photo / "astronaut.png")
    result = run(*command, "--out", tmp_path / "o", "--format", "csv")
    assert result.returncode == 2 and "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1 and 'pip install "keras-fld[video]"' in lines[0]
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["astronaut.csv"]


def test_a_command_that_needs_one_says_so_in_a_line(programs, tmp_path):
    result = run(programs / "keras-fld", "train", "--dataset", "synthetic", "--out", tmp_path / "r")
    assert result.returncode == 2 and "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1 and "tensorflow" in lines[0]
