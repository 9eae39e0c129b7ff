"""The documents' tables are what results/ gives, and follow what a run is."""

import json
import re
import shutil
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")  # counts the networks' parameters

from keras_fld import zoo  # noqa: E402
from tests.docs import tables  # noqa: E402
from tests.docs.runs import RESULTS, load_runs  # noqa: E402


@pytest.fixture(scope="module")
def runs():
    return load_runs()


@pytest.fixture
def results(tmp_path):
    """A copy of the results, to be changed."""
    return Path(shutil.copytree(RESULTS, tmp_path / "results"))


def change(path, function):
    content = json.loads(path.read_text("utf-8"))
    function(content)
    path.write_text(json.dumps(content), "utf-8")


def test_the_tables_are_what_the_runs_give(runs):
    texts = [page.read_text("utf-8") for page in tables.PAGES]
    found = [name for text in texts for name in re.findall("<!-- table: (.*?) -->", text)]
    assert sorted(found) == sorted(tables.BLOCKS)
    assert texts == [tables.rewritten(text, runs) for text in texts], "make tables writes them"


def test_the_presets_table_is_about_the_shipped_file(runs):
    preset = next(run for run in runs if run.preset == "trnet20_300w")
    size = zoo.lite_file("trnet20_300w").stat().st_size
    assert preset.files["int8.tflite"][0] == size
    assert any(f"| {size:,} bytes |" in line for line in tables.preset_table(runs))


def test_a_changed_figure_or_another_folder_changes_the_tables(runs, results):
    before = {name: table(runs) for name, table in tables.BLOCKS.items()}
    folder = next(run.name for run in runs if run.preset)
    (results / folder).rename(results / "300w_new")

    def worse(content):
        content["rows"][0]["nme"] += 7
        content["regions"]["common"]["nose"] = 12.3456

    change(results / "300w_new/model/evaluation.json", worse)
    again = load_runs(results)
    after = {name: table(again) for name, table in tables.BLOCKS.items()}
    figure = f"{runs[0].nme() + 7:.3f}"
    assert figure in "".join(after["preset"]) and "results/300w_new" in "".join(after["preset"])
    assert figure in "".join(after["published"]) and "12.346" in "".join(after["regions"])
    assert after["models"] == before["models"]


def test_a_preset_that_no_run_measured_has_no_row(results, runs):
    folder = next(run.name for run in runs if run.preset)

    def other(content):
        for file in content["files"]:
            file["sha256"] = "0" * 64

    def twice(content):
        again = {**content["files"][0], "path": "other/" + Path(content["files"][0]["path"]).name}
        content["files"].append(again)
        content["results"].append({**content["results"][0], "model": again["path"]})

    for run in runs:
        if run.preset:
            change(results / run.name / "benchmark.json", other)
    again = load_runs(results)
    assert not any(run.preset for run in again) and len(tables.preset_table(again)) == 2
    change(results / folder / "benchmark.json", twice)
    with pytest.raises(ValueError, match="must have measured one file of a name"):
        load_runs(results)


def test_a_baseline_is_a_row_with_its_command(results):
    command = "keras-fld baseline sdm --root 300w --out sdm.npz --starts 2"
    change(results / "300w_sdm/sdm.json", lambda content: content.update(command=command))
    (line,) = (
        line for line in tables.model_table(load_runs(results)) if line.startswith("| SDM |")
    )
    assert f"| `{command}`, then `keras-fld evaluate sdm.npz --root 300w` |" in line


def test_a_recipe_without_a_name_is_linked(results, runs):
    change(
        results / "300w_trnet20_enme/recipe.json", lambda content: content["recipe"].update(seed=77)
    )
    text = "\n".join(tables.model_table(load_runs(results)))
    assert "with [this recipe](results/300w_trnet20_enme/recipe.json), then" in text
    named = "\n".join(tables.model_table(runs))
    assert "`keras-fld train --recipe trnet20_300w_pool --root 300w --out run`, then" in named


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("<!-- table: best -->\n<!-- end of table -->\n", "must be one of summary, .*Got: 'best'"),
        ("<!-- table: preset -->\n| a |\n", "each table must have an end"),
        (
            "<!-- table: preset -->\n<!-- table: models -->\n<!-- end of table -->\n",
            "each table must have an end, .*Got: 1 that have",
        ),
    ],
)
def test_bad_markers_are_refused(text, rule, runs):
    with pytest.raises(ValueError, match=rule):
        tables.rewritten(text, runs)


def test_an_evaluation_of_an_unknown_kind_is_named(results):
    shutil.copytree(results / "300w_trnet20_enme/model", results / "300w_trnet20_enme/magic")
    with pytest.raises(ValueError, match="an evaluation must be in model, .*Got: .'magic'"):
        load_runs(results)


def test_results_name_no_place_of_the_machine_they_are_from():
    """A string that begins as an absolute path would be one."""
    found = [
        f"{path.relative_to(RESULTS)}: {text}"
        for path in sorted(RESULTS.rglob("*.json"))
        for text in re.findall(r'"((?:/|[A-Z]:\\\\)[^"]*)"', path.read_text("utf-8"))
    ]
    assert not found
