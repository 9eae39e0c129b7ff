"""The README's Python runs as it stands, and its tables are what results/ gives."""

import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras_fld  # noqa: E402
from tests import readme_api, readme_tables  # noqa: E402

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture(scope="module")
def runs():
    return readme_tables.load_runs()


@pytest.fixture
def results(tmp_path):
    """A copy of the results, to be changed."""
    return Path(shutil.copytree(readme_tables.RESULTS, tmp_path / "results"))


def python_of(section):
    """The Python blocks of a section of the README."""
    (text,) = re.findall(rf"^## {section}\n(.*?)^## ", README.read_text("utf-8"), re.M | re.S)
    return re.findall(r"```python\n(.*?)```", text, re.S)


def change(path, function):
    content = json.loads(path.read_text("utf-8"))
    function(content)
    path.write_text(json.dumps(content), "utf-8")


def test_the_ten_lines_run(tree, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    photo = pytest.importorskip("skimage.data").astronaut()
    cv2.imwrite("photo.jpg", photo[..., ::-1])
    blocks = python_of("In ten lines")
    assert len(blocks) == 2
    code = "\n".join(blocks).replace("epochs=60", "epochs=1, verbose=0")
    code = code.replace("fld.refine(model, train)", "fld.refine(model, train, rounds=1, verbose=0)")
    scope = {"root": tree}
    exec(code, scope)
    assert scope["faces"][0].landmarks.shape == (68, 2)
    assert "common      inter_pupil" in capsys.readouterr().out


def test_every_python_block_is_run_by_a_test_here():
    text = README.read_text("utf-8")
    outside = re.sub(r"```.*?```", "", text, flags=re.S)
    python = r"^    (?:import |from \S+ import |[\w.]+(?:, [\w.]+)* = |(?:for|with|def) .*:$).*"
    assert not re.findall(python, outside, re.M), "indented Python must have a fence"
    count = text.count("```python")
    run = ("In ten lines", "Landmarks in your photos", "Concepts", "Troubleshooting")
    assert count == sum(len(python_of(section)) for section in run)


@pytest.fixture
def astronaut(tmp_path, monkeypatch):
    """A folder with photo.jpg and face.tflite, and what the blocks below begin with."""
    monkeypatch.chdir(tmp_path)
    photo = pytest.importorskip("skimage.data").astronaut()
    cv2.imwrite("photo.jpg", photo[..., ::-1])
    shutil.copy(keras_fld.zoo.lite_file("trnet20_300w"), "face.tflite")
    (face,) = keras_fld.FaceLandmarker("face.tflite").detect(photo)
    return {"fld": keras_fld, "cv2": cv2, "image": photo, "box": face.box, "face": face}


def test_landmarks_in_photos_and_videos(astronaut):
    photo = cv2.imread("photo.jpg")
    for name in ("a.jpg", "b.jpg"):
        shutil.copy("photo.jpg", name)
    video = cv2.VideoWriter("clip.mp4", cv2.VideoWriter_fourcc(*"mp4v"), 30, photo.shape[1::-1])
    for _ in range(3):
        video.write(photo)
    video.release()
    blocks = python_of("Landmarks in your photos")
    assert len(blocks) == 3
    scope = {"image": astronaut["image"]}
    exec("\n".join(blocks), scope)
    truth, width = astronaut["face"].landmarks, astronaut["box"][2]
    for found in (scope["faces"][0], scope["face"]):
        assert np.linalg.norm(found.landmarks - truth, axis=1).mean() < 0.05 * width
    assert scope["number"] == 2 and scope["face"].id == 1
    assert scope["crop"].ndim == 3 and abs(scope["pose"].roll) < 30
    assert scope["left"] > 0.1 and scope["right"] > 0.1


def test_the_concepts_hold(astronaut):
    scope = {**astronaut, "landmarks": astronaut["face"].landmarks}
    exec("\n".join(python_of("Concepts")), scope)
    assert scope["crop"].shape == (64, 64, 3) and scope["matrix"].shape == (2, 3)
    assert set(scope["scheme"].patches["mouth"]) == set(range(48, 68))


def test_each_remedy_does_what_it_says(astronaut, tree):
    blocks = python_of("Troubleshooting")
    assert len(blocks) == 10
    truth = astronaut["face"].landmarks

    def run(block, **scope):
        scope = {**astronaut, **scope}
        exec(block, scope)
        return scope

    x, y, width, height = astronaut["box"]
    wide = (x - 0.15 * width, y - 0.2 * height, 1.3 * width, 1.3 * height)
    found = run(blocks[0], box=wide)
    landmarker = found["landmarker"]
    once = landmarker.detect("photo.jpg", boxes=[wide])
    wrong = [np.linalg.norm(f[0].landmarks - truth, axis=1).mean() for f in (once, found["faces"])]
    assert wrong[1] < 0.5 * wrong[0]

    read = run(blocks[1], landmarker=landmarker)["faces"]
    assert np.abs(read[0].landmarks - landmarker.detect("photo.jpg")[0].landmarks).max() < 1

    class Integers:
        """An interpreter with an output of integers."""

        def get_output_details(self):
            return [{"index": 3, "quantization": (0.25, -128)}]

        def get_tensor(self, index):
            return np.full((1, 68, 2), -120, np.int8)

    assert (run(blocks[2], interpreter=Integers())["landmarks"] == 2).all()

    loss = run(blocks[3])["loss"]
    # Straight would be twice the loss for twice the error.
    target = np.zeros((1, 68, 2), np.float32)
    assert float(loss(target, target + 2)) < 1.8 * float(loss(target, target + 1))
    assert (run(blocks[4], points_from_1=np.ones((68, 2)))["points"] == 0).all()
    assert run(blocks[5], root=tree)["report"].nme("common", "inter_ocular") > 0
    threaded = run(blocks[6])["landmarker"].detect("photo.jpg")
    alone = landmarker.detect("photo.jpg")
    np.testing.assert_allclose(threaded[0].landmarks, alone[0].landmarks, atol=0.01)
    frames = [(index / 30, astronaut["image"]) for index in range(3)]
    tracked = run(blocks[7], landmarker=landmarker, frames=frames)["faces"]
    assert [face.id for face in tracked] == [tracked[0].id]
    eyes = run(blocks[8], usual=truth, landmarks=truth)
    assert not eyes["closed"].any() and (eyes["opened"] > 0.1).all()
    drawn = run(blocks[9])["landmarker"].detect("photo.jpg")
    assert np.linalg.norm(drawn[0].landmarks - truth, axis=1).mean() < 0.1 * width


def test_every_name_of_the_api_table_resolves_and_every_public_name_is_in_it():
    text = README.read_text("utf-8")
    (section,) = re.findall(r"^## API\n(.*?)^## ", text, re.M | re.S)
    names = re.findall(r"^\| `fld\.([\w.]+)` \| (.*) \|$", section, re.M)
    for name, told in names:
        value = keras_fld
        for part in name.split("."):
            value = getattr(value, part)
        assert told, name
    assert [name for name, _ in names] == [name for name, _ in readme_api.public_names()]


def test_the_tables_are_what_the_runs_give(runs):
    text = README.read_text("utf-8")
    assert all(f"<!-- table: {name} -->" in text for name in readme_tables.BLOCKS)
    assert text == readme_tables.rewritten(text, runs), "make tables writes them"


def test_the_presets_table_is_about_the_shipped_file(runs):
    preset = next(run for run in runs if run.preset == "trnet20_300w")
    size = readme_tables.zoo.lite_file("trnet20_300w").stat().st_size
    assert preset.files["int8.tflite"][0] == size
    assert any(f"| {size:,} bytes |" in line for line in readme_tables.preset_table(runs))


def test_a_changed_figure_or_another_folder_changes_the_tables(runs, results):
    before = {name: table(runs) for name, table in readme_tables.BLOCKS.items()}
    folder = next(run.name for run in runs if run.preset)
    (results / folder).rename(results / "300w_new")

    def worse(content):
        content["rows"][0]["nme"] += 7
        content["regions"]["common"]["nose"] = 12.3456

    change(results / "300w_new/model/evaluation.json", worse)
    again = readme_tables.load_runs(results)
    after = {name: table(again) for name, table in readme_tables.BLOCKS.items()}
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
    again = readme_tables.load_runs(results)
    assert not any(run.preset for run in again) and len(readme_tables.preset_table(again)) == 2
    change(results / folder / "benchmark.json", twice)
    with pytest.raises(ValueError, match="must have measured one file of a name"):
        readme_tables.load_runs(results)


def test_a_baseline_is_a_row_with_its_command(results):
    command = "keras-fld baseline sdm --root 300w --out sdm.npz --starts 2"
    change(results / "300w_sdm/sdm.json", lambda content: content.update(command=command))
    (line,) = (
        line
        for line in readme_tables.model_table(readme_tables.load_runs(results))
        if line.startswith("| SDM |")
    )
    assert f"| `{command}`, then `keras-fld evaluate sdm.npz --root 300w` |" in line


def test_a_recipe_without_a_name_is_linked(results, runs):
    change(
        results / "300w_trnet20_enme/recipe.json", lambda content: content["recipe"].update(seed=77)
    )
    text = "\n".join(readme_tables.model_table(readme_tables.load_runs(results)))
    assert "with [this recipe](results/300w_trnet20_enme/recipe.json), then" in text
    named = "\n".join(readme_tables.model_table(runs))
    assert "`keras-fld train --recipe trnet20_300w_pool --root 300w --out run`, then" in named


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("<!-- table: best -->\n<!-- end of table -->\n", "must be one of preset, .*Got: 'best'"),
        ("<!-- table: preset -->\n| a |\n", "each table must have an end"),
        (
            "<!-- table: preset -->\n<!-- table: models -->\n<!-- end of table -->\n",
            "each table must have an end, .*Got: 1 that have",
        ),
    ],
)
def test_bad_markers_are_refused(text, rule, runs):
    with pytest.raises(ValueError, match=rule):
        readme_tables.rewritten(text, runs)


def test_an_evaluation_of_an_unknown_kind_is_named(results):
    shutil.copytree(results / "300w_trnet20_enme/model", results / "300w_trnet20_enme/magic")
    with pytest.raises(ValueError, match="an evaluation must be in model, .*Got: .'magic'"):
        readme_tables.load_runs(results)
