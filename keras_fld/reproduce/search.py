"""Search for the learning rate of a row on held-out training faces.

OUT/search/DATASET/ROW/0.001          a candidate, which is a run of `training.train`
OUT/search/DATASET/ROW/choice.json    the figures of all candidates, and the best rate
"""

import csv
import math
from dataclasses import replace

import keras

from keras_fld import training
from keras_fld._internal.files import read_json, write_json
from keras_fld.reproduce.runs import as_saved, folder_of, recipe_of
from keras_fld.reproduce.tables import (
    SEARCH_FACTORS,
    SEARCH_MOST,
    SEARCH_STEP,
    SEARCH_VALIDATION,
)


def search(row, dataset, root, settings, epochs=None):
    """Compares learning rates on held-out training faces. Completed runs are not repeated.

    If the best rate is the lowest or the highest one, the next rate beyond it is tried, up to
    `SEARCH_MOST` rates in total.

    Args:
        row, dataset, root, settings: as in `run`.
        epochs: epochs of each candidate. None uses the epochs of the run.

    Returns:
        A dictionary. "learning_rate" is the best rate. "candidates" maps each rate to the NME in
        percent on the held-out faces after the last epoch, or to None if the training diverged.

    Raises:
        ValueError: the data is bad, or all candidates diverged.
    """
    folder, found = folder_of(settings, "search", dataset, row), {}
    rates = [_rounded(factor * row.rate) for factor in SEARCH_FACTORS]
    while rates:
        recipe = recipe_of(
            row, dataset, settings, learning_rate=rates[0], validation=SEARCH_VALIDATION
        )
        if epochs:
            recipe = replace(recipe, epochs=epochs)
        found[rates[0]] = _candidate(recipe, folder / f"{rates[0]:g}", root, settings)
        rates = rates[1:] or _beyond(found)
    finite = {rate: figure for rate, figure in found.items() if figure is not None}
    if not finite:
        raise ValueError(f"{folder}: training diverged with every rate. Got: {list(found)}")
    best = min(finite, key=finite.__getitem__)
    choice = {"learning_rate": best, "candidates": {f"{k:g}": v for k, v in found.items()}}
    write_json(folder / "choice.json", {"recipe": as_saved(recipe), **choice})
    return choice


def kept(row, dataset, settings):
    """Returns the result of an earlier search for a row, or None if there is none."""
    path = folder_of(settings, "search", dataset, row) / "choice.json"
    if not path.exists():
        return None
    choice = read_json(path)
    try:
        return {key: choice[key] for key in ("learning_rate", "candidates")}
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: not the result of a search ({error})") from error


def _beyond(found):
    """A list with the next rate if the best one is the highest or lowest so far, else empty."""
    finite = {rate: figure for rate, figure in found.items() if figure is not None}
    if not finite or len(found) >= SEARCH_MOST:
        return []
    best = min(finite, key=finite.__getitem__)
    if best == max(found):
        return [_rounded(best * SEARCH_STEP)]
    return [_rounded(best / SEARCH_STEP)] if best == min(found) else []


def _rounded(rate):
    return float(f"{rate:.3g}")


def _candidate(recipe, folder, root, settings):
    """The figure of a candidate (lower is better), or None if it diverged."""
    diverged, mine = folder / "diverged.json", as_saved(recipe)
    if diverged.exists() and read_json(diverged) == mine:
        return None
    try:
        training.train(recipe, folder, root, settings.skip_bad, settings.verbose)
    except training.TrainingDiverged:
        write_json(diverged, mine)
        return None
    finally:
        keras.backend.clear_session()
    with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
        last = list(csv.DictReader(file))[-1]
    # All candidates have the same loss, so it can replace the NME if there is no normalizer.
    figure = float(last.get("val_nme") or last["val_loss"])
    return figure if math.isfinite(figure) else None
