"""tflite/arm: the aarch64 interpreter under QEMU, and what is read from it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from keras_fld.lite import modes
from keras_fld.predict import metadata

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tflite" / "arm" / "run.py"
ZOO = ROOT / "keras_fld" / "zoo"
SHIPPED = ZOO / "trnet20_300w_int8.tflite"
FIGURES = ROOT / "results" / "arm" / "arm.json"
BUILT = Path(os.environ.get("KERAS_FLD_ARM_ROOT", ROOT / "build" / "arm"))
NAMES = (
    "benchmark",
    "programs",
    "debian",
    "root",
    "guest",
    "emulate",
    "nme",
    "operators",
    "tables",
    "run",
)


@pytest.fixture(scope="module")
def arm():
    """The scripts of the folder as modules; their short names are given back afterwards."""
    folders = [str(SCRIPT.parent), str(SCRIPT.parents[1])]
    path = list(sys.path)
    sys.path[:0] = folders
    before = {name: sys.modules.pop(name) for name in NAMES if name in sys.modules}
    try:
        yield type("Arm", (), {name: import_module(name) for name in NAMES})
    finally:
        for name in NAMES:
            sys.modules.pop(name, None)
        sys.modules.update(before)
        sys.path[:] = path


def run(*arguments, **options):
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, **options)


def log(spans):
    """The plugin's log of these numbers of instructions between marks."""
    now, lines = 1000, []
    for span in spans:
        lines += [f"1 {now}", f"2 {now + span}"]
        now += span + 77
    return "\n".join(lines) + "\n"


def test_counts_are_read_job_by_job(arm):
    counts = arm.emulate.read_counts(log([9, 7, 7, 107, 105, 105, 8, 8, 8, 58, 58, 58]), 2)
    assert counts == [([9, 7, 7], [107, 105, 105]), ([8, 8, 8], [58, 58, 58])]


@pytest.mark.parametrize(
    "text",
    ["", log([1, 2, 3]), log([1] * 7), "2 5\n1 8\n" * 6, "1 5\n" * 12, "1\n2\n" * 6, "a b\n" * 12],
)
def test_a_log_with_other_marks_is_an_error(arm, text):
    with pytest.raises(arm.benchmark.Problem, match="must be those of 1 jobs. Got:"):
        arm.emulate.read_counts(text, 1)


def test_the_multiply_accumulates_are_those_of_the_network(arm):
    model = arm.operators.Model(SHIPPED)
    convolutions = [op for op in model.operators if op.name == "CONV_2D"]
    assert convolutions[0].macs == 64 * 64 * 24 * 3 * 3 * 3
    assert len(convolutions) == 23
    assert round(sum(op.macs for op in model.operators) / 1e6) == 179
    head = [op for op in model.operators if op.name == "FULLY_CONNECTED"]
    # The Dense on 96 features; 15 windows over 64 places of 80 channels; 240 numbers a patch.
    # Of stage 2, 32 numbers are read at each of 16x16 places, of stage 1 16 at each of 32x32.
    looks = 16**2 * 64 * 32 + 32**2 * 48 * 16
    assert sum(op.macs for op in head) == 136 * 96 + 15 * 64 * 80 + 136 * 240 + looks
    reading = sum(op.macs for op in model.operators if op.name == "BATCH_MATMUL")
    assert reading == 68 * (16**2 * 32 + 32**2 * 16)


@pytest.mark.parametrize("kind", ["exposed", "last cut"])
def test_a_cut_model_gives_what_the_whole_one_does(arm, tmp_path, kind):
    model = arm.operators.Model(SHIPPED)
    cuts = list(model.cuts())
    assert [index for index, _ in cuts] == list(range(len(model.operators)))
    changed = tmp_path / "changed.tflite"
    changed.write_bytes(model.exposed() if kind == "exposed" else cuts[-1][1])
    inputs = tmp_path / "inputs.npy"
    np.save(inputs, np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), np.uint8))
    jobs = [arm.emulate.job(path, inputs) for path in (SHIPPED, changed)]
    whole, other = arm.emulate.on_this_machine(jobs)
    ((index, landmarks),) = whole.outputs.items()
    assert landmarks.shape == (2, 1, 68, 2) and (landmarks[0] != landmarks[1]).any()
    np.testing.assert_array_equal(other.outputs[index], landmarks)
    if kind == "exposed":
        assert len(other.outputs) == len(model.operators)


def test_operators_that_part_are_told_from_those_that_inherit_it(arm):
    model = arm.operators.Model(SHIPPED)
    names = [op.name for op in model.operators]
    here = {op.output: np.zeros(3, np.int8) for op in model.operators}
    there = {index: values.copy() for index, values in here.items()}
    mean = names.index("MEAN")
    for index in (mean, mean + 1, 2):
        there[model.operators[index].output][0] = 1
    found = model.agreement(here, there)
    unexpected = [i for i in found if not found[i].expected(names[i])]
    assert unexpected == [2], "a convolution must agree, MEAN may be one step off"
    assert not found[mean].inherited and found[mean].largest == 1
    assert found[mean + 1].inherited and found[mean + 1].differing == 1
    there[model.operators[mean].output][0] = 2
    assert not model.agreement(here, there)[mean].expected("MEAN")


def test_the_table_says_where_two_machines_part(arm):
    row = {"operator": "MEAN", "shape": (1, 96), "macs": 0, "instructions": 1500, "integer": True}
    rows = [
        row | {"differing": 0, "largest": 0.0, "inherited": False},
        row | {"differing": 3, "largest": 1.0, "inherited": False},
        row | {"differing": 9, "largest": 5.0, "inherited": True},
    ]
    result = {"cpu": "cortex-a76", "instructions": 20_855_000, "output_off": 0.012}
    model = {"model": "face.tflite", "macs": 212_100_000}
    model["results"] = [result | {"operators": rows, "as_expected": False}]
    text = arm.tables.summary({"models": [model]})
    assert "20.855" in text and "10.17" in text and "1 of 3" in text
    assert "MEAN (integer) by 1\n" in text and "NOT AS EXPECTED" in text
    assert "1x96" in arm.tables.operators(model) and "1,500" in arm.tables.operators(model)


@pytest.mark.parametrize(
    ("tool", "advice"), [("qemu-aarch64", "qemu-user"), ("gcc", "apt-get install gcc")]
)
def test_a_missing_tool_is_named(tmp_path, tool, advice):
    for name in {"qemu-aarch64", "gcc"} - {tool}:
        (tmp_path / name).touch(mode=0o755)
    found = run(SHIPPED, "--root", tmp_path / "arm", env={"PATH": str(tmp_path)})
    assert found.returncode == 2 and found.stderr.count("\n") == 1
    assert f"{tool} is needed and not on PATH" in found.stderr and advice in found.stderr


def test_a_package_of_other_contents_is_refused(arm, tmp_path, monkeypatch):
    found = {
        name: (version, checksum, tmp_path / f"{name}.deb")
        for name, (version, checksum) in arm.debian.pinned().items()
    }
    assert len(found) > 10 and all(len(checksum) == 64 for _, checksum, _ in found.values())
    version, _, path = found["libc6"]
    found["libc6"] = version, 64 * "0", path
    monkeypatch.setattr(arm.debian, "execute", lambda command: "")
    monkeypatch.setattr(arm.debian, "download", lambda folder, names: found)
    with pytest.raises(arm.benchmark.Problem, match=rf"packages.txt: libc6 must be .*{64 * '0'}"):
        arm.debian.unpack(tmp_path)


def test_a_package_that_debian_has_no_more_is_named(arm, tmp_path, monkeypatch):
    def download(folder, names):
        raise arm.benchmark.Problem(f"no {names[0]}")

    monkeypatch.setattr(arm.debian, "download", download)
    rule = r"packages.txt fixes; python .*debian.py writes those of today: no libc6:arm64=2"
    with pytest.raises(arm.benchmark.Problem, match=rule):
        arm.debian.unpack(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_root_without_apt_is_an_error_and_leaves_nothing(arm, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(arm.benchmark.Problem, match="apt-get is needed and not on PATH"):
        arm.root.build(tmp_path / "arm", say=str)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (None, [], "missing.tflite"),
        (b"not a model", [], "missing.tflite"),
        (b"", ["--faces", "0"], "--faces must be at least 1. Got: 0"),
        (b"", ["--nme", "300w"], "--nme must be NAME=FOLDER"),
    ],
)
def test_wrong_input_is_one_line(tmp_path, content, arguments, message):
    path = tmp_path / "missing.tflite"
    if content is not None:
        path.write_bytes(content)
    found = run(path, *arguments)
    assert found.returncode == 2 and found.stderr.count("\n") == 1 and message in found.stderr


def test_the_nme_may_differ_by_half_a_hundredth(arm):
    found = {"dataset": "300w", "x86": {"common": 4.28}, "cortex-a76": {"common": 4.2849}}
    assert arm.nme.agrees(found)
    assert not arm.nme.agrees({**found, "cortex-a53": {"common": 4.2749}})
    text = arm.tables.accuracy({"model": "face.tflite", "nme": found})
    assert text == "face.tflite on 300w: x86 common 4.2800 %, cortex-a76 common 4.2849 %"


def test_a_later_run_keeps_what_it_has_not_measured(arm, tmp_path):
    path = tmp_path / "arm.json"
    entry = {"sha256": "1", "results": [1]}
    old = [{**entry, "model": "a", "nme": 5}, {**entry, "model": "b", "nme": 6}, {"model": "c"}]
    path.write_text(json.dumps({"versions": 1, "models": old}))
    new = [{**entry, "model": "b", "results": [2]}, {**entry, "model": "d"}]
    found = arm.run.with_earlier({"versions": 1, "models": new}, path)["models"]
    assert found == [old[0], {**new[0], "nme": 6}, old[2], new[1]]
    changed = {"versions": 1, "models": [{**entry, "model": "b", "sha256": "2"}]}
    assert "nme" not in arm.run.with_earlier(changed, path)["models"][1]
    assert arm.run.with_earlier({"versions": 2, "models": new}, path)["models"] == new
    assert arm.run.with_earlier(changed, tmp_path / "none") == changed
    path.write_text("{")
    with pytest.raises(arm.run.Problem, match="arm.json: not the figures of an earlier run"):
        arm.run.with_earlier(changed, path)


# Million instructions that a shipped int8 file may take, a hundredth more at most: a change of a
# network or of the conversion must not make it dearer unnoticed.
MOST = {
    "trnet20_300w": {"cortex-a53": 69.77, "cortex-a72": 54.50, "cortex-a76": 18.82},
    "trnet20_300w_fast": {"cortex-a53": 43.12, "cortex-a72": 33.85, "cortex-a76": 11.94},
    "trnet20_300w_small": {"cortex-a53": 16.36, "cortex-a72": 14.23, "cortex-a76": 5.64},
    "face_score": {"cortex-a53": 0.87, "cortex-a72": 1.08, "cortex-a76": 0.37},
    "trnet20_free": {"cortex-a53": 69.77, "cortex-a72": 54.50, "cortex-a76": 18.82},
}


@pytest.mark.parametrize("path", sorted(ZOO.glob("*.tflite")), ids=lambda path: path.stem)
def test_no_shipped_model_has_become_dearer(path):
    entry = kept_figures()[hashlib.sha256(path.read_bytes()).hexdigest()]
    for row in entry["results"]:
        assert row["instructions"] < 1.01e6 * MOST[path.stem.removesuffix("_int8")][row["cpu"]]


def test_integers_to_the_end_agree_too():
    """`int8_full`, whose output is integers as well, on all three processors."""
    figures = json.loads(FIGURES.read_text("utf-8"))["models"]
    (entry,) = [x for x in figures if x["model"] == "trnet20_300w_int8_full.tflite"]
    for row in entry["results"]:
        assert row["as_expected"] and row["operators"][-1]["integer"]
        assert row["operators"][-1]["largest"] <= 1


def kept_figures():
    """Entry of each shipped model in the kept figures, by its file's checksum."""
    return {entry["sha256"]: entry for entry in json.loads(FIGURES.read_text("utf-8"))["models"]}


# How far a step of the output layer's rounded input moves a landmark, in sides of the crop: farther
# with larger weights. Files that are not named stay below 0.02 px of a 64-pixel crop.
STEP = {"trnet20_300w_int8": 0.0004, "trnet20_free_int8": 0.00033}


@pytest.mark.parametrize("path", sorted(ZOO.glob("*_int8.tflite")), ids=lambda path: path.stem)
def test_the_kept_figures_are_of_the_shipped_models(arm, path):
    entry = kept_figures()[hashlib.sha256(path.read_bytes()).hexdigest()]
    assert entry["model"] == path.name
    assert [row["cpu"] for row in entry["results"]] == list(arm.root.CPUS)
    assert all(row["as_expected"] for row in entry["results"])
    side = metadata.read(path)["input"]["size"]
    share = STEP.get(path.stem, 0.02 / 64)
    assert share <= arm.run.TOLERANCE
    assert all(row["output_off"] <= share * side for row in entry["results"])
    assert "nme" in entry, "make arm FACES=300w"
    assert arm.nme.agrees(entry["nme"]) and set(entry["nme"]) > set(arm.root.CPUS)


def test_the_face_score_and_the_preset_s_modes_were_run_too():
    figures = json.loads(FIGURES.read_text("utf-8"))["models"]
    entries = {entry["model"]: entry for entry in figures}
    score = entries["face_score.tflite"]
    assert score["sha256"] == hashlib.sha256((ZOO / "face_score.tflite").read_bytes()).hexdigest()
    for name in ("face_score", *(f"trnet20_300w_{mode}" for mode in modes.MODES)):
        rows = entries[f"{name}.tflite"]["results"]
        assert len(rows) == 3 and all(row["as_expected"] for row in rows), name


def test_the_shipped_model_runs_on_arm_as_its_figures_say(arm, tmp_path):
    for tool in ("qemu-aarch64", "gcc"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}: {arm.programs.TOOLS[tool]}")
    if not arm.root.is_built(BUILT):
        pytest.skip("needs the aarch64 root: make arm")
    out = tmp_path / "arm.json"
    options = ["--cpus", "cortex-a76", "--faces", "2", "--root", BUILT, "--json", out]
    found = run(SHIPPED, *options)
    assert found.returncode == 0, found.stderr + found.stdout
    (row,) = json.loads(out.read_text("utf-8"))["models"][0]["results"]
    kept = kept_figures()[hashlib.sha256(SHIPPED.read_bytes()).hexdigest()]["results"]
    (before,) = [x for x in kept if x["cpu"] == "cortex-a76"]
    assert 10e6 < row["instructions"] < 1.01 * before["instructions"]
    integers = [x for x in row["operators"] if x.get("integer")]
    assert len(integers) > 30 and row["output_off"] <= arm.run.TOLERANCE * 128
    assert all(not x["differing"] or x["operator"] == "MEAN" for x in integers[:37])
