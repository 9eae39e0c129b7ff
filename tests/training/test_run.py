import csv
import dataclasses
import io
import json
import zipfile

import h5py
import numpy as np
import pytest

pytest.importorskip("tensorflow")

from keras_fld import training
from keras_fld._internal.files import sha256, write_json
from keras_fld.data.augment import Augmentation  # noqa: E402
from keras_fld.training import checkpoints, record
from keras_fld.training.network import averaging_of
from keras_fld.training.recipe import Recipe, saved_recipe

# Training starts slowly, so tests share few runs, with the network that starts fastest.
RECIPE = Recipe(
    network="tests.tiny:tiny",
    epochs=4,
    batch_size=6,
    input_size=32,
    learning_rate=3e-3,
    warmup=1.0,
    averaging=0.9,
    validation=0.3,
    seed=3,
)


class Killed(Exception):
    """Simulates a process that is killed."""


def _weights(model):
    return np.concatenate([w.ravel() for w in model.get_weights()])


def _rows(folder):
    with (folder / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def whole_run(tree, tmp_path_factory):
    """The folder and model of an uninterrupted run."""
    out = tmp_path_factory.mktemp("whole")
    return out, training.train(RECIPE, out, tree, verbose=0)


def test_a_run_leaves_its_recipe_log_and_model(whole_run):
    out, model = whole_run
    assert {p.name for p in out.iterdir()} == {"recipe.json", "log.csv", "model.keras"}
    told = json.loads((out / "recipe.json").read_text())
    assert told["recipe"]["epochs"] == 4 and told["recipe"]["augmentation"]["rotation"] == 30
    assert {"python", "keras-fld", "keras", "tensorflow", "numpy"} <= set(told["versions"])
    assert told["faces"]["count"] == told["faces"]["showings"] > 0
    assert [int(row["epoch"]) for row in _rows(out)] == [0, 1, 2, 3]
    assert model.output_shape == (None, 68, 2) and not model.compiled
    with zipfile.ZipFile(out / "model.keras") as archive:
        assert not json.loads(archive.read("config.json"))["compile_config"]
        with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights:
            assert "optimizer" not in weights
    assert all(0 < float(row["val_nme"]) < 200 for row in _rows(out))


def test_a_run_killed_twice_continues_to_the_same_model(whole_run, tree, tmp_path, monkeypatch):
    whole, model = whole_run
    save = checkpoints.Checkpoint.on_epoch_end

    def die_in(epoch, saved):
        def on_epoch_end(self, now, logs=None):
            if now < epoch or saved:
                save(self, now, logs)
            if now == epoch:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(checkpoints.Checkpoint, "on_epoch_end", on_epoch_end)
            with pytest.raises(Killed):
                training.train(RECIPE, tmp_path, tree, verbose=0)

    die_in(1, saved=False)  # epoch 1 is logged, but lost
    die_in(2, saved=True)
    assert not (tmp_path / "model.keras").exists()
    continued = training.train(RECIPE, tmp_path, tree, verbose=0)
    np.testing.assert_allclose(_weights(continued), _weights(model), rtol=1e-6, atol=1e-7)
    rows = _rows(tmp_path)
    assert [int(row["epoch"]) for row in rows] == [0, 1, 2, 3]
    for row, expected in zip(rows, _rows(whole), strict=True):
        assert float(row["loss"]) == pytest.approx(float(expected["loss"]), rel=1e-6)


def test_a_finished_run_is_returned_as_it_is(whole_run, tree):
    out, model = whole_run
    before = (out / "model.keras").stat().st_mtime_ns
    again = training.train(RECIPE, out, tree, verbose=0)
    np.testing.assert_array_equal(_weights(again), _weights(model))
    assert (out / "model.keras").stat().st_mtime_ns == before


def test_another_recipe_in_the_same_folder_is_refused(whole_run, tree):
    out, _ = whole_run
    with pytest.raises(ValueError, match="already contains a run with epochs = 4. Got: 9"):
        training.train(Recipe(**{**vars(RECIPE), "epochs": 9}), out, tree, verbose=0)


def test_another_option_of_the_network_or_loss_is_named(tmp_path):
    """By the name that it has on the command line, not by the field of the recipe."""
    path = tmp_path / "recipe.json"
    before = Recipe(network_options={"width": 0.25}, loss_options={"alpha": 3.0})
    write_json(path, {"recipe": dataclasses.asdict(before)})
    for change, difference in (
        ({"network_options": {"width": 0.5}}, "width = 0.25. Got: 0.5. Use"),
        ({"network_options": {}}, "width = 0.25. Got: the default. Use"),
        ({"network_options": {"width": 0.25, "head": "pool"}}, "head = the default. Got: pool"),
        ({"loss_options": {"alpha": 2.0}}, "alpha = 3.0. Got: 2.0"),
    ):
        with pytest.raises(ValueError, match=f"already contains a run with {difference}"):
            record.check_recipe(path, dataclasses.replace(before, **change))


def test_the_model_starts_from_the_mean_of_the_training_shapes(tree):
    from keras_fld.data import crops, read

    faces = read("300w", tree, "train")
    wide = crops.training_crops(faces, RECIPE.frame)
    direct = crops.model_crops(faces, RECIPE.frame)
    expected = direct.landmarks.mean(axis=0)
    np.testing.assert_allclose(training.mean_shape(wide), expected, atol=1e-3)


@pytest.mark.parametrize(("epochs", "steps"), [(1, 5), (2, 100), (20, 63), (150, 252)])
def test_the_average_forgets_the_random_start(epochs, steps):
    recipe = Recipe(epochs=epochs, averaging=0.999)
    momentum = averaging_of(recipe, steps)
    assert 0 <= momentum <= 0.999
    assert momentum ** (epochs * steps) < 1e-4, "share of the first weights in the result"
    assert averaging_of(Recipe(averaging=0.0), 1000) == 0


def test_training_learns_a_few_faces_by_heart(tree, tmp_path):
    from keras_fld.data import crops, read

    recipe = Recipe(
        network="tests.tiny:tiny",
        network_options={"normalized": False},
        epochs=20,
        batch_size=4,
        input_size=32,
        learning_rate=1e-2,
        averaging=0.9,
        augmentation=Augmentation(0, 0, 0, 0, 0, 0, 0, 0),
    )
    model = training.train(recipe, tmp_path, tree, verbose=0)
    data = crops.model_crops(read("300w", tree, "train"), recipe.frame)
    mean = data.landmarks.mean(axis=0)
    predicted = model.predict(data.images, verbose=0)
    before, after = (
        np.linalg.norm(shape - data.landmarks, axis=-1).mean() for shape in (mean, predicted)
    )
    assert after < 0.6 * before, (before, after)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"epochs": 0}, "epochs must be at least 1. Got: 0"),
        ({"repeats": 0}, "repeats must be at least 1. Got: 0"),
        ({"learning_rate": 0}, "learning_rate must be above 0. Got: 0"),
        ({"loss": "huge"}, "loss must be one of"),
        ({"loss": "l1", "loss_options": {"alpha": 2}}, "loss L1 accepts"),
        ({"averaging": 1}, "averaging must be at least 0 and below 1. Got: 1"),
        ({"validation": 2.0}, "validation must be at least 0 and below 1. Got: 2.0"),
        ({"batch_size": 0}, "batch_size must be at least 1. Got: 0"),
        ({"warmup": -1}, "warmup must be at least 0. Got: -1"),
        ({"weight_decay": float("inf")}, "weight_decay must be at least 0. Got: inf"),
        ({"learning_rate": float("inf")}, "learning_rate must be above 0. Got: inf"),
        ({"seed": -1}, "seed must be from 0 to"),
        ({"input_size": 0}, "size must be at least 1. Got: 0"),
        ({"margin": -1.0}, "margin must be above 0. Got: -1.0"),
    ],
)
def test_bad_recipes_are_refused(options, rule):
    with pytest.raises(ValueError, match=rule):
        Recipe(**options)


def test_a_loss_that_is_not_finite_stops_and_is_no_result(tree, tmp_path):
    recipe = Recipe(**{**vars(RECIPE), "learning_rate": 1e30, "warmup": 0, "validation": 0})
    with pytest.raises(training.TrainingDiverged, match="the loss must stay finite"):
        training.train(recipe, tmp_path, tree, verbose=0)
    assert {p.name for p in tmp_path.iterdir()} <= {"recipe.json", "log.csv", "batch.npz"}


def test_a_damaged_checkpoint_is_named(tree, tmp_path):
    (tmp_path / "last.weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n half a file")
    with pytest.raises(ValueError, match="last.weights.h5: the checkpoint is damaged"):
        training.train(RECIPE, tmp_path, tree, verbose=0)


def test_bad_data_leaves_no_run_behind(tmp_path):
    with pytest.raises(ValueError, match="no such folder"):
        training.train(RECIPE, tmp_path / "run", tmp_path / "none", verbose=0)
    assert not (tmp_path / "run").exists()


def test_a_run_does_not_go_on_with_other_faces(whole_run, tree, tmp_path):
    """With other faces, epochs would have another length."""
    kept = (whole_run[0] / "recipe.json").read_text("utf-8")
    (tmp_path / "recipe.json").write_text(kept.replace('"count": ', '"count": 1'), "utf-8")
    with pytest.raises(
        ValueError, match=f"{tmp_path}: already contains a run on other faces: .*Got: "
    ):
        training.train(RECIPE, tmp_path, tree, verbose=0)
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.json"]


def test_rare_poses_are_shown_more_often(eagerly, tree, tmp_path):
    options = {"epochs": 1, "averaging": 0.0, "balance": True, "repeats": 2}
    training.train(Recipe(**{**vars(RECIPE), **options}), tmp_path, tree, verbose=0)
    faces = json.loads((tmp_path / "recipe.json").read_text("utf-8"))["faces"]
    assert faces["showings"] > 2 * faces["count"]


def test_a_damaged_recipe_file_is_named(tree, tmp_path):
    (tmp_path / "recipe.json").write_text("{")
    with pytest.raises(ValueError, match="recipe.json: not a JSON file"):
        training.train(RECIPE, tmp_path, tree, verbose=0)


def test_a_recipe_from_before_a_field_was_added_is_the_same(tree, whole_run, tmp_path):
    saved = json.loads((whole_run[0] / "recipe.json").read_text("utf-8"))
    assert saved_recipe(saved["recipe"]) == RECIPE
    del saved["recipe"]["augmentation"]["stretch"], saved["recipe"]["repeats"]
    (tmp_path / "recipe.json").write_text(json.dumps(saved))
    whole_run[1].save(tmp_path / "model.keras")
    training.train(RECIPE, tmp_path, tree, verbose=0)  # already finished, so it is loaded
    with pytest.raises(ValueError, match="already contains a run with epochs"):
        training.train(Recipe(**{**vars(RECIPE), "epochs": 77}), tmp_path, tree, verbose=0)


def test_a_second_run_starts_from_the_first_and_sees_relabeled_faces(
    eagerly, whole_run, tree, tmp_path
):
    from keras_fld.data import read
    from keras_fld.data.prepared.writing import Part, prepare
    from keras_fld.training import pseudo_labels

    first, model = whole_run
    faces = read("pts", tree / "helen/testset")
    labeled, _ = pseudo_labels.relabel(model, faces, views=2, tolerance=9)
    prepare("pts", [Part("train", labeled, wide=True)], tmp_path / "labels", RECIPE.frame)
    more = {"name": "pts", "repeats": 3, "weight": 0.5}
    recipe = Recipe(
        **{**vars(RECIPE), "epochs": 1, "repeats": 2, "extra": (more,), "start": "first"},
    )
    rate = {"learning_rate": 1e-12, "warmup": 0.0, "validation": 0.0, "averaging": 0.0}
    recipe = Recipe(**{**vars(recipe), **rate})
    out, extra = tmp_path / "second", {"pts": tmp_path / "labels"}
    found = training.train(recipe, out, tree, False, 0, extra, first / "model.keras")
    told = json.loads((out / "recipe.json").read_text("utf-8"))
    assert told["start_sha256"] == sha256(first / "model.keras")
    assert told["faces"]["showings"] == 2 * (told["faces"]["count"] - 3) + 3 * 3
    assert saved_recipe(told["recipe"]) == recipe
    for before, after in zip(model.weights, found.weights, strict=True):
        if "moving" not in before.path:
            np.testing.assert_allclose(before, after, rtol=1e-5, atol=1e-7)
    with pytest.raises(ValueError, match=r"extra and start must match the recipe: \['pts'\]"):
        training.train(recipe, tmp_path / "third", tree, verbose=0)
    other = Recipe(**{**vars(recipe), "network": "trnet20"})
    with pytest.raises(ValueError, match="must have the trained one's layers"):
        training.train(other, tmp_path / "fourth", tree, extra=extra, start=model, verbose=0)
