"""Training runs behind the rows of a table: each is a folder that continues where it stopped.

OUT/runs/DATASET/ROW/seed0            a run of `training.train`, with its evaluation
OUT/runs/DATASET/ROW/seed0/refined    the refined module on top of it
OUT/search/DATASET/ROW/0.001          a candidate of the learning-rate search
"""

import csv
import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

from keras_fld import evaluation, losses, models, training
from keras_fld.data import catalog, crops, feed
from keras_fld.files import replacing, write_json
from keras_fld.reproduce.tables import SEARCH_FACTORS, SEARCH_VALIDATION
from keras_fld.training import Recipe


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
    folder = _folder(settings, "runs", dataset, row) / f"seed{seed}"
    recipe = _recipe(row, dataset, settings, learning_rate=rate, seed=seed)
    model = training.train(recipe, folder, root, settings.skip_bad, settings.verbose)
    if row.refined:
        folder = folder / "refined"
        model = _refined(model, folder / "model.keras", recipe, root, settings)
    path = folder / "evaluation.json"
    if not path.exists():
        skip_bad = settings.skip_bad
        evaluation.evaluate(model, dataset, root, skip_bad=skip_bad).save(folder)
    return json.loads(path.read_text("utf-8"))


def search(row, dataset, root, settings, epochs=None):
    """Compares learning rates on held-out training faces, as far as that is not done.

    Args:
        row, dataset, root, settings: as of `run`.
        epochs: of each candidate; None takes the run's own.

    Returns:
        {"learning_rate": the best, "candidates": rate to the NME in per cent on the held-out faces
        after the last epoch, None where the loss did not stay finite}.

    Raises:
        ValueError: bad data, or no candidate's loss stayed finite.
    """
    folder = _folder(settings, "search", dataset, row)
    found = {}
    for factor in SEARCH_FACTORS:
        rate = float(f"{factor * row.rate:.3g}")
        recipe = _recipe(row, dataset, settings, learning_rate=rate, validation=SEARCH_VALIDATION)
        if epochs:
            recipe = Recipe(**{**vars(recipe), "epochs": epochs})
        found[rate] = _candidate(recipe, folder / f"{rate:g}", root, settings)
    finite = {rate: figure for rate, figure in found.items() if figure is not None}
    if not finite:
        raise ValueError(f"{folder}: no learning rate kept the loss finite. Got: {list(found)}")
    best = min(finite, key=finite.get)
    choice = {"learning_rate": best, "candidates": {f"{k:g}": v for k, v in found.items()}}
    write_json(folder / "choice.json", {"recipe": asdict(recipe), **choice})
    return choice


def _candidate(recipe, folder, root, settings):
    """Figure of one candidate, the lower the better, or None."""
    diverged, mine = folder / "diverged.json", json.loads(json.dumps(asdict(recipe)))
    if diverged.exists() and json.loads(diverged.read_text("utf-8")) == mine:
        return None
    try:
        training.train(recipe, folder, root, settings.skip_bad, settings.verbose)
    except ValueError as error:
        if "the loss must stay a finite number" not in str(error):
            raise
        write_json(diverged, mine)
        return None
    with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
        last = list(csv.DictReader(file))[-1]
    # The same loss in all candidates, so it serves where a crop has no normaliser.
    figure = float(last.get("val_nme") or last["val_loss"])
    return figure if math.isfinite(figure) else None


def _recipe(row, dataset, settings, **changes):
    return Recipe(
        dataset=dataset,
        network=row.network,
        loss=row.loss,
        loss_options=row.loss_options,
        **{**settings.recipe, **changes},
    )


def _folder(settings, kind, dataset, row):
    return Path(settings.out) / kind / dataset / row.key


def _refined(model, path, recipe, root, settings):
    """The refined module on a trained model, plain: as many parameters as before."""
    if path.exists():
        return models.load(path)
    faces = catalog.read(
        recipe.dataset, root, catalog.find(recipe.dataset).train, settings.skip_bad
    )
    data = crops.training_crops(faces, recipe.frame, settings.skip_bad)
    batches = feed.training_batches(data, 64, recipe.augmentation, recipe.seed)
    loss = losses.get(recipe.loss, **recipe.loss_options)
    refined = models.refine(
        model, batches, loss=loss, rounds=settings.rounds, verbose=settings.verbose
    )
    with replacing(path) as temporary:
        refined.save(temporary, include_optimizer=False)
    return refined
