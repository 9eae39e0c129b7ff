"""Reading what a run folder holds, without Keras: see `training` for what is in one."""

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
        name: the model's name, with the folder where it is not the run's own.
        dataset: name of the dataset.
        rows: the figures of each subset and normalizer, NaN where one is not known.
        errors: subset to normalizer to the NME of each face in per cent.
        parts: subset to the NME of its facial regions, and of visible and occluded landmarks.
        notes: sentences on missing parts and skipped files.
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
        name: the folder's name.
        recipe: the fields of `training.Recipe`.
        about: what else recipe.json says, such as versions and backend.
        log: what `read_log` returns.
        model_bytes: size of model.keras, None where the run holds none.
        evaluations: an `Evaluated` each, the run's own first.
    """

    name: str
    recipe: dict
    about: dict
    log: dict
    model_bytes: int | None
    evaluations: list[Evaluated]

    @property
    def epochs(self):
        """How many epochs are done."""
        return len(self.log["epoch"])

    @property
    def seconds(self):
        """Time of the epochs whose time the log has; 0 where it has none."""
        return float(np.nansum(self.log.get("seconds", 0.0)))


def read_run(folder):
    """Reads a run folder.

    Args:
        folder: as `keras-fld train --out` writes it. Evaluations are its evaluation.json and those
            in folders inside it, such as flip and refined.

    Returns:
        A `Run`.

    Raises:
        ValueError: a file is missing or damaged; it names the file.

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
    # Infinity is a number of Python's JSON, but no number of faces.
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{path}: an evaluation's figures must be whole ({error!r})") from error


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
