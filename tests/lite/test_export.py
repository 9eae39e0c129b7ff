import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from keras_fld import models, zoo
from keras_fld._internal import extras
from keras_fld._internal.processor import instruction_set
from keras_fld.cli import cli
from keras_fld.lite import flatbuffer, modes
from keras_fld.lite.exporting import Export, export
from keras_fld.predict import metadata

PRESET = "trnet20_300w"


@pytest.fixture(scope="module")
def preset_model():
    return models.load_model(zoo.keras_file(PRESET))


@pytest.fixture(scope="module")
def exported(small_model, face_crops, tree, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    names = ["float32", "int8_full"]
    return folder, export(small_model, folder, names, face_crops, "300w", tree)


def test_every_file_has_its_size_time_and_nme(exported):
    folder, result = exported
    assert [row["mode"] for row in result.rows] == ["float32", "int8_full"]
    for row in result.rows:
        assert row["bytes"] == (folder / row["file"]).stat().st_size
        assert row["p50_ms"] > 0
        # float32 is equal to the Keras model, integer modes are close to it.
        tolerance = 0.001 if row["mode"] == "float32" else 5
        assert row["nme"]["common"] == pytest.approx(result.reference["common"], abs=tolerance)
    saved = json.loads((folder / "export.json").read_text())
    assert saved["files"] == result.rows and saved["keras"]["nme"] == result.reference


def test_table_has_a_line_for_each_mode(exported):
    _, result = exported
    *lines, last = str(result).splitlines()
    assert re.split(r"  +", lines[0].strip())[:3] == ["mode", "bytes", "p50 ms"]
    assert "common NME %" in lines[0] and "instr." not in lines[0]
    assert [line.split()[0] for line in lines[1:]] == ["Keras", "float32", "int8_full"]
    assert lines[2].split()[1] == f"{result.rows[0]['bytes']:,}"
    assert len({len(line) for line in lines}) == 1
    assert last == f"fastest here ({instruction_set()}): {', '.join(result.fastest)}"


def test_the_fastest_file_is_the_one_measured():
    row = {"mode": "int8", "bytes": 1, "nme": {}, "instructions": {}, "p50_ms": 6.6}
    rows = [{**row, "mode": "float32", "p50_ms": 6.5}, row, {**row, "mode": "dynamic", "p50_ms": 9}]
    result = Export(rows, {}, instruction_set="AVX2")
    assert str(result).splitlines()[-1] == "fastest here (AVX2): float32, int8"
    assert result.as_dict()["fastest"] == ["float32", "int8"]
    assert result.as_dict()["instruction_set"] == "AVX2"
    assert "fastest" not in str(Export(rows[:1], {}))


@pytest.mark.parametrize(
    "names", [("float16", "int8"), pytest.param(None, marks=pytest.mark.nightly)]
)
def test_a_preset_without_a_dataset_brings_its_own_int8_file(names, preset_model, tmp_path):
    result = export(preset_model, tmp_path, names, preset=PRESET)
    assert [row["mode"] for row in result.rows] == list(names or modes.MODES)
    assert (tmp_path / "model_int8.tflite").read_bytes() == zoo.lite_file(PRESET).read_bytes()
    drawn = [] if names else ["int8_full is calibrated on generated faces"]
    assert result.notes[: 2 + len(drawn)] == [
        "int8 is the preset's own file",
        *drawn,
        "NME as published, measured on the test faces of 300w",
    ]
    published = zoo.figures(PRESET)
    assert result.reference == published["keras"]
    assert list(published["files"]) == list(modes.MODES)
    license = zoo.about(PRESET).license
    assert {row["license"] for row in result.rows} == {license}
    for row, line in zip(result.rows, str(result).splitlines()[2:-1], strict=True):
        known = published["files"][row["mode"]]
        if row["graph_sha256"] != known["graph_sha256"]:  # another release of TensorFlow
            assert row["mode"] != "int8"
            assert not row["nme"] and not row["instructions"]
            assert f"no figures are published for this {row['mode']} file" in result.notes
            continue
        assert (row["nme"], row["instructions"]) == (known["nme"], known["instructions"])
        assert f"{known['nme']['common']:.3f}" in line
        assert f"{known['instructions']['cortex-a76']:,}" in line


def test_a_mode_that_is_trained_needs_faces(small_model, tmp_path):
    with pytest.raises(ValueError, match="mode int8_qat needs batches of training faces"):
        export(small_model, tmp_path, ["float32", "int8_qat"])
    assert not list(tmp_path.iterdir())


def test_a_preset_s_files_name_it(small_model, tmp_path):
    export(small_model, tmp_path, ["dynamic"], preset=PRESET)
    assert metadata.read(tmp_path / "model_dynamic.tflite")["preset"] == PRESET


def test_own_files_are_copied_without_keras(tmp_path):
    code = (
        "import sys; from keras_fld.cli import cli; "
        "cli(sys.argv[1:], standalone_mode=False); "
        "sys.exit(bool({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    arguments = ["export", "--preset", PRESET, "--mode", "int8", "--detector"]
    process = [sys.executable, "-c", code, *arguments, "--out", tmp_path]
    assert subprocess.run(list(map(str, process)), stdout=subprocess.DEVNULL).returncode == 0
    assert (tmp_path / "model_int8.tflite").read_bytes() == zoo.lite_file(PRESET).read_bytes()
    assert (tmp_path / "face_detection_short_range.tflite").exists()


@pytest.mark.parametrize("names", [["int8", "float32"], None])
def test_without_a_model_there_are_own_files_only(names, tmp_path):
    with pytest.raises(ValueError, match="model must be given, except for the int8 file"):
        export(None, tmp_path / "out", names, preset=PRESET)
    with pytest.raises(ValueError, match="model must be given"):
        export(None, tmp_path / "out", ["int8"])
    assert not (tmp_path / "out").exists()


def test_a_mode_that_is_converted_needs_tensorflow(monkeypatch, tmp_path):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    arguments = ["--preset", PRESET, "--mode", "int8", "--mode", "float32", "--mode", "dynamic"]
    needs = r'Conversion to float32, dynamic needs TensorFlow: pip install "keras-fld\[tensorflow'
    with pytest.raises(ImportError, match=needs):
        command(*arguments, "--out", tmp_path / "out")
    with pytest.raises(ImportError, match="Conversion needs TensorFlow: pip install"):
        command("--preset", PRESET, "--all", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def counts(path, preset, instructions=20_812_345):
    """The JSON that tflite/arm/run.py writes for the int8 file of a preset."""
    results = [{"cpu": "cortex-a76", "instructions": instructions, "runs": 3}]
    graph = flatbuffer.graph_sha256(zoo.lite_file(preset).read_bytes())
    model = {"graph_sha256": graph, "results": results}
    path.write_text(json.dumps({"models": [model]}))
    return path


def test_arm_instructions_are_of_the_very_file(preset_model, tmp_path):
    arm = counts(tmp_path / "arm.json", PRESET)
    result = export(preset_model, tmp_path / "a", ["int8"], preset=PRESET, arm=arm)
    assert result.rows[0]["instructions"] == {"cortex-a76": 20_812_345}
    head, keras, row = str(result).splitlines()
    assert head.endswith("cortex-a76 instr.") and row.endswith(" 20,812,345")
    assert keras.endswith(" -")
    other = counts(tmp_path / "other.json", "trnet20_300w_fast")
    result = export(preset_model, tmp_path / "b", ["int8"], preset=PRESET, arm=other)
    assert result.rows[0]["instructions"] == {}
    assert result.notes[-1] == f"{other} has no instructions of this int8 file"


def test_a_file_that_is_no_count_is_named(preset_model, tmp_path):
    (tmp_path / "arm.json").write_text('{"models": [{}]}')
    with pytest.raises(ValueError, match="arm.json: not what tflite/arm/run.py --json wrote"):
        export(preset_model, tmp_path / "a", ["int8"], preset=PRESET, arm=tmp_path / "arm.json")
    assert not (tmp_path / "a").exists()


def command(*arguments):
    """Returns the output of `keras-fld export`; errors are raised."""
    from click.testing import CliRunner

    result = CliRunner().invoke(
        cli, ["export", *map(str, arguments)], standalone_mode=False, catch_exceptions=False
    )
    if result.exception:
        raise result.exception
    return result


def test_command_exports_a_preset_without_a_root(tmp_path):
    result = command("--preset", PRESET, "--mode", "int8", "--out", tmp_path / "out")
    size = f"{zoo.lite_file(PRESET).stat().st_size:,}"
    figures = r" +\d+\.\d{3} +\d\.\d{3}" + 3 * r" +\d\d,\d{3},\d{3}"
    assert re.search(f"int8 +{size}{figures}\n", result.stdout)
    assert "note: NME as published, measured on the test faces of 300w" in result.stderr
    assert f"wrote 1 files and export.json to {tmp_path / 'out'}" in result.stdout


def test_command_copies_the_detector_beside_the_model(tmp_path):
    result = command("--preset", PRESET, "--mode", "int8", "--detector", "--out", tmp_path)
    saved = json.loads((tmp_path / "export.json").read_text())
    # The files of the package's own detector, with their published checksums.
    sums = Path(__file__).parents[2] / "tflite" / "blazeface" / "SHA256SUMS"
    published = dict(line.split()[::-1] for line in sums.read_text().splitlines())
    assert {row["file"]: row["sha256"] for row in saved["detector"]} == published
    for row in saved["detector"]:
        content = (tmp_path / row["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        assert row["license"] == "Apache-2.0"
        assert f"{row['file']}  {len(content):,} bytes  Apache-2.0\n" in result.stdout
    assert [row["mode"] for row in saved["files"]] == ["int8"]
    assert "wrote 3 files and export.json" in result.stdout


def test_the_detector_is_not_copied_unasked(exported):
    folder, result = exported
    assert result.detector == [] and "detector" not in result.as_dict()
    assert not list(folder.glob("face_detection*"))


def test_command_calibrates_and_evaluates_with_a_root(small_model, tree, tmp_path):
    model = tmp_path / "model.keras"
    small_model.save(model)
    result = command(model, "--out", tmp_path / "out", "--mode", "int8", "--root", tree)
    row = next(line for line in result.stdout.splitlines() if line.startswith("int8")).split()
    assert 0 < float(row[3]) < 100
    assert (tmp_path / "out" / "model_int8.tflite").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--all"], "give either MODEL or --preset"),
        (["--all", "--preset", PRESET, "a.keras"], "give either MODEL or --preset"),
        (["--preset", PRESET], "either --all or one or more --mode must be given"),
        (["--all", "--preset", "none"], f"preset must be one of .*{PRESET}.* Got: 'none'"),
        (
            ["--mode", "int8_qat", "--preset", "trnet20_free"],
            "mode int8_qat is not available: training needs a dataset",
        ),
        (["--mode", "none", "--preset", PRESET], "mode must be one of .*Got: 'none'"),
    ],
)
def test_wrong_arguments(arguments, message):
    import click

    with pytest.raises((ValueError, click.UsageError), match=message):
        command(*arguments, "--out", "out")
