import json
from dataclasses import replace

import cv2
import keras
import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("tensorflow")

from keras_fld import evaluation, models  # noqa: E402
from keras_fld._internal.files import write_json
from keras_fld.cli import cli  # noqa: E402
from keras_fld.data import catalog  # noqa: E402
from keras_fld.geometry.frame import FaceCrop
from keras_fld.reproduce import TABLES, generated, render, runs, search, steps, tables  # noqa: E402
from keras_fld.reproduce.table import reproduce  # noqa: E402
from tests.eager import eager  # noqa: E402

RECIPE = {"epochs": 1, "batch_size": 12, "input_size": 32, "warmup": 0.0, "averaging": 0.9}
L2, OURS = TABLES["table2"].rows[0], TABLES["table2"].rows[-1]


@pytest.fixture(scope="module")
def cofw(tmp_path_factory):
    return generated.write("cofw", tmp_path_factory.mktemp("faces") / "cofw", FaceCrop(32))


@pytest.fixture(scope="module")
def filled(cofw, tmp_path_factory):
    """Table 2 with two of its rows measured: the folder and the result."""
    out = tmp_path_factory.mktemp("table")
    chosen = ["cnn-6 + l2", "TRNet-20 + ENME + RM"]
    settings = runs.Settings(out, RECIPE, rounds=1)
    with eager():
        return out, reproduce(TABLES["table2"], {"cofw": cofw}, settings, methods=chosen)


def test_the_tables_are_the_papers():
    sizes = {name: len(table.rows) for name, table in TABLES.items()}
    assert sizes == {"table2": 8, "table3": 5, "table4": 6, "table5": 8, "figure4": 6}
    # The last row of Table 2 is the one that Tables 3 to 5 compare with others.
    last = [TABLES[name].rows[-1].paper for name in ("table3", "table4", "table5")]
    assert OURS.paper == last[0] | last[1] | last[2]
    whole = TABLES["table5"].rows[-1].paper
    # The full set is 554 common and 135 challenge faces.
    assert (554 * whole["common"] + 135 * whole["challenge"]) / 689 == pytest.approx(4.63, abs=0.01)
    keys = {column.key for columns in tables.COLUMNS.values() for column in columns}
    for table in TABLES.values():
        for row in table.rows:
            assert set(row.paper) <= keys
            if row.network:
                assert row.rate > 0
                runs.recipe_of(row, table.datasets[0], runs.Settings("out"))
        for column in table.columns:
            assert column.subset in catalog.get(column.dataset).tests


def test_a_row_is_a_run_with_its_evaluation_and_the_refined_module_on_top(filled):
    out, result = filled
    assert [row["method"] for row in result["rows"] if row["measured"]] == [L2.method, OURS.method]
    ours = result["rows"][-1]
    folder = out / "runs/cofw/trnet20-enme-alpha2/seed0"
    names = {path.name for path in folder.iterdir()}
    assert names == {"recipe.json", "log.csv", "model.keras", "refined"}
    assert json.loads((folder / "refined/refine.json").read_text()) == {"rounds": 1}
    saved = json.loads((folder / "refined/evaluation.json").read_text())
    by_normalizer = {row["normalizer"]: row["nme"] for row in saved["rows"]}
    assert ours["measured"]["cofw"]["nme"] == by_normalizer["inter_ocular"]
    assert ours["measured"]["cofw_pupil"]["nme"] == by_normalizer["inter_pupil"]
    before = models.load_model(folder / "model.keras").get_weights()
    after = models.load_model(folder / "refined/model.keras").get_weights()
    changed = [(a != b).any() for a, b in zip(before, after, strict=True)]
    assert sum(changed) == 2 and changed[-2:] == [True, True]  # the Dense alone


def test_the_markdown_has_the_papers_figures_beside_the_measured(filled):
    out, result = filled
    text = (out / "table2.md").read_text()
    assert text == render.markdown(result)
    lines = text.splitlines()
    heads = "| Method | AFLW, paper | COFW, paper | COFW, inter-ocular, measured | COFW, inter-"
    assert any(line.startswith(heads) for line in lines)
    line = next(line for line in lines if line.startswith("| CNN-6 + L2 |"))
    measured = result["rows"][0]["measured"]["cofw"]
    low, high = measured["interval"]
    assert f"| 2.41 | 7.03 | {measured['nme']:.2f} [{low:.2f}, {high:.2f}] |" in line
    assert any(
        "aflw: not measured: it needs" in x and "datasets/aflw/README.md" in x for x in lines
    )
    assert json.loads((out / "table2.json").read_text()) == json.loads(json.dumps(result))
    assert "cofw: trained on 24 of the official 1,345 faces (2 %)" in text
    assert "with epochs 1, batch_size 12, input_size 32" in text
    assert ". Rounds of the refined module: 1. Peak" in text
    assert "- CNN-6 + L2, cofw: 0.0015\n" in text


def test_the_steps_from_row_to_row_are_paired_by_face(filled):
    out, result = filled
    faces = [
        json.loads((out / "runs/cofw" / folder / "evaluation.json").read_text())["faces"]["test"]
        for folder in ("cnn6-l2/seed0", "trnet20-enme-alpha2/seed0/refined")
    ]
    change = np.subtract(faces[1]["inter_ocular"], faces[0]["inter_ocular"])
    step = next(step for step in result["steps"] if step["column"] == "cofw")
    assert (step["before"], step["after"]) == (L2.method, OURS.method)
    assert step["difference"] == pytest.approx(change.mean(), abs=1e-3)
    low, high = step["interval"]
    assert change.min() < low < change.mean() < high < change.max()
    text = (out / "table2.md").read_text()
    line = f"| {L2.method} | {OURS.method} | COFW, inter-ocular | -1.64 | {change.mean():+.3f} ["
    assert line in text


def test_a_step_needs_faces_and_seeds_of_both_rows():
    def evaluation(names, errors):
        return {"faces": {"test": {"name": names, "inter_ocular": errors}}}

    errors = steps.Errors(tables.COFW)
    errors.add("a", "cofw", 0, evaluation(["x", "y", "z"], [5.0, 7.0, None]))
    errors.add("a", "cofw", 1, evaluation(["x", "y", "z"], [6.0, 8.0, 1.0]))
    errors.add("c", "cofw", 7, evaluation(["x"], [1.0]))
    errors.add("d", "cofw", 7, evaluation(["other"], [1.0]))
    assert errors.steps(["a", "c"]) == [] and errors.steps(["c", "d"]) == []
    errors.add("b", "cofw", 0, evaluation(["y", "x", "z"], [6.0, 5.5, 1.0]))
    errors.add("b", "cofw", 1, evaluation(["y", "x", "z"], [8.0, 6.0, 1.0]))
    (step,) = errors.steps(["a", "not measured", "b"])
    assert step["by_seed"] == {"0": -0.25, "1": 0.0} and step["difference"] == -0.125
    assert step["interval"] == [-0.5, 0.25]


def test_rows_before_the_reference_are_compared_with_it_too():
    errors = steps.Errors(tables.COFW)
    for method, error in zip("abcd", (4.0, 3.0, 2.5, 1.0), strict=True):
        faces = {"name": ["x"], "inter_ocular": [error]}
        errors.add(method, "cofw", 0, {"faces": {"test": faces}})
    found = errors.steps(list("abcd"), "c")
    pairs = [(step["before"], step["after"], step["difference"]) for step in found]
    assert pairs == [("a", "b", -1.0), ("b", "c", -0.5), ("c", "d", -1.5), ("a", "c", -1.5)]
    assert tables.TABLE2.reference in [row.method for row in tables.TABLE2.rows]


def test_a_table_has_all_that_the_folder_holds(filled, cofw, monkeypatch):
    out, result = filled
    monkeypatch.setattr(runs, "run", lambda *arguments: pytest.fail("trained again"))
    only = reproduce(
        TABLES["table2"], {"cofw": cofw}, runs.Settings(out, RECIPE, rounds=1), methods=[L2.method]
    )
    assert [row["measured"] for row in only["rows"]] == [row["measured"] for row in result["rows"]]
    # Of other settings there is nothing.
    row, settings = OURS, runs.Settings(out, RECIPE, rounds=2)
    assert runs.finished(row, "cofw", 0, settings) is None
    assert runs.finished(L2, "cofw", 0, settings)[0] == L2.rate
    assert runs.finished(L2, "cofw", 0, replace(settings, recipe={"epochs": 2})) is None
    assert runs.finished(L2, "cofw", 1, settings) is None
    monkeypatch.undo()
    with pytest.raises(ValueError, match="already contains a refined module with .*1.*Got: .*2"):
        runs.run(row, "cofw", cofw, 0, row.rate, settings)


def test_a_table_tells_what_earlier_searches_chose(filled, cofw, tmp_path):
    out, _ = filled
    choice = {"learning_rate": L2.rate, "candidates": {"0.01": None, f"{L2.rate:g}": 9.5}}
    folder = out / "search/cofw/cnn6-l2"
    write_json(folder / "choice.json", {"recipe": {}, **choice})
    settings = runs.Settings(out, RECIPE, rounds=1)
    only = reproduce(TABLES["table2"], {"cofw": cofw}, settings, methods=[L2.method])
    assert next(row for row in only["rows"] if row["method"] == L2.method)["searches"] == {
        "cofw": choice
    }
    said = f"- {L2.method}, cofw: {L2.rate:g}, the best of {L2.rate:g}, 0.01 on held-out"
    assert said in (out / "table2.md").read_text("utf-8")
    (folder / "choice.json").write_text("[]", "utf-8")
    with pytest.raises(ValueError, match="choice.json: not the result of a search"):
        reproduce(TABLES["table2"], {"cofw": cofw}, settings, methods=[L2.method])
    (folder / "choice.json").unlink()


def test_nothing_done_is_repeated_and_what_was_cut_off_goes_on(eagerly, filled, cofw, monkeypatch):
    out, result = filled
    settings = runs.Settings(out, RECIPE, rounds=1)
    folder = out / "runs/cofw/trnet20-enme-alpha2/seed0/refined"
    found = (folder / "evaluation.json").read_text()
    (folder / "evaluation.json").unlink()  # killed before it was written

    def refuse(*arguments, **options):
        raise AssertionError("trained again")

    monkeypatch.setattr(keras.Model, "fit", refuse)
    again = reproduce(TABLES["table2"], {"cofw": cofw}, settings, methods=[OURS.method])
    assert again["rows"][-1]["measured"] == result["rows"][-1]["measured"]
    assert (folder / "evaluation.json").read_text() == found
    monkeypatch.setattr(evaluation, "evaluate", refuse)
    reproduce(TABLES["table3"], {"cofw": cofw}, settings)  # the same run
    with pytest.raises(ValueError, match="already contains a run with epochs = 1. Got: 2"):
        other = replace(settings, recipe={**RECIPE, "epochs": 2})
        reproduce(TABLES["table3"], {"cofw": cofw}, other)


def test_seeds_give_mean_and_spread(filled, monkeypatch):
    figures = {0: 5.0, 1: 7.0}

    def run(row, dataset, root, seed, rate, settings):
        rows = [{"subset": "test", "normalizer": "inter_ocular", "faces": 8, "interval": [4, 8]}]
        return {"rows": [{**rows[0], "nme": figures[seed]}], "notes": ["test: a note"]}

    out, _ = filled
    monkeypatch.setattr(runs, "run", run)
    root = generated.write("cofw", out / "faces", FaceCrop(32))
    settings = runs.Settings(out / "seeds")
    result = reproduce(TABLES["table3"], {"cofw": root}, settings, (0, 1))
    measured = result["rows"][-1]["measured"]["cofw"]
    assert measured == {"nme": 6, "seeds": 2, "spread": np.sqrt(2), "interval": None}
    text = render.markdown(result)
    assert result["steps"] == []  # one row alone
    assert "| 6.00 ± 1.41 |" in text and "seeds 0, 1" in text
    assert text.count("cofw: test: a note") == 1
    # The runs have no figure of the other normalizer.
    assert "| ESR | 11.20 | not measured |\n" in text


def test_a_search_takes_the_best_rate_that_stays_finite(eagerly, cofw, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "SEARCH_FACTORS", (1.0, 1e33))
    monkeypatch.setattr(search, "SEARCH_MOST", 2)
    monkeypatch.setattr(search, "SEARCH_VALIDATION", 0.3)
    settings = runs.Settings(tmp_path, RECIPE)
    row = replace(L2, learning_rate=1e-3)
    choice = search.search(row, "cofw", cofw, settings)
    assert choice["learning_rate"] == 1e-3
    assert choice["candidates"]["1e+30"] is None and 0 < choice["candidates"]["0.001"] < 200
    folder = tmp_path / "search/cofw/cnn6-l2"
    assert json.loads((folder / "choice.json").read_text())["candidates"] == choice["candidates"]
    recipe = json.loads((folder / "0.001/recipe.json").read_text())["recipe"]
    assert recipe["validation"] == 0.3

    def refuse(*arguments, **options):
        raise AssertionError("trained again")

    monkeypatch.setattr(keras.Model, "fit", refuse)
    assert search.search(row, "cofw", cofw, settings) == choice
    assert search.kept(row, "cofw", settings) == choice
    assert search.kept(OURS, "cofw", settings) is None
    (folder / "0.001/recipe.json").rename(folder / "0.001/diverged.json")
    (folder / "0.001/diverged.json").write_text(json.dumps(recipe))
    with pytest.raises(ValueError, match="training diverged with every rate"):
        search.search(row, "cofw", cofw, settings)


def test_a_search_takes_bad_data_for_no_divergence(tmp_path):
    with pytest.raises(ValueError, match="the loss must stay finite: no such folder"):
        settings = runs.Settings(tmp_path, RECIPE)
        search.search(L2, "cofw", tmp_path / "the loss must stay finite", settings)
    assert not list(tmp_path.rglob("diverged.json"))


def test_a_search_goes_on_beyond_an_end_that_is_best(tmp_path, monkeypatch):
    tried = []

    def candidate(recipe, folder, root, settings):
        tried.append(recipe.learning_rate)
        return None if recipe.learning_rate > 0.02 else abs(recipe.learning_rate - best)

    monkeypatch.setattr(search, "_candidate", candidate)
    row = replace(L2, learning_rate=1e-3)
    for best, expected in (
        (1e-3, [3e-4, 1e-3, 3e-3]),
        (8e-3, [3e-4, 1e-3, 3e-3, 9e-3, 0.027]),
        (4e-5, [3e-4, 1e-3, 3e-3, 1e-4, 3.33e-5, 1.11e-5]),
    ):
        tried.clear()
        choice = search.search(row, "cofw", None, runs.Settings(tmp_path), epochs=1)
        assert tried == expected
        assert abs(choice["learning_rate"] - best) == min(abs(rate - best) for rate in expected)


def test_generated_faces_are_read_as_the_dataset(tmp_path):
    root = generated.write("aflw", tmp_path / "aflw", FaceCrop(32))
    faces = catalog.read("aflw", root, "full")
    assert len(faces) == generated.TEST and faces.scheme.num_landmarks == 19
    assert faces.normalizers[0] == "face_box" and faces.faces[0].distances["face_box"] > 10
    root = generated.write("300w", tmp_path / "300w", FaceCrop(32))
    common, challenge, full = (
        {face.name for face in catalog.read("300w", root, split).faces}
        for split in ("common", "challenge", "full")
    )
    assert full == common | challenge and not common & challenge


def test_figure_4_is_drawn_with_a_panel_for_each_dataset_measured(tmp_path):
    table = tables.figure4((0.0, 2.0, 4.0))
    assert [row.loss_options["alpha"] for row in table.rows] == [0, 2, 4]
    rows = [
        {
            "method": row.method,
            "measured_here": True,
            "loss_options": row.loss_options,
            "paper": {},
            "runs": [{"dataset": "cofw", "figures": {"cofw": {}}, "learning_rate": 5e-4}],
            "searches": {},
            "measured": {"cofw": {"nme": nme, "seeds": 2, "spread": 0.1, "interval": None}},
        }
        for row, nme in zip(table.rows, (6.7, 6.5, 6.6), strict=True)
    ]
    columns = [vars(column) for column in table.columns]
    about = {"table": "figure4", "title": table.title, "synthetic": False, "seeds": [0, 1]}
    about |= {"recipe": {}, "rounds": 30, "backend": "jax", "steps": [], "datasets": ["cofw"]}
    render.write({**about, "columns": columns, "rows": rows, "notes": []}, tmp_path)
    one = cv2.imread(str(tmp_path / "figure4.png"))
    for row in rows:
        row["measured"]["aflw"] = {"nme": 1.9, "seeds": 1, "spread": None, "interval": [1.8, 2.1]}
    render.write({**about, "columns": columns, "rows": rows, "notes": []}, tmp_path)
    two = cv2.imread(str(tmp_path / "figure4.png"))
    assert two.shape[1] == 2 * one.shape[1] and (one < 200).any()
    assert "paper" not in (tmp_path / "figure4.md").read_text().split("|")[3]


def test_wrong_calls_are_refused(cofw, tmp_path):
    settings = runs.Settings(tmp_path, RECIPE)
    for roots, options, rule in (
        ({"300w": cofw}, {}, "a dataset of table3 must be one of cofw. Got: '300w'"),
        ({"cofw": cofw}, {"methods": ["ESR"]}, "must be one of TRNet-20 .* Got: 'ESR'"),
        ({"cofw": cofw}, {"seeds": (1, 1)}, "seeds must be different"),
        ({"cofw": tmp_path / "none"}, {}, "no such folder"),
    ):
        with pytest.raises(ValueError, match=rule):
            reproduce(TABLES["table3"], roots, settings, **options)
    with pytest.raises(ValueError, match="alpha must be at least 0. Got: -1"):
        tables.figure4((-1.0,))


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["table9"], "TABLE must be one of table2, .*figure4. Got: 'table9'"),
        (["table2", "--root", "aflw"], "--root must be NAME=FOLDER, .*Got: aflw"),
        (["table2", "--root", "aflw=a", "--root", "aflw=b"], "name a dataset once"),
        (["table2", "--seeds", "one"], "--seeds must be whole numbers from 0.*Got: one"),
        (["table2", "--alpha", "2"], "--alpha is only for figure4. Got: table2"),
        (["table2", "--search-epochs", "2"], "--search-epochs needs --search"),
        (["table2", "--synthetic", "--root", "aflw=a"], "--synthetic takes no --root. Got: aflw"),
        (["table2", "--root", "mtfl=a"], "a dataset of table2 must be one of .*Got: 'mtfl'"),
    ],
)
def test_the_command_refuses_bad_arguments(arguments, rule, tmp_path):
    result = CliRunner().invoke(cli, ["reproduce", *arguments, "--out", str(tmp_path / "o")])
    assert isinstance(result.exception, ValueError)
    with pytest.raises(ValueError, match=rule):
        raise result.exception


def test_without_datasets_the_command_says_what_they_are(tmp_path):
    result = CliRunner().invoke(cli, ["reproduce", "table5", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert (
        "300w: not measured: it needs the released files (train 3,148, common 554" in result.output
    )
    assert "| RF-CHN | 4.18 | not measured | 7.39 |" in result.output


@pytest.mark.nightly
def test_the_command_tries_a_table_on_generated_faces(tmp_path):
    arguments = ["reproduce", "table2", "--synthetic", "--row", "CNN-6 + L2"]
    result = CliRunner().invoke(cli, [*arguments, "--out", str(tmp_path)])
    assert result.exit_code == 0, (result.output, result.exception)
    assert "A trial with generated faces" in result.output
    saved = json.loads((tmp_path / "synthetic/table2.json").read_text())
    assert saved["synthetic"]
    assert set(saved["rows"][0]["measured"]) == {"aflw", "cofw", "cofw_pupil"}
