"""Saving and loading of models, including the package's own classes."""

import json
import sys
import zipfile
from pathlib import Path

import keras

from keras_fld import zoo


def load_model(path: str | Path, compile: bool = False) -> keras.Model:
    """Loads a `.keras` file of the package, or a pretrained model.

    Args:
        path: the file, or the name of a preset, such as "trnet20_300w".
        compile: whether to restore the loss, metrics and optimizer, too.

    Returns:
        The Keras model. That of a preset has an attribute `license`, the SPDX identifier of its
        weights' license, which files converted from it state.

    Raises:
        ValueError: the file does not exist, is damaged or not a Keras model, or contains layers of
            a module that has not been imported. The message names the module.

    Examples:
        >>> model = keras_fld.load_model("trnet20_300w")
    """
    # Keras finds saved losses and layers by their registered names, so their modules must be
    # imported. This imports those of the package.
    from keras_fld import losses, metrics  # noqa: F401

    if str(path) in zoo.names():
        path = zoo.keras_file(str(path))
    path = Path(path)
    license = zoo.license_of_file(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such model file or preset ({', '.join(zoo.names())})")
    if path.suffix == ".keras" and not zipfile.is_zipfile(path):  # Keras would report "not found"
        size = path.stat().st_size
        raise ValueError(f"{path}: not a .keras file, or a damaged one ({size} bytes)")
    try:
        # Safe mode does not run code from the file, unless the program has disabled it globally.
        model = keras.saving.load_model(path, compile=compile, safe_mode=True)
    except Exception as error:  # a damaged archive may raise any error of zipfile, json or h5py
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        foreign = _foreign_classes(path)
        if foreign:
            raise ValueError(
                f"{path}: needs {', '.join(foreign)}: import it before loading the model ({reason})"
            ) from error
        raise ValueError(
            f"{path}: not a Keras model of this package, or a damaged one ({reason})"
        ) from error
    if license is not None:
        model.license = license
    return model


def keep_license(model: keras.Model, changed: keras.Model) -> keras.Model:
    """Gives a model that was made from another one, such as a preset's, that one's license.

    Args:
        model: the model before.
        changed: the model after.

    Returns:
        `changed`.
    """
    license = getattr(model, "license", None)
    if license is not None:
        changed.license = license
    return changed


def _foreign_classes(path):
    """Lists classes of a saved model whose modules have not been imported, as phrases."""
    found = set()

    def visit(part):
        if isinstance(part, list):
            for one in part:
                visit(one)
        elif isinstance(part, dict):
            module, name = part.get("module"), part.get("class_name")
            if isinstance(module, str) and isinstance(name, str):
                root = module.partition(".")[0]
                if root not in ("keras", "keras_fld", "builtins") and module not in sys.modules:
                    found.add(f"{name} of the module {module}")
            for one in part.values():
                visit(one)

    try:
        with zipfile.ZipFile(path) as archive:
            visit(json.loads(archive.read("config.json")))
    except (OSError, KeyError, ValueError, RecursionError, zipfile.BadZipFile):
        return []  # a damaged file, which the caller reports
    return sorted(found)


def save(model: keras.Model, path: str | Path) -> None:
    """Saves a functional model as a `.keras` file without loss and optimizer.

    Keras saves the optimizer state of a compiled model regardless of `include_optimizer`, which
    triples the size of the file. This function saves an uncompiled model with the same layers.

    Args:
        model: a Keras model.
        path: the file.

    Examples:
        >>> save(model, "face.keras")
    """
    keras.Model(model.input, model.output, name=model.name).save(path)
