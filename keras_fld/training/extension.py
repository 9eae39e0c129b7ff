"""A finished run, trained for more epochs.

The run's result is kept as model_N_epochs.keras and stays model.keras until the longer run is done.
Training goes on with epoch N + 1 from that result, by the learning rates that a run of all epochs
has there; the optimizer's moments start anew, as a finished run keeps none.
"""

import dataclasses
import shutil

from keras_fld._internal.files import read_json, replacing, sha256, write_json
from keras_fld.training.network import learning_rates
from keras_fld.training.recipe import saved_recipe


def asked(folder, recipe):
    """Epochs of the finished run in the folder that the recipe makes longer; 0 for another case.

    Args:
        folder: the `RunFolder`.
        recipe: the `Recipe` that is asked for.
    """
    if not folder.recipe.exists() or not finished(folder):
        return 0
    try:
        found = saved_recipe(read_json(folder.recipe)["recipe"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return 0  # `RunFolder.check` says what is wrong with it
    same = dataclasses.replace(found, epochs=recipe.epochs) == recipe
    return found.epochs if same and found.epochs < recipe.epochs else 0


def finished(folder):
    """Whether the folder has the result of all its epochs."""
    if not folder.result.exists():
        return False
    kept = _kept(folder)
    return kept is None or sha256(kept) != sha256(folder.result)


def begin(folder, recipe, epochs):
    """Notes that the finished run of so many epochs goes on as the recipe says."""
    kept = folder.path / f"model_{epochs}_epochs.keras"
    with replacing(kept) as temporary:
        shutil.copyfile(folder.result, temporary)
    about = read_json(folder.recipe)
    extends = {"epochs": epochs, "model": kept.name}
    write_json(folder.recipe, {**about, "recipe": dataclasses.asdict(recipe), "extends": extends})


def begun(folder):
    """Epochs that were done when the folder's run was made longer, and the model of then.

    Returns:
        0 and None for a run that never was.
    """
    kept = _kept(folder)
    return (0, None) if kept is None else (read_json(folder.recipe)["extends"]["epochs"], kept)


def _kept(folder):
    if not folder.recipe.exists():
        return None
    extends = read_json(folder.recipe).get("extends")
    return None if extends is None else folder.path / extends["model"]


def sentence(recipe, steps, epochs):
    """What happens, with the learning rates.

    Args:
        recipe: the `Recipe` of the longer run.
        steps: of an epoch.
        epochs: that were done.
    """
    rate = float(learning_rates(recipe, steps)(epochs * steps))
    return (
        f"the finished run of {epochs} epochs goes on from its model, with epochs {epochs + 1} to "
        f"{recipe.epochs} of a {recipe.epochs}-epoch schedule: the learning rate falls from "
        f"{rate:.2g} to 0 as a cosine; the optimizer's moments start anew"
    )
