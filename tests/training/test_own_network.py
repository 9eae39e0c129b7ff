"""Training with custom networks and landmarks, and how commands use the run folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("tensorflow")

from keras_fld import models, training  # noqa: E402
from keras_fld.cli import cli  # noqa: E402
from keras_fld.cli.options import of_run  # noqa: E402
from keras_fld.training.recipe import Recipe  # noqa: E402

MODULE = """
import keras
from keras_fld import FaceCrop, models

@keras.saving.register_keras_serializable(package="mine")
class Doubled(keras.layers.Layer):
    def call(self, inputs):
        return 2 * inputs

def small(num_landmarks, input_size, margin, scheme=None, mean_shape=None, filters=4, layer=None):
    image = keras.Input((input_size, input_size, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Conv2D(filters, 3, strides=4, activation="relu")(x)
    x = keras.layers.Flatten()(x)
    x = Doubled()(x) if layer else x
    crop = FaceCrop(input_size, margin)
    return keras.Model(image, models.head(x, num_landmarks, crop, scheme, mean_shape))

def own(*given, **options):
    return small(*given, **options, layer=True)

def fixed(num_landmarks, input_size, margin, scheme=None, mean_shape=None):
    return small(num_landmarks, 64, margin, scheme, mean_shape)

def headless(num_landmarks, input_size, margin, scheme=None, mean_shape=None):
    image = keras.Input((input_size, input_size, 3))
    return keras.Model(image, keras.layers.Flatten()(image))

def nothing(num_landmarks, input_size, margin, scheme=None, mean_shape=None):
    return None

def few(num_landmarks):
    return None
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """The current folder, with a module of networks."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "nets_of_mine.py").write_text(MODULE)
    (folder / "broken_nets.py").write_text("1 / 0\n")
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)
    sys.modules.pop("nets_of_mine", None)


OPTIONS = ("--dataset", "300w", "--epochs", "1", "--batch-size", "8", "--input-size", "32")


def run(*arguments):
    result = CliRunner().invoke(cli, [str(x) for x in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture(scope="module")
def own_run(work, tree):
    run("train", "--root", tree, *OPTIONS, "--network", "nets_of_mine:small", "--limit", "5",
        "--loss", "l1", "--out", work / "run", "--quiet")  # fmt: skip
    return work / "run"


def test_the_command_trains_a_network_of_ones_own(own_run):
    told = json.loads((own_run / "recipe.json").read_text())
    assert told["recipe"]["network"] == "nets_of_mine:small" and told["recipe"]["limit"] == 5
    assert told["faces"]["count"] == 5
    model = models.load_model(own_run / "model.keras")
    assert model.input_shape == (None, 32, 32, 3) and model.output_shape == (None, 68, 2)


LOAD = """
import sys
from keras_fld import models
for path in sys.argv[1:]:
    print(models.load_model(path).output_shape, flush=True)
"""


def test_only_a_model_with_layers_of_the_module_needs_it(own_run, tmp_path):
    """Loads them in another process, first the one of Keras layers."""
    models.get("nets_of_mine:own")(68, 32, 1.3).save(tmp_path / "own.keras")
    result = subprocess.run(
        [sys.executable, "-c", LOAD, str(own_run / "model.keras"), str(tmp_path / "own.keras")],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert result.stdout.splitlines() == ["(None, 68, 2)"], result.stderr
    last = result.stderr.strip().splitlines()[-1]
    assert "own.keras: needs Doubled of the module nets_of_mine: import it before" in last


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("no_such_module:small", "the module 'no_such_module' cannot be imported .ModuleNotFound"),
        ("broken_nets:small", "cannot be imported .ZeroDivisionError: division by zero"),
        ("nets_of_mine:absent", "'nets_of_mine' has no function 'absent'"),
        ("nets_of_mine:few", "must take num_landmarks, input_size, margin, scheme=, mean_shape="),
        ("nets_of_mine:nothing", "must return a keras.Model. Got: NoneType"),
        ("nets_of_mine:headless", "must end in keras_fld.models.head. Got: "),
        (
            "nets_of_mine:fixed",
            "must take crops of 32 pixels and predict 68 landmarks. Got: 64 and 68",
        ),
    ],
)
def test_a_network_that_does_not_fit_is_refused_in_a_line(work, tree, tmp_path, name, rule):
    with pytest.raises(ValueError, match=rule) as error:
        training.train(Recipe(network=name, input_size=32), tmp_path / "run", tree, verbose=0)
    assert "\n" not in str(error.value) and not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def five_points(tmp_path_factory):
    """Faces with five custom points, for the reader `own`."""
    import cv2

    from keras_fld.data import synthetic

    folder = tmp_path_factory.mktemp("five")
    groups = [[36, 39], [42, 45], [30], [48], [54]]
    faces = []
    for index in range(8):
        face = synthetic.draw(index, size=96)
        cv2.imwrite(str(folder / f"{index}.png"), face.image[..., ::-1])
        points = [face.landmarks[group].mean(axis=0).tolist() for group in groups]
        faces.append({"image": f"{index}.png", "points": points})
    scheme = {
        "name": "mine5",
        "landmarks": ["left eye", "right eye", "nose", "left mouth", "right mouth"],
        "mirror_pairs": [[0, 1], [3, 4]],
        "eyes": [[0], [1]],
    }
    (folder / "faces.json").write_text(json.dumps({"scheme": scheme, "faces": faces}))
    return folder / "faces.json"


@pytest.mark.parametrize("start", ["preset", "file"])
def test_a_start_of_other_landmarks_gives_its_body(eagerly, five_points, tmp_path, start):
    trained = models.TRNet20(68, input_size=32, width=0.25, head="windows")
    trained.save(tmp_path / "start.keras")
    wide = () if start == "preset" else ("--width", 0.25)
    name = "trnet20_free" if start == "preset" else tmp_path / "start.keras"
    result = run("train", "--dataset", "own", "--root", five_points, "--start", name, *wide,
                 "--epochs", "1", "--batch-size", "8", "--learning-rate", "1e-9", "--input-size",
                 "32", "--averaging", "0", "--out", tmp_path / "run", "--quiet")  # fmt: skip
    assert " layers, stem1_conv to stage4b_2_bn, are from " in result.stderr
    assert "the head is new: it predicts 5 landmarks (mine5), that of " in result.stderr
    model = models.load_model(tmp_path / "run" / "model.keras")
    source = models.load_model(str(name))
    for layer in ("stem1_conv", "stage4b_2_conv"):
        kernels = [m.get_layer(layer).get_weights()[0] for m in (model, source)]
        if kernels[0].shape == kernels[1].shape:
            np.testing.assert_allclose(*kernels, atol=1e-6)
    assert model.output_shape == (None, 5, 2) and models.scheme_of(model).name == "mine5"
    told = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert len(told["start_sha256"]) == 64


def test_a_network_that_starts_from_another_is_like_it(eagerly, five_points, tmp_path):
    options = {"stride": 2, "pool_after": 1, "stem": [8, 8, 16], "filters": [8, 16, 16, 24]}
    start = models.TRNet20(68, 64, 1.3, head="windows", sampled=(2,), **options)
    start.save(tmp_path / "start.keras")
    result = run("train", "--dataset", "own", "--root", five_points, "--start",
                 tmp_path / "start.keras", "--head", "pool", "--epochs", "1", "--batch-size", "8",
                 "--out", tmp_path / "run", "--quiet")  # fmt: skip
    assert "was trained on crops" not in result.stderr
    model = models.load_model(tmp_path / "run" / "model.keras")
    assert models.options_of(model) == {**options, "head": "pool", "sampled": [2]}
    assert (models.frame_of(model).size, models.frame_of(model).margin) == (64, 1.3)


def test_weights_of_other_crops_are_told(eagerly, five_points, tmp_path):
    models.TRNet20(68, 64, width=0.25).save(tmp_path / "start.keras")
    result = run("train", "--dataset", "own", "--root", five_points, "--start",
                 tmp_path / "start.keras", "--input-size", "32", "--epochs", "1", "--batch-size",
                 "8", "--out", tmp_path / "run", "--quiet")  # fmt: skip
    assert (
        "note: trnet20 was trained on crops of 64 pixels, and this network sees 32 (--input-size)"
    ) in result.stderr


def test_a_body_is_taken_whatever_the_head():
    trained = models.TRNet20(68, input_size=32, width=0.25, head="windows")
    network = models.TRNet20(98, input_size=48, width=0.25)
    taken = models.transplant_body(trained, network)
    assert taken[0] == "stem1_conv" and "offsets" not in taken and "windows" not in taken
    for name in taken:
        for ours, theirs in zip(
            network.get_layer(name).get_weights(),
            trained.get_layer(name).get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(ours, theirs)
    assert not network.get_layer("offsets").get_weights()[0].any()
    with pytest.raises(ValueError, match="must have the trained one's layers"):
        models.transplant_body(trained, models.CNN6(98, input_size=32))


@pytest.fixture
def synthetic_run(own_run, tmp_path):
    """A run folder whose recipe names generated faces."""
    about = json.loads((own_run / "recipe.json").read_text())
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "model.keras").write_bytes((own_run / "model.keras").read_bytes())
    about["recipe"]["dataset"] = "synthetic"
    (folder / "recipe.json").write_text(json.dumps(about))
    return folder


def test_a_run_folders_recipe_is_known(synthetic_run, tmp_path):
    _, dataset, recipe = of_run(synthetic_run)
    assert (dataset, recipe["loss"]) == ("synthetic", "l1")
    assert of_run(tmp_path / "elsewhere.keras") == (tmp_path / "elsewhere.keras", "300w", {})
    (synthetic_run / "recipe.json").write_text("[]")
    with pytest.raises(ValueError, match="recipe.json: not a recipe of this package"):
        of_run(synthetic_run / "model.keras")


@pytest.mark.nightly
def test_a_run_folders_recipe_is_the_default(synthetic_run, tree, tmp_path):
    folder = synthetic_run
    evaluated = json.loads(run("evaluate", folder, "--json").stdout)
    assert evaluated["dataset"] == "synthetic"
    named = json.loads(
        run("evaluate", folder, "--dataset", "300w", "--root", tree, "--json").stdout
    )
    assert named["dataset"] == "300w"
    said = run("convert", folder, "--mode", "float32", "--out", tmp_path / "a.tflite").stdout
    assert "test " in said and "NME Keras" in said
    refined = run("refine", folder, "--rounds", "1", "--out", tmp_path / "refined.keras", "--quiet")
    assert "wrote" in refined.stdout


def test_a_limit_must_be_a_number_of_faces():
    with pytest.raises(ValueError, match="limit must be at least 1, or 0 for all faces. Got: -1"):
        Recipe(limit=-1)
