"""What a run folder notes of its run, and whether a command may go on with it."""

import csv
import dataclasses
import hashlib
import json
import platform
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import keras

from keras_fld import zoo
from keras_fld._internal.files import (
    name_bytes,
    read_json,
    replacing,
    sha256,
    sweep,
    write_json,
)
from keras_fld.training.recipe import saved_recipe

# What a run's numbers may hang on, where it is installed.
_PACKAGES = ("keras-fld", "keras", "tensorflow", "jax", "torch", "numpy", "opencv-python")


class RunFolder:
    """A run's files, of which the first process writes those that stay.

    All processes of a distributed run write, the others into a folder that is thrown away: Keras
    reads the optimizer's learning rate meanwhile, which is computed from a variable of all
    processes, and so by all or never.

    Args:
        path: the run folder.
        writes: whether this process writes there, and tells notes.
    """

    def __init__(self, path, writes=True):
        self.path = path
        self.result, self.last = path / "model.keras", path / "last.weights.h5"
        self.log, self.batch, self.recipe = (
            path / name for name in ("log.csv", "batch.npz", "recipe.json")
        )
        self._writes = writes
        self._scratch = None if writes else tempfile.TemporaryDirectory()

    def to_write(self, file):
        """Where this process writes one of the files."""
        return file if self._scratch is None else Path(self._scratch.name) / file.name

    def tell(self, sentences):
        """Prints notes on standard error."""
        for sentence in sentences if self._writes else ():
            print(f"note: {sentence}", file=sys.stderr)

    def check(self, recipe):
        """Raises ValueError when the folder holds a run of another recipe."""
        check_recipe(self.recipe, recipe)

    def note(self, recipe, data, repeats, start=None):
        """Notes what the run is, see `note`, and removes what killed runs left half-written."""
        note(self.to_write(self.recipe), recipe, data, repeats, start)
        sweep(self.to_write(self.log).parent)

    def forget_rows(self, epochs):
        """Drops log rows of epochs after the checkpoint: the run was killed between the two."""
        forget_rows(self.to_write(self.log), epochs)


def check_recipe(path, recipe):
    """Raises ValueError when the folder's recipe.json is there and of another recipe."""
    if not path.exists():
        return
    try:
        found = dataclasses.asdict(saved_recipe(read_json(path)["recipe"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not a recipe of this package ({error})") from error
    for key, wanted in dataclasses.asdict(recipe).items():
        if json.dumps(found[key]) != json.dumps(wanted):
            raise ValueError(
                f"{path.parent}: holds a run with another {key}: {found[key]}. Got: "
                f"{wanted}; choose another folder, or the same options to continue"
            )


def note(path, recipe, data, repeats, start=None):
    """Writes recipe.json, or compares it with the faces that this run would go on with.

    Args:
        path: the file.
        recipe: the run's `Recipe`.
        data: its training `Crops`.
        repeats: (faces,) how often an epoch shows each.
        start: the model that the weights start from, whose checksum is noted where it is a file.

    Raises:
        ValueError: the file notes other faces, on which epochs would be of another length.
    """
    faces = _faces(data, repeats)
    if path.exists():
        found = read_json(path).get("faces", faces)  # older runs have none
        if found != faces:
            raise ValueError(
                f"{path.parent}: holds a run on other faces: {found}. Got: {faces}; choose another "
                "folder, or the same data to continue"
            )
        return
    about = {"versions": _versions(), "backend": keras.backend.backend(), "faces": faces}
    if isinstance(start, (str, Path)):
        preset = str(start) in zoo.names()
        about["start_sha256"] = sha256(zoo.keras_file(str(start)) if preset else start)
    write_json(path, {"recipe": dataclasses.asdict(recipe), **about})


def forget_rows(log, epochs):
    """Drops log rows of epochs after the checkpoint: the run was killed between the two."""
    if not log.exists():
        return
    with log.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    with replacing(log) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows[: epochs + 1])


def _faces(data, repeats):
    """Number of faces and showings, and what tells these faces and their landmarks from others."""
    digest = hashlib.sha256(name_bytes("\n".join(data.names)))
    digest.update(data.landmarks.tobytes())
    digest.update(repeats.astype("<i8").tobytes())
    if data.weights is not None:
        digest.update(data.weights.tobytes())
    showings = int(repeats.sum())
    return {"count": len(data), "showings": showings, "sha256": digest.hexdigest()}


def _versions():
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
