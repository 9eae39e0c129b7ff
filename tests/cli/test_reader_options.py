"""Commands read the faces of a run with the options of its reader, and with those of --option."""

import json

import pytest

pytest.importorskip("tensorflow")

from keras_fld._internal.images import save_image  # noqa: E402
from keras_fld.cli.options import of_reader, of_run  # noqa: E402
from keras_fld.data import synthetic  # noqa: E402
from keras_fld.data.readers.pts import write_pts  # noqa: E402
from keras_fld.lite.tfmot.report import Material  # noqa: E402
from keras_fld.models import load_model  # noqa: E402
from tests.cli.calls import parse, run  # noqa: E402
from tests.eager import eager  # noqa: E402


@pytest.fixture(scope="module")
def nested(tmp_path_factory):
    """A folder whose faces are in a subfolder, which the reader only finds with an option."""
    root = tmp_path_factory.mktemp("faces")
    (root / "deep").mkdir()
    for index in range(8):
        face = synthetic.draw(index, size=64)
        save_image(root / "deep" / f"{index}.png", face.image)
        write_pts(root / "deep" / f"{index}.pts", face.landmarks)
    return root


@pytest.fixture(scope="module")
def trained(nested, tmp_path_factory):
    folder = tmp_path_factory.mktemp("options") / "run"
    words = "--dataset pts --option recursive=true --network tests.tiny:tiny --input-size 32"
    words += " --epochs 1 --batch-size 4 --quiet"
    with eager():
        result = run("train", *words.split(), "--root", nested, "--out", folder)
    assert result.returncode == 0, result.stderr
    return folder


COMMANDS = {
    "evaluate": "evaluate RUN --out OUT",
    "convert": "convert RUN --out OUT/a.tflite",
    "export": "export RUN --mode int8 --out OUT",
    "parity": "parity RUN/model.keras --reference RUN --out OUT",
    "refine": "refine RUN --rounds 1 --batch-size 8 --out OUT/a.keras",
    "report": "report RUN --worst 1 --out OUT/a.html",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_reads_the_faces_as_the_run_did(trained, nested, tmp_path, name):
    words = COMMANDS[name].replace("RUN", str(trained)).replace("OUT", str(tmp_path)).split()
    with eager():
        result = run(*words, "--root", nested)
    assert result.returncode == 0, result.stderr
    assert "not evaluated" not in result.stdout + result.stderr


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "report"])
def test_a_given_option_comes_before_that_of_the_run(trained, nested, tmp_path, name):
    words = COMMANDS[name].replace("RUN", str(trained)).replace("OUT", str(tmp_path)).split()
    result = run(*words, "--root", nested, "--option", "recursive=false")
    assert "needs .pts files" in result.stdout + result.stderr


def test_the_options_of_a_run_are_for_its_dataset_only(trained, tmp_path):
    _, dataset, recipe = of_run(trained)
    assert of_reader(recipe, dataset) == {"recursive": True}
    assert of_reader(recipe, dataset, {"unset": "keep"}) == {"recursive": True, "unset": "keep"}
    assert of_reader(recipe, "300w", {"unset": "keep"}) == {"unset": "keep"}
    assert of_reader({}, "300w") == {}
    drawn = {"dataset": "synthetic", "dataset_options": {"count": 20000, "scheme": "aflw19"}}
    assert of_reader(drawn, "synthetic") == {"scheme": "aflw19"}
    recipe["dataset_options"] = 3
    (tmp_path / "recipe.json").write_text(json.dumps({"recipe": recipe}))
    with pytest.raises(ValueError, match="recipe.json: not a recipe of this package"):
        of_run(tmp_path)


@pytest.mark.parametrize(
    "call", ["qat m.keras --out a.tflite", "compress m.keras --method prune --out out"]
)
def test_fine_tuning_takes_the_options_of_the_reader(call):
    parse(f"{call} --option recursive=true")


def test_fine_tuning_reads_the_faces_with_the_given_options(trained, nested):
    model = load_model(trained / "model.keras")
    with pytest.raises(ValueError, match="needs .pts files"):
        Material(model, "pts", nested)
    material = Material(model, "pts", nested, reader_options={"recursive": True})
    assert len(material.calibration) == 8 and material.nme(model)
