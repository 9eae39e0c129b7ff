"""Paired comparison of two evaluations on the same faces."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from keras_fld._internal.files import write_json
from keras_fld.reports.intervals import mean_interval
from keras_fld.reports.report import mean, read_evaluation


@dataclass(frozen=True)
class Comparison:
    """Differences between two models on the faces that both were evaluated on.

    Args:
        before: name of the first model.
        after: name of the second model.
        rows: a dictionary for each subset and normalizer: the NME of both models in percent, the
            difference, its 95 % interval, and the percentage of faces that improved.
        regions: the same for each facial region, with the first normalizer.
        notes: sentences on what could not be compared.
    """

    before: str
    after: str
    rows: list[dict]
    regions: list[dict]
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        wide = 2 + max(12, *(len(row["subset"]) for row in self.rows))
        head = f"{'subset':<{wide}}{'normalizer':<14}{'faces':>6}{'before %':>10}{'after %':>9}"
        head += f"{'difference':>12}{'95 % range':>20}{'better %':>10}"
        lines = [f"before: {self.before}   after: {self.after}", head, "-" * len(head)]
        for row in [*self.rows, *self.regions]:
            what = row.get("region", row["normalizer"])
            interval = "{:+.3f} to {:+.3f}".format(*row["interval"])
            lines.append(
                f"{row['subset']:<{wide}}{what:<14}{row['faces']:>6}{row['before']:>10.3f}"
                f"{row['after']:>9.3f}{row['difference']:>+12.3f}{interval:>20}"
                f"{row['better']:>10.1f}"
            )
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Returns the figures as a dictionary for JSON."""
        return dict(vars(self))

    def save(self, path: str | Path) -> None:
        """Writes a JSON file."""
        write_json(path, self.as_dict())


def compare(before: str | Path, after: str | Path, seed: int = 0) -> Comparison:
    """Compares two evaluations face by face.

    Args:
        before: path of an evaluation.json.
        after: path of another evaluation.json of the same dataset.
        seed: seed of the bootstrap.

    Returns:
        A `Comparison`. A negative difference is an improvement. If the interval does not contain
        zero, the difference is not just due to the choice of faces.

    Raises:
        ValueError: a file is not an evaluation, the datasets differ, or no face is in both.

    Examples:
        >>> print(compare("plain/evaluation.json", "refined/evaluation.json"))
    """
    first, second = read_evaluation(before), read_evaluation(after)
    if first["dataset"] != second["dataset"]:
        raise ValueError(
            f"{before} and {after}: the evaluations must be of the same dataset. "
            f"Got: {first['dataset']} and {second['dataset']}"
        )
    rows, regions, notes = [], [], []
    for subset, faces in first["faces"].items():
        others = second["faces"].get(subset)
        mine, theirs, common = _paired(faces, others)
        if not common:
            notes.append(f"{subset}: not compared: no face in both")
            continue
        if len(common) < max(len(faces["name"]), len(others["name"])):
            notes.append(f"{subset}: compared on the {len(common)} faces in both")
        shared = [name for name in faces if name in others and name != "name"]
        for name in shared:
            row = _row(faces[name], others[name], mine, theirs, seed)
            rows.append({"subset": subset, "normalizer": name, **row})
        if not shared or not shared[0] == _first(faces) == _first(others):
            continue
        parts = [x.get("region_faces", {}).get(subset, {}) for x in (first, second)]
        for region in parts[0]:
            if region in parts[1]:
                row = _row(parts[0][region], parts[1][region], mine, theirs, seed)
                regions.append({"subset": subset, "normalizer": shared[0], "region": region, **row})
        if not all(parts):
            notes.append(f"{subset}: regions not compared: an evaluation lacks each face's")
    for subset in second["faces"]:
        if subset not in first["faces"]:
            notes.append(f"{subset}: not compared: no face in both")
    if not rows:
        raise ValueError(f"{before} and {after}: no face is in both evaluations")
    return Comparison(first["model"], second["model"], rows, regions, notes)


def _paired(faces, others):
    """Indices of the common faces in both evaluations, and their names."""
    if others is None:
        return [], [], []
    place = {name: i for i, name in enumerate(others["name"])}
    common = [(i, place[name], name) for i, name in enumerate(faces["name"]) if name in place]
    mine, theirs, names = zip(*common, strict=True) if common else ([], [], [])
    return list(mine), list(theirs), list(names)


def _first(faces):
    """The normalizer that a report uses for facial regions."""
    return next(name for name in faces if name != "name")


def _row(before, after, mine, theirs, seed):
    before = np.array(before, float)[mine]  # null is NaN
    after = np.array(after, float)[theirs]
    known = ~np.isnan(before) & ~np.isnan(after)
    before, after = before[known], after[known]
    return {
        "faces": int(known.sum()),
        "before": mean(before),
        "after": mean(after),
        "difference": mean(after - before),
        "interval": list(mean_interval(after - before, seed=seed)),
        "better": mean(100.0 * (after < before)),
    }
