"""What a run folder notes of its run, and whether a command may go on with it."""

import csv
import dataclasses
import hashlib
import json
import platform
from importlib.metadata import PackageNotFoundError, version

import keras

from keras_fld.files import read_json, replacing, sha256, write_json
from keras_fld.recipe import saved_recipe

# What a run's numbers may hang on, where it is installed.
_PACKAGES = ("keras-fld", "keras", "tensorflow", "jax", "torch", "numpy", "opencv-python")


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
        start: path of the model that the weights start from, or None.

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
    if start is not None:
        about["start_sha256"] = sha256(start)
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
    digest = hashlib.sha256("\n".join(data.names).encode())
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
