"""Extension of a finished run by more epochs.

The result of the finished run is kept as model_N_epochs.keras, and as model.keras until the longer
run finishes. Training continues from this model at epoch N + 1 of the longer learning-rate
schedule. The optimizer's moments are reset, because a finished run does not keep them.
"""

import dataclasses
import shutil

from keras_fld._internal.files import read_json, replacing, sha256, write_json
from keras_fld.training.network import learning_rates
from keras_fld.training.recipe import saved_recipe


def asked(folder, recipe):
    """The number of epochs of the finished run that the recipe extends; 0 if it does not.

    Args:
        folder: the `RunFolder`.
        recipe: the requested `Recipe`.
    """
    if not folder.recipe.exists() or not finished(folder):
        return 0
    try:
        found = saved_recipe(read_json(folder.recipe)["recipe"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return 0  # `RunFolder.check` reports the error
    same = dataclasses.replace(found, epochs=recipe.epochs) == recipe
    return found.epochs if same and found.epochs < recipe.epochs else 0


def finished(folder):
    """Whether the folder contains the result of all epochs."""
    if not folder.result.exists():
        return False
    kept = _kept(folder)
    return kept is None or sha256(kept) != sha256(folder.result)


def begin(folder, recipe, epochs):
    """Records that the finished run of `epochs` epochs is extended to the recipe."""
    kept = folder.path / f"model_{epochs}_epochs.keras"
    with replacing(kept) as temporary:
        shutil.copyfile(folder.result, temporary)
    about = read_json(folder.recipe)
    extends = {"epochs": epochs, "model": kept.name}
    write_json(folder.recipe, {**about, "recipe": dataclasses.asdict(recipe), "extends": extends})


def begun(folder):
    """The number of epochs before the run was extended, and the model at that time.

    Returns:
        0 and None for a run that was not extended.
    """
    kept = _kept(folder)
    return (0, None) if kept is None else (read_json(folder.recipe)["extends"]["epochs"], kept)


def _kept(folder):
    if not folder.recipe.exists():
        return None
    extends = read_json(folder.recipe).get("extends")
    return None if extends is None else folder.path / extends["model"]


def sentence(recipe, steps, epochs):
    """A note on the extension and its learning rates.

    Args:
        recipe: the `Recipe` of the longer run.
        steps: steps per epoch.
        epochs: epochs of the finished run.
    """
    rate = float(learning_rates(recipe, steps)(epochs * steps))
    return (
        f"extending the finished run of {epochs} epochs: epochs {epochs + 1} to {recipe.epochs} of "
        f"a {recipe.epochs}-epoch schedule, with a cosine decay of the learning rate from "
        f"{rate:.2g} to 0; the optimizer's moments are reset"
    )
