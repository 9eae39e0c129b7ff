"""The record of a run in its folder, and checks whether a command may resume it."""

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
    check_writable,
    name_bytes,
    read_json,
    replacing,
    sha256,
    sweep,
    write_json,
)
from keras_fld.training.recipe import saved_recipe

# Packages whose version may affect the results of a run.
_PACKAGES = ("keras-fld", "keras", "tensorflow", "jax", "torch", "numpy", "opencv-python")


class RunFolder:
    """The files of a run.

    In a distributed run, only the first process writes to the folder. The others write to a
    temporary folder: saving reads the learning rate, which is computed from a variable that all
    processes share, so all of them must take part.

    Args:
        path: the run folder.
        writes: whether this process writes there and prints notes.
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
        """The path at which this process writes one of the files."""
        return file if self._scratch is None else Path(self._scratch.name) / file.name

    def tell(self, sentences):
        """Prints notes on standard error."""
        for sentence in sentences if self._writes else ():
            print(f"note: {sentence}", file=sys.stderr)

    def check_writable(self):
        """Raises a ValueError if this process cannot write to the folder."""
        if self._writes:
            check_writable(self.path, folder=True)

    def check(self, recipe):
        """Raises a ValueError if the folder contains a run of another recipe."""
        check_recipe(self.recipe, recipe)

    def note(self, recipe, data, repeats, start=None):
        """Records the run (see `note`), and removes temporary files of killed runs."""
        note(self.to_write(self.recipe), recipe, data, repeats, start)
        sweep(self.to_write(self.log).parent)

    def forget_rows(self, epochs):
        """Drops log rows after the checkpoint, left by a run that was killed in between."""
        forget_rows(self.to_write(self.log), epochs)


def check_recipe(path, recipe):
    """Raises a ValueError if recipe.json exists and contains another recipe."""
    if not path.exists():
        return
    try:
        found = dataclasses.asdict(saved_recipe(read_json(path)["recipe"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not a recipe of this package ({error})") from error
    for key, wanted in dataclasses.asdict(recipe).items():
        if json.dumps(found[key]) != json.dumps(wanted):
            name, before, after = _difference(key, found[key], wanted)
            raise ValueError(
                f"{path.parent}: already contains a run with {name} = {before}. Got: {after}. "
                "Use the same options to resume it, or another folder"
            )


def _difference(name, before, after):
    """A field that differs, with both values; of a dictionary, its first entry that differs."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *after]:
            values = before.get(key, "the default"), after.get(key, "the default")
            if values[0] != values[1]:
                return _difference(key, *values)
    return name, before, after


def note(path, recipe, data, repeats, start=None):
    """Writes recipe.json, or compares its record of the faces with this run.

    Args:
        path: the file.
        recipe: the run's `Recipe`.
        data: its training `Crops`.
        repeats: (faces,) how often an epoch shows each face.
        start: the model that provides the initial weights. If it is a file, its checksum is
            recorded.

    Raises:
        ValueError: the recorded faces differ.
    """
    faces = _faces(data, repeats)
    if path.exists():
        found = read_json(path).get("faces", faces)  # older runs lack it
        if found != faces:
            raise ValueError(
                f"{path.parent}: already contains a run on other faces: {found}. Got: {faces}. Use "
                "the same data to resume it, or another folder"
            )
        return
    about = {"versions": _versions(), "backend": keras.backend.backend(), "faces": faces}
    if isinstance(start, (str, Path)):
        preset = str(start) in zoo.names()
        about["start_sha256"] = sha256(zoo.keras_file(str(start)) if preset else start)
    write_json(path, {"recipe": dataclasses.asdict(recipe), **about})


def forget_rows(log, epochs):
    """Drops log rows after the checkpoint, left by a run that was killed in between."""
    if not log.exists():
        return
    with log.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    with replacing(log) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows[: epochs + 1])


def _faces(data, repeats):
    """The number of faces and showings, and a checksum of the faces and landmarks."""
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
