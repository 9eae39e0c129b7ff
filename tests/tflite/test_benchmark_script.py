"""tflite/benchmark.py, run as its user runs it: as a script in a process of its own."""

import ast
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_fld._internal import processor
from tests.interrupts import heed_interrupts

SCRIPT = Path(__file__).parents[2] / "tflite" / "benchmark.py"
FACES = SCRIPT.with_name("benchmark_faces.npz")
QUICK = ("--runs", "25", "--warmup", "2")

# Python runs a sitecustomize.py that it finds on PYTHONPATH before the script: it hides modules.
HIDE = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {names}:
            raise {error}(f"hidden: {{name}}", name=name)
sys.meta_path.insert(0, Hide())
"""

# An interpreter that keeps a diary of what it runs, and misbehaves on request.
STUB = """
import os, signal
import numpy as np
class Interpreter:
    def __init__(self, model_path, num_threads):
        self.name = os.path.basename(model_path)
        self.details = [{"index": 0, "shape": np.array([1, 4, 4, 3]), "dtype": np.int8}]
        self.runs = 0
    def allocate_tensors(self): pass
    def get_input_details(self): return self.details
    def get_output_details(self): return self.details
    def set_tensor(self, index, value): assert value.dtype == np.int8 and value.any()
    def invoke(self):
        self.runs += 1
        with open(os.environ["DIARY"], "a") as file:
            file.write(self.name[0])
        if self.name.startswith("interrupted") and self.runs == 20:
            os.kill(os.getpid(), signal.SIGINT)
        if self.name.startswith("crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
"""


def run(*arguments, folder=None, script=SCRIPT, **environment):
    """Runs the script; `folder` comes first on the path that Python imports from."""
    env = {**os.environ, **environment}
    if folder is not None:
        env["PYTHONPATH"] = str(folder)
    command = [sys.executable, str(script), *map(str, arguments)]
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        env=env,
        timeout=60,
        preexec_fn=heed_interrupts,
    )


def fails(result, status=2):
    """Asserts the one clear line of an error and returns it."""
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr.strip()


def hide(folder, *names, error="ModuleNotFoundError"):
    (folder / "sitecustomize.py").write_text(HIDE.format(names=set(names), error=error))
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """float.tflite, int8.tflite (uint8 in), mixed.tflite (half outside XNNPACK), custom.tflite."""
    tf = pytest.importorskip("tensorflow")
    pytest.importorskip("ai_edge_litert")
    folder = tmp_path_factory.mktemp("models")
    kernel = tf.constant(np.random.default_rng(0).normal(size=(3, 3, 3, 8)), tf.float32)

    def network(x):
        return tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(x, kernel, 2, "SAME")), [1, 2])

    def convert(name, function, **settings):
        signature = [tf.TensorSpec((1, 64, 64, 3), tf.float32)]
        module = tf.Module()
        module.call = tf.function(function, input_signature=signature)
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [module.call.get_concrete_function()], module
        )
        for key, value in settings.items():
            setattr(converter, key, value)
        (folder / f"{name}.tflite").write_bytes(converter.convert())

    images = np.random.default_rng(1).uniform(0, 255, (4, 1, 64, 64, 3)).astype("float32")
    convert("float", network)
    convert(
        "int8",
        network,
        optimizations=[tf.lite.Optimize.DEFAULT],
        representative_dataset=lambda: ([image] for image in images),
        inference_input_type=tf.uint8,
    )
    convert("mixed", lambda x: tf.abs(tf.cumsum(tf.nn.relu(x), 1)))  # XNNPACK has no CUMSUM
    convert("custom", tf.math.asinh, allow_custom_ops=True)
    return folder


@pytest.fixture(scope="module")
def measured(models, tmp_path_factory):
    """One real run: two models at one and two threads."""
    path = tmp_path_factory.mktemp("result") / "result.json"
    files = (models / "float.tflite", models / "int8.tflite")
    result = run(*files, "--threads", 1, 2, *QUICK, "--profile", "--json", path)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout, json.loads(path.read_text()), path


@pytest.fixture
def stub(tmp_path):
    """A folder with a stub of the interpreter and three files that pass for models."""
    package = tmp_path / "ai_edge_litert"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "interpreter.py").write_text(STUB)
    for name in ("a", "b", "interrupted", "crash"):
        (tmp_path / f"{name}.tflite").write_bytes(b"\0\0\0\0TFL3" + bytes(100))
    return tmp_path


def test_it_is_written_in_the_python_of_an_old_board():
    ast.parse(SCRIPT.read_text(), feature_version=(3, 8))


def test_table(measured, models):
    text, report, _ = measured
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 100
    size = (models / "int8.tflite").stat().st_size
    assert f"int8.tflite: {size:,} bytes ({size / 1024:.1f} KiB)" in text
    assert re.search(r"input +float32 1x64x64x3\n +output +float32 1x8\n", text)
    assert re.search(r"input +uint8 1x64x64x3\n", text)
    assert "25 timed runs per row, after 2 warm-up runs" in text
    table = text[text.index("model  ") :].splitlines()
    assert re.split(r"  +| (?=vs)| (?=frames)", table[0]) == [
        "model", "threads", "p50 ms", "p90 ms", "p99 ms", "frames/s", "vs first", "peak MiB",
    ]  # fmt: skip
    for line, row in zip(table[1:5], report["results"], strict=True):
        fields = line.split()
        figures = [row["p50_ms"], row["p90_ms"], row["p99_ms"], row["frames_per_second"]]
        assert row["model"].endswith(fields[0].removeprefix("..."))
        assert int(fields[1]) == row["threads"]
        np.testing.assert_allclose([float(f) for f in fields[2:6]], figures, atol=0.051)
        assert float(fields[6]) == pytest.approx(row["ratio_to_first"], abs=0.001)
    assert table[6].split()[-6:] == ["8.3", "-", "-", "120", "-", "-"]
    assert "Snapdragon 820" in table[6]


def test_json_figures_follow_from_the_raw_times(measured):
    report = measured[1]
    first = {row["threads"]: row["p50_ms"] for row in report["results"][::-1]}
    for row in report["results"]:
        times = row["latencies_ms"]
        assert len(times) == row["runs"] == 25
        assert min(times) > 0
        percentiles = [row["p50_ms"], row["p90_ms"], row["p99_ms"]]
        assert percentiles == sorted(percentiles)
        np.testing.assert_allclose(percentiles, np.percentile(times, [50, 90, 99]))
        assert row["frames_per_second"] == pytest.approx(1000 / row["p50_ms"])
        assert row["ratio_to_first"] == pytest.approx(row["p50_ms"] / first[row["threads"]])
        assert row["peak_mib"] > row["model_mib"] > 0
    order = [(Path(row["model"]).stem, row["threads"]) for row in report["results"]]
    assert order == [("float", 1), ("int8", 1), ("float", 2), ("int8", 2)]


def test_json_says_what_was_measured_where(measured, models):
    report = measured[1]
    assert report["versions"].keys() == {"python", "numpy", "ai-edge-litert"}
    assert report["cpu"]
    # The script stands alone; the package has the same table.
    spec = importlib.util.spec_from_file_location("benchmark", SCRIPT)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    assert benchmark.INSTRUCTIONS == processor._SETS
    assert report["instruction_set"] == processor.instruction_set()
    assert report["platform"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", report["date"])
    assert report["arguments"]["threads"] == [1, 2]
    assert report["arguments"]["runs"] == 25
    assert [file["bytes"] for file in report["files"]] == [
        (models / f"{name}.tflite").stat().st_size for name in ("float", "int8")
    ]
    assert report["results"][1]["inputs"] == [{"dtype": "uint8", "shape": [1, 64, 64, 3]}]


def test_json_tells_of_clock_heat_and_usable_cores(measured):
    text, report, _ = measured
    assert 1 <= report["usable_cores"] <= report["cores"]
    assert re.search(r"clock governor \w+", text)
    for state in (report["before"], report["after"]):
        assert len(state["mhz"]) == report["cores"]
        assert all(-50 < degrees < 200 for degrees in state["celsius"].values())


def test_profile_names_every_operation_of_a_model(measured, models):
    text, report, _ = measured
    rows = {Path(row["model"]).stem: row for row in report["results"] if "operations" in row}
    kinds = [x["operation"] for x in rows["float"]["operations"]]
    assert kinds == ["CONV_2D", "MEAN"]
    assert [x["shape"] for x in rows["float"]["operations"]] == [[1, 32, 32, 8], [1, 8]]
    assert [x["operation"] for x in rows["int8"]["operations"]][:2] == ["QUANTIZE", "CONV_2D"]
    for row in rows.values():
        assert row["threads"] == 1
        total = sum(x["ms"] for x in row["operations"])
        assert 0 < total < 20 * row["p50_ms"]
    assert re.search(
        r"float\.tflite, operations at --threads 1\noperation +output +ms +share", text
    )
    assert re.search(r"CONV_2D +1x32x32x8 +\d\.\d{4}", text)


def test_profile_of_branches_gives_each_its_own_time(tmp_path):
    """A branch that a cut leaves without a reader must still be run, or the next cut pays."""
    tf = pytest.importorskip("tensorflow")
    pytest.importorskip("ai_edge_litert")
    kernel = tf.constant(np.random.default_rng(0).normal(size=(3, 3, 16, 16)), tf.float32)

    @tf.function(input_signature=[tf.TensorSpec((1, 64, 64, 16), tf.float32)])
    def branches(x):
        first = tf.nn.conv2d(x, kernel, 1, "SAME")
        return first + tf.nn.conv2d(tf.nn.relu(x), kernel, 1, "SAME")

    converter = tf.lite.TFLiteConverter.from_concrete_functions([branches.get_concrete_function()])
    model, path = tmp_path / "branches.tflite", tmp_path / "result.json"
    model.write_bytes(converter.convert())
    result = run(model, "--runs", 100, "--warmup", 2, "--profile", "--json", path)
    assert result.returncode == 0, result.stderr
    operations = json.loads(path.read_text())["results"][0]["operations"]
    convolutions = [x["ms"] for x in operations if x["operation"] == "CONV_2D"]
    (total,) = [x["ms"] for x in operations if x["operation"] == "ADD"]
    assert len(convolutions) == 2 and min(convolutions) > 0
    assert total < min(convolutions)


def test_a_model_that_cannot_be_cut_is_named(stub):
    line = fails(run(stub / "a.tflite", "--profile", folder=stub, DIARY=str(stub / "diary")))
    assert "a.tflite: --profile cannot cut it" in line


@pytest.fixture(scope="module")
def of_64_pixels(tmp_path_factory):
    """The file of an untrained network, whose landmarks are near the mean shape."""
    pytest.importorskip("tensorflow")
    from keras_fld import lite, models

    path = tmp_path_factory.mktemp("64") / "face.tflite"
    with pytest.warns(UserWarning, match="the same landmarks"):  # whatever the crop
        lite.convert(models.TRNet20(68, width=0.25), path, "float32")
    return path


@pytest.mark.parametrize("times", [1, 2])
def test_accuracy_is_that_of_the_landmarks_on_the_drawn_faces(times, request, tmp_path):
    pytest.importorskip("ai_edge_litert")
    from keras_fld import zoo
    from keras_fld.predict.lite_model import LiteModel

    preset = zoo.lite_file("trnet20_300w")
    model = preset if times == 2 else request.getfixturevalue("of_64_pixels")
    path = tmp_path / "result.json"
    result = run(model, "--threads", 1, 2, *QUICK, "--json", path)
    assert result.returncode == 0, result.stderr
    first, second = json.loads(path.read_text())["results"]
    with np.load(FACES) as file:
        images = np.cumsum(file["differences"], axis=2, dtype=np.uint8)
        truth = file["landmarks"]
    if times == 2:  # by nearest neighbor
        images = np.stack([cv2.resize(x, None, fx=2, fy=2, interpolation=0) for x in images])
        truth = (truth + 0.5) * 2 - 0.5
    distances = np.linalg.norm(LiteModel(model).predict(images) - truth, axis=2).mean(axis=1)
    pupils = truth[:, 36:42].mean(axis=1) - truth[:, 42:48].mean(axis=1)
    expected = np.mean(100 * distances / np.linalg.norm(pupils, axis=1))
    assert first["nme_percent"] == pytest.approx(expected, abs=1e-4)
    assert 1 < expected < (15 if times == 2 else 50)
    assert "nme_percent" not in second
    assert f"NME on 32 drawn faces: {model.name} {expected:.2f} %" in result.stdout


def test_bundled_faces_are_the_package_s_drawn_ones():
    spec = importlib.util.spec_from_file_location(
        "maker", SCRIPT.with_name(f"make_{FACES.stem}.py")
    )
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    drawn = maker.contents(4)
    with np.load(FACES) as file:
        assert len(file["landmarks"]) == maker.FACES == 32
        np.testing.assert_allclose(file["landmarks"][:4], drawn["landmarks"], atol=1e-3)
        assert (file["size"], file["margin"]) == (drawn["size"], drawn["margin"])
        images = np.cumsum(file["differences"][:4], axis=2, dtype=np.uint8)
    again = np.cumsum(drawn["differences"], axis=2, dtype=np.uint8)
    # Another OpenCV may round otherwise.
    assert np.abs(images.astype(int) - again).mean() < 2


def test_without_faces_or_for_another_model_there_is_no_accuracy(models, stub, tmp_path):
    result = run(models / "int8.tflite", *QUICK)
    assert "no NME of int8.tflite: it is not a model of keras_fld\n" in result.stdout
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(SCRIPT, alone)
    arguments = (stub / "a.tflite", *QUICK)
    text = run(*arguments, script=alone / SCRIPT.name, folder=stub, DIARY=str(stub / "d")).stdout
    assert "no NME of a.tflite: benchmark_faces.npz is not beside benchmark.py" in text


def test_wrong_faces(stub, tmp_path):
    line = fails(run(stub / "a.tflite", "--faces", tmp_path / "none.npz"))
    assert line.startswith("--faces must name benchmark_faces.npz. Got: ")
    wrong = tmp_path / "wrong.npz"
    np.savez(wrong, images=np.zeros(3))
    arguments = (stub / "a.tflite", *QUICK, "--faces", wrong)
    line = fails(run(*arguments, folder=stub, DIARY=str(stub / "diary")))
    assert "wrong.npz: not the file of faces of this script" in line


def test_compare_tells_of_another_accuracy(tmp_path):
    a = _result(tmp_path / "a.json", "m.tflite", 2.0, nme=5.44)
    b = _result(tmp_path / "b.json", "m.tflite", 1.0, nme=7.0)
    text = run("--compare", a, b).stdout
    assert "NME on drawn faces: m.tflite 5.44 and 7.00 %" in text
    assert "note: m.tflite is the same file, but gives other landmarks" in text
    b = _result(tmp_path / "b.json", "m.tflite", 1.0, "other", nme=7.0)
    assert "gives other landmarks" not in run("--compare", a, b).stdout


def _result(path, name, p50, digest="x", nme=None):
    row = {"model": f"folder/{name}", "threads": 1, "p50_ms": p50, "p90_ms": 2 * p50}
    row["nme_percent"] = nme
    report = {
        "cpu": path.stem,
        "platform": "Linux",
        "date": "2026-01-01",
        "results": [row],
        "files": [{"path": f"folder/{name}", "sha256": digest}],
    }
    path.write_text(json.dumps(report))
    return path


def test_compare_prints_the_ratio_row_by_row(tmp_path):
    a = _result(tmp_path / "a.json", "m.tflite", 2.0)
    b = _result(tmp_path / "b.json", "m.tflite", 1.0, "other")
    result = run("--compare", a, b)
    assert result.returncode == 0, result.stderr
    fields = next(x for x in result.stdout.splitlines() if x.startswith("m.tflite")).split()
    assert fields == ["m.tflite", "1", "2.000", "1.000", "0.500", "0.500"]
    assert "note: m.tflite is not the same file in both" in result.stdout


def test_compare_takes_real_results(measured):
    result = run("--compare", measured[2], measured[2])
    assert result.returncode == 0, result.stderr
    assert result.stdout.count(" 1.000    1.000") == 4 and "note:" not in result.stdout


def test_compare_refuses_what_is_no_result(tmp_path):
    a = _result(tmp_path / "a.json", "m.tflite", 2.0)
    other = _result(tmp_path / "o.json", "n.tflite", 2.0)
    text = tmp_path / "t.json"
    text.write_text("[1]")
    assert "no model and number of threads in common" in fails(run("--compare", a, other))
    assert "t.json: not a result that --json wrote" in fails(run("--compare", a, text))
    assert "none.json: No such file" in fails(run("--compare", a, tmp_path / "none.json"))
    assert "--compare stands alone" in fails(run("m.tflite", "--compare", a, a))


def test_drift_compares_the_ends_of_a_run(stub):
    spec = importlib.util.spec_from_file_location("benchmark", SCRIPT)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    assert benchmark.drift(np, [1.0] * 20 + [1.5] * 20) == pytest.approx(0.5)
    assert benchmark.drift(np, [1.0] * 39) is None
    rows = [{"model": "a/m.tflite", "threads": 2, "drift": 0.5}]
    state = {"mhz": [2000.0, None], "celsius": {"cpu": 40.0}}
    text = benchmark.stability(rows, state, {"mhz": [1500.0, None], "celsius": {"cpu": 71.5}})
    assert "m.tflite x2 +50.0%" in text[0] and "every row slowed down" in text[1]
    assert text[2] == "temperature of cpu: 40.0 C before, 71.5 C after"
    assert text[3].endswith("before to after: 2000 to 1500")


def test_json_leaves_no_temporary_file(measured):
    assert list(measured[2].parent.iterdir()) == [measured[2]]


def test_delegate_is_what_the_operations_say(measured, models, tmp_path):
    row = measured[1]["results"][0]
    assert row["delegate"] == "XNNPACK"
    assert row["delegation"]["delegated"] == row["delegation"]["operations"] > 0
    path = tmp_path / "mixed.json"
    result = run(models / "mixed.tflite", *QUICK, "--json", path)
    assert "delegate XNNPACK, 2 of 3 operations" in result.stdout
    share = json.loads(path.read_text())["results"][0]["delegation"]
    assert share == {"operations": 3, "partitions": 2, "delegated": 2}


def test_needs_neither_keras_nor_tensorflow(models, tmp_path):
    folder = hide(tmp_path, "tensorflow", "keras", "tf_keras", "keras_fld", "jax", "torch")
    result = run(models / "float.tflite", *QUICK, folder=folder)
    assert result.returncode == 0, result.stderr


def test_models_take_turns(stub):
    diary, path = stub / "diary", stub / "result.json"
    arguments = (stub / "a.tflite", stub / "b.tflite", "--runs", 25, "--warmup", 3)
    result = run(*arguments, "--json", path, folder=stub, DIARY=str(diary))
    assert result.returncode == 0, result.stderr
    probes = "a" * 11 + "b" * 11
    opened_and_warm = "ab" + "aaabbb"
    blocks = ("a" * 11 + "b" * 11) * 2 + "a" * 6 + "b" * 6  # the first of each is not timed
    assert diary.read_text() == probes + opened_and_warm + blocks
    assert [len(row["latencies_ms"]) for row in json.loads(path.read_text())["results"]] == [25, 25]


def test_same_model_twice_is_two_rows_of_one_file(stub):
    arguments = (stub / "a.tflite", stub / "a.tflite", *QUICK)
    text = run(*arguments, folder=stub, DIARY=str(stub / "diary")).stdout
    assert text.count("a.tflite: 108 bytes") == 1
    assert len(re.findall(r"a\.tflite +1 ", text)) == 2


def test_a_delegate_that_cannot_be_known_is_not_claimed(stub):
    result = run(stub / "a.tflite", *QUICK, folder=stub, DIARY=str(stub / "diary"))
    assert "delegate unknown\n" in result.stdout
    assert "delegate XNNPACK" not in result.stdout


def test_seconds_end_the_run_after_a_whole_round(stub):
    arguments = (stub / "a.tflite", stub / "b.tflite", "--seconds", "1e-9")
    result = run(*arguments, folder=stub, DIARY=str(stub / "diary"))
    assert "10 timed runs per row, after 30 warm-up runs" in result.stdout


def test_interrupt_leaves_the_old_result(stub):
    path = stub / "result.json"
    path.write_text("old")
    arguments = (stub / "interrupted.tflite", "--json", path)
    line = fails(run(*arguments, folder=stub, DIARY=str(stub / "diary")), status=130)
    assert line == "Interrupted before the end"
    assert path.read_text() == "old"
    assert not list(stub.glob("*.tmp"))


def test_crash_of_the_interpreter_is_one_line(stub):
    line = fails(run(stub / "crash.tflite", folder=stub, DIARY=str(stub / "diary")))
    assert line.endswith("crash.tflite: the interpreter crashed on it (signal 11)")


def test_missing_interpreter(stub, tmp_path_factory):
    folder = hide(tmp_path_factory.mktemp("hide"), "ai_edge_litert", "tflite_runtime")
    line = fails(run(stub / "a.tflite", folder=folder))
    assert line == "benchmark.py needs the LiteRT interpreter: pip install ai-edge-litert"


def test_interpreter_that_does_not_load_says_why(stub):
    (stub / "ai_edge_litert" / "interpreter.py").write_text("raise ImportError('GLIBC_2.38')")
    line = fails(run(stub / "a.tflite", folder=hide(stub, "tflite_runtime")))
    assert line.endswith("pip install ai-edge-litert (GLIBC_2.38)")


def test_older_runtime_is_used_where_the_newer_is_missing(stub):
    (stub / "ai_edge_litert").rename(stub / "tflite_runtime")
    folder = hide(stub, "ai_edge_litert")
    result = run(stub / "a.tflite", *QUICK, folder=folder, DIARY=str(stub / "diary"))
    assert result.returncode == 0, result.stderr
    assert "tflite-runtime" in result.stdout.splitlines()[0]


def test_missing_numpy(stub, tmp_path_factory):
    line = fails(run(stub / "a.tflite", folder=hide(tmp_path_factory.mktemp("hide"), "numpy")))
    assert line.startswith("benchmark.py needs numpy: pip install numpy")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--runs", "0"], "--runs must be at least 1. Got: 0"),
        (["--threads", "1", "0"], "--threads must be at least 1. Got: 0"),
        (["--warmup", "-1"], "--warmup must be at least 0. Got: -1"),
        (["--seconds", "0"], "--seconds must be above 0. Got: 0"),
        (["--runs", "many"], "argument --runs: invalid int value: 'many'"),
        (["--json", "b.tflite"], "--json must name a file for the result. Got: b.tflite"),
        (["--json", "/no/such/r.json"], "a folder that can be written to. Got: /no/such/r.json"),
    ],
)
def test_wrong_arguments(arguments, message):
    assert fails(run("a.tflite", *arguments)).endswith(message)


def test_no_model():
    assert fails(run()) == "at least one model must be named: benchmark.py model.tflite"


def test_wrong_files(tmp_path):
    missing, text, empty = tmp_path / "m.tflite", tmp_path / "t.tflite", tmp_path / "e.tflite"
    text.write_text("a text, not a model")
    empty.touch()
    assert fails(run(missing)) == f"{missing}: no such file"
    rule = "not a TFLite file: bytes 4 to 8 must be b'TFL3'. Got:"
    assert fails(run(text)) == f"{text}: {rule} b'xt, '"
    assert fails(run(empty)) == f"{empty}: {rule} b''"


def test_damaged_model(models, tmp_path):
    data = (models / "float.tflite").read_bytes()
    for name, damaged in (("cut", data[: len(data) // 2]), ("junk", data[:40] + b"\x7f" * 999)):
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(damaged)
        assert f"{path}: the interpreter cannot run it: " in fails(run(path))


def test_operation_the_interpreter_lacks(models):
    line = fails(run(models / "float.tflite", models / "custom.tflite"))
    assert "custom.tflite: the interpreter cannot run it: " in line
    assert "Asinh" in line


def test_reader_that_leaves_early(models, tmp_path):
    """As in `python benchmark.py model.tflite | head -0`: the result is still written."""
    path = tmp_path / "result.json"
    command = [sys.executable, str(SCRIPT), str(models / "float.tflite"), *QUICK, "--json", path]
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        command, check=False, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60
    )
    os.close(writing)
    assert result.returncode == 0
    assert "Error" not in result.stderr
    assert json.loads(path.read_text())["results"]
