"""Training runs behind the rows of a table: each is a folder that continues where it stopped.

OUT/runs/DATASET/ROW/seed0            a run of `training.train`, with its evaluation
OUT/runs/DATASET/ROW/seed0/refined    the refined module on top of it

`search` has the learning rate's.
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
    """What is the same for every run of a table.

    Args:
        out: folder of runs and tables.
        recipe: fields of `training.Recipe` in place of its defaults.
        rounds: augmentation rounds of the refined module.
        skip_bad: leave bad files of a dataset out.
        verbose: Keras' verbosity.
    """

    out: Path
    recipe: dict = field(default_factory=dict)
    rounds: int = 30
    skip_bad: bool = False
    verbose: int = 0


def run(row, dataset, root, seed, rate, settings):
    """Trains and evaluates a row, as far as that is not done.

    Args:
        row: a measured `tables.Row`.
        dataset: name of the dataset.
        root: its folder.
        seed: seed of the run.
        rate: AdamW's peak learning rate.
        settings: a `Settings`.

    Returns:
        The run's evaluation.json as a dictionary.

    Raises:
        ValueError: bad data, or the folder holds a run of another recipe.
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
    """What is there of a row, whatever its learning rate.

    Args:
        row, dataset, seed, settings: as of `run`.

    Returns:
        The learning rate and the run's evaluation.json as a dictionary; None where the run is not
        done, or is one of another recipe.
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
    """The `Recipe` of a row."""
    return Recipe(
        dataset=dataset,
        network=row.network,
        loss=row.loss,
        loss_options=row.loss_options,
        **{**settings.recipe, **changes},
    )


def as_saved(recipe):
    """A recipe as a run's recipe.json has it."""
    return json.loads(json.dumps(asdict(recipe)))


def folder_of(settings, kind, dataset, row):
    """The folder of a row's runs or searches."""
    return Path(settings.out) / kind / dataset / row.key


def _refining(settings):
    return {"rounds": settings.rounds}


def _refined(model, path, recipe, root, settings):
    """The refined module on a trained model, plain: as many parameters as before."""
    told = path.parent / "refine.json"
    if told.exists() and read_json(told) != _refining(settings):
        raise ValueError(
            f"{path.parent}: holds a refined module of other options: {read_json(told)}. "
            f"Got: {_refining(settings)}; choose another folder, or the same to continue"
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
