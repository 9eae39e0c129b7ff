"""--json: standard output contains only JSON, with the figures of the files and tables.

`test_bars.py` checks it for a process, whose converter prints from C++.
"""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from keras_fld import zoo
from keras_fld._internal.files import json_text, read_json
from keras_fld.cli import cli

PRESET = zoo.lite_file("trnet20_300w")


def run(*arguments):
    """Returns the JSON that a command prints, and its standard error."""
    result = CliRunner().invoke(cli, [*map(str, arguments), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout), result.stderr


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory):
    pytest.importorskip("tensorflow")
    from keras_fld import models

    path = tmp_path_factory.mktemp("json") / "model.keras"
    models.TRNet20(input_size=32, width=0.25).save(path)
    return path


def test_evaluate_prints_what_its_files_hold(tree, tmp_path):
    found, said = run(
        "evaluate", PRESET, "--root", tree, "--flip", "--occlusion", "--out", tmp_path
    )
    assert found.pop("flip") == read_json(tmp_path / "flip/evaluation.json")
    assert found.pop("occlusion") == read_json(tmp_path / "occlusion.json")
    assert found == read_json(tmp_path / "evaluation.json")
    assert found["license"] == zoo.about("trnet20_300w").license
    assert f"wrote {tmp_path / 'occlusion.json'}" in said and "note: challenge:" in said
    assert "subset" not in said, "tables are for people"


def test_evaluate_prints_both_files_of_a_preset(tree):
    pytest.importorskip("tensorflow")
    found, _ = run("evaluate", "--preset", "trnet20_300w", "--root", tree, "--subset", "common")
    assert list(found) == ["keras", "tflite"]
    assert {part["license"] for part in found.values()} == {zoo.about("trnet20_300w").license}
    assert found["tflite"]["rows"][0]["nme"] == pytest.approx(found["keras"]["rows"][0]["nme"], 0.1)


def test_evaluate_prints_what_a_detector_costs(tree):
    found, _ = run("evaluate", PRESET, "--root", tree, "--detector", "haar", "--passes", 1)
    assert (found["detector"], found["rows"][0]["faces"]) == ("haar", 6)
    assert found["license"] == zoo.about("trnet20_300w").license


def test_compare_prints_the_differences(tree, tmp_path):
    run("evaluate", PRESET, "--root", tree, "--out", tmp_path)
    files = (tmp_path / "evaluation.json", tmp_path / "evaluation.json")
    found, said = run("compare", *files, "--out", tmp_path / "c.json")
    assert found == read_json(tmp_path / "c.json") and found["rows"][0]["difference"] == 0
    assert "wrote" in said
    table = CliRunner().invoke(cli, ["compare", *map(str, files)])
    assert "95 % range" in table.stdout and "{" not in table.stdout


def test_benchmark_prints_a_row_for_each_model():
    found, _ = run("benchmark", PRESET, "trnet20_300w", "--runs", 5)
    assert [row["runs"] for row in found["models"]] == [5, 5]
    assert found["models"][0]["ratio_to_first"] == 1
    assert found["models"][0]["bytes"] == PRESET.stat().st_size
    assert {row["license"] for row in found["models"]} == {zoo.about("trnet20_300w").license}
    assert found["instruction_set"]


def test_export_and_parity_print_what_their_files_hold(keras_file, tree, tmp_path):
    found, _ = run("export", keras_file, "--out", tmp_path, "--mode", "float32", "--root", tree)
    assert found == read_json(tmp_path / "export.json")
    file = tmp_path / "model_float32.tflite"
    arguments = ("--reference", keras_file, "--root", tree, "--out", tmp_path)
    found, said = run("parity", file, *arguments)
    assert found == read_json(tmp_path / "parity.json") and "parity.html" in said


def test_bad_input_prints_no_json(tmp_path):
    result = CliRunner().invoke(cli, ["evaluate", str(tmp_path / "a.tflite"), "--json"])
    assert result.stdout == "" and "a.tflite" in str(result.exception)


def test_every_command_with_a_table_has_the_option():
    for path in (
        ["evaluate"],
        ["compare"],
        ["convert"],
        ["export"],
        ["parity"],
        ["benchmark"],
        ["qat"],
        ["compress"],
        ["reproduce"],
        ["datasets", "list"],
        ["datasets", "check"],
    ):
        assert "--json " in CliRunner().invoke(cli, [*path, "--help"]).output, path


def test_what_is_not_known_is_null():
    assert json.loads(json_text({"nme": float("nan")})) == {"nme": None}


def test_prepare_and_label_print_their_counts(tree, tmp_path):
    out = tmp_path / "prepared"
    found, said = run("prepare", "300w", tree, "--out", out, "--processes", 1)
    manifest = read_json(out / "manifest.json")["splits"]
    assert {split: row["faces"] for split, row in found["splits"].items()} == {
        split: sum(shard["faces"] for shard in part["shards"]) for split, part in manifest.items()
    }
    train = found["splits"]["train"]
    assert train["bytes"] == sum(path.stat().st_size for path in out.glob("train-*.tfrecord"))
    assert "note:" in said
    arguments = ("label", "trnet20_300w", "pts", tree / "lfpw/trainset")
    found, _ = run(*arguments, "--out", tmp_path / "labeled", "--views", 2, "--tolerance", 9)
    assert found["faces"] == found["labeled"] == len(list((tree / "lfpw/trainset").glob("*.pts")))
    assert found["disagreement"] > 0


def test_predict_prints_what_it_wrote_and_what_failed(tree, tmp_path):
    photo = next((tree / "afw").glob("*.png"))
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"")
    out = tmp_path / "out"
    arguments = ["predict", photo, bad, "--out", out, "--box", "20,20,80,80", "--json"]
    result = CliRunner().invoke(cli, list(map(str, arguments)))
    assert result.exit_code == 2
    found = json.loads(result.stdout)
    (done,), (error,) = found["files"], found["errors"]
    assert (found["model"], found["license"]) == ("trnet20_300w", "LicenseRef-300W-Weights")
    assert (done["input"], done["faces"]) == (str(photo), 1)
    assert {Path(path) for path in done["files"]} == set(out.iterdir()), done
    assert "bad.jpg" in error and error in result.stderr
    result = CliRunner().invoke(cli, ["predict", str(photo), "--out", str(photo.parent), "--json"])
    found = json.loads(result.stdout)
    assert result.exit_code == 2 and not found["files"] and str(photo.parent) in found["errors"][0]


def test_training_prints_its_last_epoch(eagerly, keras_file, tree, tmp_path):
    small = ["--epochs", "2", "--batch-size", "8", "--network", "tests.tiny:tiny"]
    found, _ = run("train", "--root", tree, "--out", tmp_path / "run", *small)
    assert found["recipe"]["epochs"] == 2 and found["last"]["epoch"] == 1
    out = tmp_path / "refined.keras"
    arguments = ("--root", tree, "--rounds", 1, "--quiet")
    found, _ = run("refine", keras_file, "--out", out, *arguments)
    assert found["bytes"] == out.stat().st_size


def test_sdm_prints_what_its_file_tells(tree, tmp_path):
    found, said = run("baseline", "sdm", "--root", tree, "--out", tmp_path / "sdm.npz")
    assert found == read_json(tmp_path / "sdm.json") and "stage 1" in said
