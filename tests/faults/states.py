"""What a training run leaves, as plain arrays: read without Keras."""

import csv
import io
import time
import zipfile

import h5py
import numpy as np

# Of the run; and the face whose annotation goes wrong, to no photograph's numbers.
BATCH_SIZE, POISONED = 5, 7


class Trained:
    """An uninterrupted run.

    Args:
        warm: a `Warm`.
        folder: an empty folder.

    Attributes:
        out: the run's folder.
        states: the folder of EPOCH.h5 files.
        seconds: how long it took.
    """

    def __init__(self, warm, folder):
        self.out, self.states = folder / "run", folder / "states"
        self.states.mkdir()
        started = time.monotonic()
        job = warm.start("train", out=self.out, states=self.states)
        assert job.wait() == 0, job.output()
        self.seconds = time.monotonic() - started

    def check_checkpoint(self, out):
        """A run's checkpoint is one of this run's states: weights, optimizer and step."""
        path = out / "last.weights.h5"
        if path.exists():
            found = arrays(path)
            matches = [_same(found, arrays(state)) for state in self.states.iterdir()]
            assert matches.count(True) == 1, f"{path} is no state of the uninterrupted run"
            before = path.with_name("previous.weights.h5")
            assert not before.exists() or not before.samefile(path), "damage would hit both"

    def check_result(self, out):
        """A finished run is this one, bit by bit, and has left nothing else."""
        assert {path.name for path in out.iterdir()} == {"recipe.json", "log.csv", "model.keras"}
        assert _same(model_arrays(out), model_arrays(self.out))
        assert losses(out) == losses(self.out)


def arrays(file):
    """Path in an HDF5 file to the array there."""
    found = {}
    with h5py.File(file, "r") as content:
        content.visititems(
            lambda name, item: found.update({name: item[()]} if hasattr(item, "shape") else {})
        )
    return found


def model_arrays(out):
    """The same of the weights in a run's result."""
    with zipfile.ZipFile(out / "model.keras") as archive:
        return arrays(io.BytesIO(archive.read("model.weights.h5")))


def losses(out):
    """Epoch and loss of each row of a run's log, as they are written."""
    with (out / "log.csv").open(newline="", encoding="utf-8") as file:
        return [(row["epoch"], row["loss"]) for row in csv.DictReader(file)]


def _same(first, second):
    return first.keys() == second.keys() and all(
        np.array_equal(first[name], second[name]) for name in first
    )
