"""The training runs behind the rows of a table. An interrupted run resumes from its folder.

OUT/runs/DATASET/ROW/seed0            a run of `training.train`, with its evaluation
OUT/runs/DATASET/ROW/seed0/refined    the refined module on top of it

The runs of the learning rate search are in `search`.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from keras_fld import evaluation, losses, models, training
from keras_fld._internal.files import read_json, replacing, write_json
from keras_fld.data import catalog, crops, feed
from keras_fld.training.recipe import Recipe, saved_recipe


@dataclass(frozen=True)
class Settings:
    """Settings that all runs of a table share.

    Args:
        out: folder of the runs and tables.
        recipe: fields of `training.Recipe` that override its defaults.
        rounds: augmentation rounds of the refined module.
        skip_bad: whether to skip bad files of a dataset.
        verbose: Keras' verbosity.
    """

    out: Path
    recipe: dict = field(default_factory=dict)
    rounds: int = 30
    skip_bad: bool = False
    verbose: int = 0


def run(row, dataset, root, seed, rate, settings):
    """Trains and evaluates a row. Completed steps are not repeated.

    Args:
        row: a measured `tables.Row`.
        dataset: name of the dataset.
        root: folder of the dataset.
        seed: seed of the run.
        rate: peak learning rate of AdamW.
        settings: a `Settings`.

    Returns:
        The content of the run's evaluation.json.

    Raises:
        ValueError: the data is bad, or the folder already contains a run with another recipe.
    """
    folder = folder_of(settings, "runs", dataset, row) / f"seed{seed}"
    recipe = recipe_of(row, dataset, settings, learning_rate=rate, seed=seed)
    model = training.train(recipe, folder, root, settings.skip_bad, settings.verbose)
    if row.refined:
        folder = folder / "refined"
        model = _refined(model, folder / "model.keras", recipe, root, settings)
    path = folder / "evaluation.json"
    if not path.exists():
        skip_bad = settings.skip_bad
        evaluation.evaluate(model, dataset, root, skip_bad=skip_bad).save(folder)
    return read_json(path)


def finished(row, dataset, seed, settings):
    """Returns the completed run of a row, whatever its learning rate.

    Args:
        row, dataset, seed, settings: as in `run`.

    Returns:
        The learning rate and the content of the run's evaluation.json. None if the run is not
        complete or has another recipe.
    """
    folder = folder_of(settings, "runs", dataset, row) / f"seed{seed}"
    evaluated = (folder / "refined" if row.refined else folder) / "evaluation.json"
    if not evaluated.exists():
        return None
    saved = saved_recipe(read_json(folder / "recipe.json")["recipe"])
    rate = saved.learning_rate
    if saved != recipe_of(row, dataset, settings, learning_rate=rate, seed=seed):
        return None
    told = folder / "refined/refine.json"
    if row.refined and not (told.exists() and read_json(told) == _refining(settings)):
        return None
    return rate, read_json(evaluated)


def recipe_of(row, dataset, settings, **changes):
    """Returns the `Recipe` of a row."""
    return Recipe(
        dataset=dataset,
        network=row.network,
        loss=row.loss,
        loss_options=row.loss_options,
        **{**settings.recipe, **changes},
    )


def as_saved(recipe):
    """Returns a recipe in the form stored in a run's recipe.json."""
    return json.loads(json.dumps(asdict(recipe)))


def folder_of(settings, kind, dataset, row):
    """Returns the folder of a row's runs or searches."""
    return Path(settings.out) / kind / dataset / row.key


def _refining(settings):
    return {"rounds": settings.rounds}


def _refined(model, path, recipe, root, settings):
    """The trained model after the refined module, with the same number of parameters."""
    told = path.parent / "refine.json"
    if told.exists() and read_json(told) != _refining(settings):
        raise ValueError(
            f"{path.parent}: already contains a refined module with {read_json(told)}. "
            f"Got: {_refining(settings)}. Use the same options to resume it, or another folder"
        )
    if path.exists():
        return models.load_model(path)
    write_json(told, _refining(settings))
    faces = catalog.read(recipe.dataset, root, catalog.get(recipe.dataset).train, settings.skip_bad)
    data = crops.training_crops(faces, recipe.frame, settings.skip_bad)
    batches = feed.training_batches(data, 64, recipe.augmentation, recipe.seed)
    loss = losses.get(recipe.loss, **recipe.loss_options)
    refined = models.refine(
        model, batches, loss=loss, rounds=settings.rounds, verbose=settings.verbose
    )
    with replacing(path) as temporary:
        refined.save(temporary)
    return refined
