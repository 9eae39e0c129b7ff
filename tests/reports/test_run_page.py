"""The report of a run: what a folder holds, the page about it, and the command."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from keras_fld import zoo
from keras_fld.cli import cli
from keras_fld.evaluation.worst import gallery
from keras_fld.reports.run_folder import read_run
from keras_fld.reports.run_page import page

pytest.importorskip("matplotlib")

KEPT = Path(__file__).parents[2] / "results" / "300w_trnet20_windows"


def command(*arguments):
    return CliRunner().invoke(cli, ["report", *map(str, arguments)])


@pytest.fixture
def run(tmp_path):
    """A run folder as `train` and `evaluate --flip --out` leave it, to be changed."""
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("recipe.json", "log.csv", "model/evaluation.json", "model/flip/evaluation.json"):
        target = folder / name.removeprefix("model/")
        target.parent.mkdir(exist_ok=True)
        shutil.copy(KEPT / name, target)
    (folder / "model.keras").write_bytes(b"12345")
    return folder


def change(path, function):
    content = json.loads(path.read_text("utf-8"))
    function(content)
    path.write_text(json.dumps(content), "utf-8")


def test_a_finished_run_is_read_whole(run):
    found = read_run(run)
    assert (found.name, found.epochs, found.model_bytes) == ("run", 320, 5)
    assert found.recipe["loss"] == "enme" and found.about["backend"] == "torch"
    assert [x.name for x in found.evaluations] == [
        "model.keras",
        "model.keras, flip-averaged (flip)",
    ]
    row = found.evaluations[0].rows[0]
    errors = found.evaluations[0].errors["common"]["inter_pupil"]
    assert row["nme"] == pytest.approx(errors.mean(), abs=1e-4) and len(errors) == 554
    assert found.seconds == pytest.approx(sum(found.log["seconds"]))


def test_the_page_has_every_part_and_opens_offline(run):
    text = page(read_run(run))
    for part in (
        "Finished: 320 of 320 epochs, 1 h 26 min of training, model.keras of 5 bytes.",
        "4.386",
        "4.280–4.491",
        "56.16",
        "<th>contour</th>",
        "7.258",
        "inter-ocular",
        "version of keras",
        "3.15.1",
        "{&quot;alpha&quot;: 2.0}",
        "challenge: not evaluated",
    ):
        assert part in text, part
    assert text.count("data:image/png;base64,") == 3, "errors, loss and NME"
    assert not re.search(r"(src|href)=.?(http|/|file)", text)
    assert "largest errors" not in text and str(run.parent) not in text


def test_an_unfinished_run_has_its_curves(run):
    (run / "model.keras").unlink()
    for path in run.rglob("evaluation.json"):
        path.unlink()
    lines = (run / "log.csv").read_text().splitlines(keepends=True)
    (run / "log.csv").write_text("".join(lines[:4]) + lines[4][:9])  # an epoch is being written
    text = page(read_run(run))
    assert "Unfinished: 3 of 320 epochs" in text and "Not evaluated yet" in text
    assert "keras-fld train</code>" in text and "keras-fld evaluate" not in text
    assert text.count("data:image/png") == 2
    (run / "log.csv").unlink()
    text = page(read_run(run))
    assert "Unfinished: 0 of 320 epochs." in text and "No epoch has been completed yet" in text


def test_names_cannot_break_out_of_the_page(run):
    evil = '<script>alert("x")</script>&'

    def spoil(content):
        content["model"] = content["notes"][0] = evil
        content["rows"][0]["subset"] = content["rows"][0]["normalizer"] = evil
        for part in ("faces", "regions", "region_faces"):
            content[part][evil] = content[part].pop("common")

    change(run / "evaluation.json", spoil)
    change(run / "recipe.json", lambda c: c["recipe"].update({"network": evil, evil: evil}))
    folder = run.rename(run.with_name("<img src=x>"))
    text = page(read_run(folder))
    assert "<script" not in text and "<img src=x" not in text
    assert text.count("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;") >= 6


def test_figures_that_are_not_known_are_dashes(run):
    def forget(content):
        content["rows"][0].update(nme=None, interval=[None, None])
        content["regions"]["common"]["nose"] = None

    change(run / "evaluation.json", forget)
    text = page(read_run(run))
    assert "<td>–</td><td>–</td><td>0.18</td>" in text and "3.075" not in text


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("recipe.json", None, "recipe.json: No such file"),
        ("recipe.json", "{", "recipe.json: not a JSON file"),
        ("recipe.json", "[1]", "recipe.json: not a recipe"),
        ("recipe.json", '{"recipe": {"epochs": "x"}}', "recipe.json: not a recipe"),
        ("log.csv", None, "log.csv: No such file"),
        ("log.csv", "loss,nme\n1,2\n", "log.csv, line 1: the first column must be epoch"),
        ("log.csv", "epoch,loss\n0,1\n1\n2,1\n", "log.csv, line 3: must have 2 columns. Got: 1"),
        ("log.csv", "epoch,loss\n0,many\n", "log.csv, line 2: must be numbers. Got: 'many'"),
        ("log.csv", "epoch,loss\nNA,1\n", "every row must contain the number of its epoch"),
        ("log.csv", b"\xff\xfe", "log.csv: not a text file"),
        ("evaluation.json", "{}", "evaluation.json: an evaluation must have 'dataset'"),
        ("flip/evaluation.json", "", "flip/evaluation.json: not a JSON file"),
    ],
)
def test_a_damaged_or_missing_file_is_named(run, name, content, rule):
    if content is None:
        (run / name).unlink()
    else:
        (run / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    result = command(run)
    assert isinstance(result.exception, ValueError)
    assert rule in str(result.exception) and str(run) in str(result.exception)
    assert not (run / "report.html").exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.pop("rows"),
        lambda content: content["rows"][0].update(nme="good"),
        lambda content: content["rows"][0].update(interval=[1]),
        lambda content: content["faces"]["common"]["inter_pupil"].__setitem__(0, "x"),
        lambda content: content.update(regions={"common": {"nose": "x"}}),
        lambda content: content.update(regions={"common": 3}),
    ],
)
def test_figures_of_another_kind_are_refused_with_the_files_name(run, spoil):
    change(run / "evaluation.json", spoil)
    with pytest.raises(ValueError, match="evaluation.json: .* must be (complete|numbers)"):
        read_run(run)


def test_the_command_writes_beside_the_run_or_where_it_is_told(run, tmp_path):
    result = command(run)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"wrote {run / 'report.html'}\n"
    assert command(run, "--out", tmp_path / "a.html").exit_code == 0
    assert (tmp_path / "a.html").read_text("utf-8") == (run / "report.html").read_text("utf-8")
    assert "--out must end in .html" in str(command(run, "--out", tmp_path / "a.pdf").exception)
    assert "no such folder" in str(command(tmp_path / "none").exception)
    result = command(run, "--root", tmp_path / "none", "--model", "trnet20_300w")
    assert f"{tmp_path / 'none'}: no such folder" in str(result.exception)


def test_the_gallery_shows_the_worst_faces_first(tree):
    model = zoo.lite_file("trnet20_300w")
    worst = gallery(model, "300w", tree, count=4, size=200)
    from keras_fld import evaluation

    report = evaluation.evaluate(model, "300w", tree)
    errors = {}
    for result in report.subsets:
        errors |= dict(zip(result.names, result.errors["inter_pupil"], strict=True))
    expected = sorted(errors.items(), key=lambda pair: -pair[1])[:4]
    assert [(face.name, face.error) for face in worst] == expected
    for face in worst:
        assert face.picture.shape == (200, 200, 3)
        red, green, blue = face.picture.astype(int).transpose(2, 0, 1)
        assert ((green > 180) & (red < 120)).sum() > 60, "rings"
        assert ((red > 200) & (green < 110) & (blue < 130)).sum() > 60, "dots"
    with pytest.raises(ValueError, match="count must be at least 1. Got: 0"):
        gallery(model, "300w", tree, count=0)


def test_the_gallery_of_prepared_faces_shows_what_the_model_sees(tree, tmp_path):
    arguments = ["prepare", "300w", tree, "--out", tmp_path / "prepared"]
    arguments += ["--processes", 1, "--quiet", "--size", 128]
    assert CliRunner().invoke(cli, list(map(str, arguments))).exit_code == 0
    model = zoo.lite_file("trnet20_300w")
    first, second = (gallery(model, "300w", root, 2) for root in (tree, tmp_path / "prepared"))
    assert [face.name for face in first] == [face.name for face in second]
    np.testing.assert_allclose(first[0].error, second[0].error)


def test_the_command_shows_a_gallery_with_a_root_alone(run, tree, tmp_path):
    model = zoo.lite_file("trnet20_300w")
    result = command(run, "--root", tree, "--model", model, "--worst", 3)
    assert result.exit_code == 0, result.output
    text = (run / "report.html").read_text("utf-8")
    assert text.count("data:image/jpeg") == 3 and "Share this page only if" in text
    assert str(tree) not in text
    assert "data:image/jpeg" not in page(read_run(run))
