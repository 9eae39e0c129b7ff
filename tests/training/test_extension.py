"""Extension of a finished run by more epochs."""

import csv
import dataclasses
import json

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from keras_fld import models, training  # noqa: E402
from keras_fld.training import checkpoints, network  # noqa: E402
from tests.training.test_run import RECIPE, Killed  # noqa: E402

SHORT = dataclasses.replace(RECIPE, epochs=2, validation=0.0)
LONG = dataclasses.replace(SHORT, epochs=4)


def weights(path):
    return np.concatenate([w.ravel() for w in models.load_model(path).get_weights()])


def rows(folder):
    with (folder / "log.csv").open(newline="") as file:
        return [int(row["epoch"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def short_run(tree, tmp_path_factory):
    out = tmp_path_factory.mktemp("short")
    training.train(SHORT, out, tree, verbose=0)
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.fixture
def folder(short_run, tmp_path):
    """A copy of the finished run's folder."""
    for name, content in short_run.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_a_finished_run_goes_on_from_its_model(folder, tree, capsys, monkeypatch):
    seen = []
    fit = training.run._fit

    def noting(model, *given):
        seen.append(np.concatenate([np.ravel(w) for w in model.get_weights()]))
        seen.append(float(model.optimizer.learning_rate))
        return fit(model, *given)

    monkeypatch.setattr(training.run, "_fit", noting)
    before = weights(folder / "model.keras")
    training.train(LONG, folder, tree, verbose=0, extend=True)
    np.testing.assert_array_equal(seen[0], before)
    told = json.loads((folder / "recipe.json").read_text())
    steps = -(-told["faces"]["showings"] // LONG.batch_size)
    # The longer run's learning rate at the start of its third epoch.
    expected = LONG.learning_rate * (1 + np.cos(np.pi * (2 - 1) / (4 - 1))) / 2
    assert seen[1] == pytest.approx(expected, rel=1e-4)
    rate = float(network.learning_rates(LONG, steps)(2 * steps))
    said = capsys.readouterr().err
    assert "epochs 3 to 4 of a 4-epoch schedule, with a cosine decay" in said
    assert f"from {rate:.2g} to 0; the optimizer's moments are reset" in said
    assert rows(folder) == [0, 1, 2, 3]
    assert told["recipe"]["epochs"] == 4
    assert told["extends"] == {"epochs": 2, "model": "model_2_epochs.keras"}
    np.testing.assert_array_equal(weights(folder / "model_2_epochs.keras"), before)
    after = weights(folder / "model.keras")
    assert np.abs(after - before).max() > 0
    training.train(LONG, folder, tree, verbose=0, extend=True)  # finished, so nothing is trained
    assert len(seen) == 2 and not (folder / "last.weights.h5").exists()


def test_a_killed_extension_goes_on_and_keeps_the_first_result(folder, tree, monkeypatch):
    before = weights(folder / "model.keras")
    save = checkpoints.Checkpoint.on_epoch_end

    def dying(self, epoch, logs=None):
        save(self, epoch, logs)
        raise Killed

    monkeypatch.setattr(checkpoints.Checkpoint, "on_epoch_end", dying)
    with pytest.raises(Killed):
        training.train(LONG, folder, tree, verbose=0, extend=True)
    np.testing.assert_array_equal(weights(folder / "model.keras"), before)
    monkeypatch.setattr(checkpoints.Checkpoint, "on_epoch_end", save)
    training.train(LONG, folder, tree, verbose=0, extend=True)
    assert rows(folder) == [0, 1, 2, 3]
    assert np.abs(weights(folder / "model.keras") - before).max() > 0


@pytest.mark.parametrize("change", [{"epochs": 1}, {"epochs": 4, "seed": 5}])
def test_only_more_epochs_extend_a_run(folder, tree, change):
    with pytest.raises(ValueError, match="already contains a run with"):
        training.train(dataclasses.replace(SHORT, **change), folder, tree, verbose=0, extend=True)
    assert not list(folder.glob("model_*"))


def test_other_faces_leave_the_finished_run_as_it_is(folder, own_tree):
    kept = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for path in (own_tree / "afw").glob("image_0000.*"):
        path.unlink()
    with pytest.raises(ValueError, match="already contains a run on other faces"):
        training.train(LONG, folder, own_tree, verbose=0, extend=True)
    assert kept == {x.name: x.read_bytes() for x in folder.iterdir() if x.is_file()}


def test_the_schedule_survives_a_configuration():
    from keras import saving

    schedule = network.FromStep(network.learning_rates(LONG, 5), 10)
    again = saving.deserialize_keras_object(saving.serialize_keras_object(schedule))
    for step in (0, 3, 9):
        assert float(again(step)) == float(network.learning_rates(LONG, 5)(step + 10))
