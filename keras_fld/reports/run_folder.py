"""Reading of a run folder without Keras. `training` describes its files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_fld._internal.files import read_json
from keras_fld.reports.report import read_evaluation
from keras_fld.reports.training_log import read_log


@dataclass(frozen=True)
class Evaluated:
    """An evaluation in a run folder.

    Args:
        name: name of the model. For an evaluation in a subfolder, the folder is appended.
        dataset: name of the dataset.
        rows: the figures of each subset and normalizer, NaN where unknown.
        errors: subset to normalizer to the NME of each face in percent.
        parts: subset to the NME of its facial regions, and of visible and occluded landmarks.
        notes: sentences on missing subsets and skipped files.
    """

    name: str
    dataset: str
    rows: list[dict]
    errors: dict
    parts: dict
    notes: list[str]


@dataclass(frozen=True)
class Run:
    """A training run, finished or not.

    Args:
        name: name of the folder.
        recipe: the fields of `training.Recipe`.
        about: the other entries of recipe.json, such as versions and backend.
        log: the result of `read_log`.
        model_bytes: size of model.keras, or None if there is none.
        evaluations: one `Evaluated` for each evaluation, that of the run itself first.
    """

    name: str
    recipe: dict
    about: dict
    log: dict
    model_bytes: int | None
    evaluations: list[Evaluated]

    @property
    def epochs(self):
        """Number of completed epochs."""
        return len(self.log["epoch"])

    @property
    def seconds(self):
        """Total time of the epochs whose time is in the log; 0 if there is none."""
        return float(np.nansum(self.log.get("seconds", 0.0)))


def read_run(folder):
    """Reads a run folder.

    Args:
        folder: a folder written by `keras-fld train --out`. Its evaluations are evaluation.json and
            those in subfolders, such as flip and refined.

    Returns:
        A `Run`.

    Raises:
        ValueError: a file is missing or damaged. The message names the file.

    Examples:
        >>> read_run("run").recipe["loss"]
        'enme'
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder")
    path = folder / "recipe.json"
    about = read_json(path)
    recipe = about.pop("recipe", None) if isinstance(about, dict) else None
    if not isinstance(recipe, dict) or not isinstance(recipe.get("epochs"), int):
        raise ValueError(f"{path}: not a recipe of this package")
    model, log = folder / "model.keras", folder / "log.csv"
    started = log.exists() or model.exists()
    columns = read_log(log) if started else {"epoch": np.empty(0)}
    found = sorted(folder.rglob("evaluation.json"), key=lambda p: (len(p.parts), p))
    return Run(
        folder.resolve().name,
        recipe,
        about,
        columns,
        model.stat().st_size if model.exists() else None,
        [_evaluated(path, folder) for path in found],
    )


def _evaluated(path, folder):
    content = read_evaluation(path)
    place = path.parent.relative_to(folder).as_posix()
    name = content["model"] if place == "." else f"{content['model']} ({place})"
    try:
        errors = {
            subset: {key: np.array(x, float) for key, x in columns.items() if key != "name"}
            for subset, columns in content["faces"].items()
        }
        return Evaluated(
            name,
            content["dataset"],
            [_row(row) for row in content["rows"]],
            errors,
            _parts(content),
            list(map(str, content.get("notes", []))),
        )
    # For example, Python's JSON allows Infinity, which is not a valid number of faces.
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{path}: an evaluation's figures must be complete ({error!r})") from error


def _parts(content):
    parts: dict[str, dict[str, float]] = {}
    for key in ("regions", "visibility"):
        for subset, figures in content.get(key, {}).items():
            known = {name: _number(value) for name, value in figures.items()}
            parts[subset] = parts.get(subset, {}) | known
    return parts


def _row(row):
    figures = {key: _number(row[key]) for key in ("nme", "failure_rate", "auc")}
    low, high = map(_number, row.get("interval") or (None, None))
    return {
        "subset": str(row["subset"]),
        "normalizer": str(row["normalizer"]),
        "faces": int(row["faces"]),
        **figures,
        "interval": (low, high),
    }


def _number(value):
    return float("nan") if value is None else float(value)
