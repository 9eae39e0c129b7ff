"""The report of an evaluation: figures of each subset as a table, JSON and curves."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_fld._internal.files import read_json, write_json
from keras_fld._internal.images import save_image
from keras_fld.reports import curves
from keras_fld.reports.intervals import mean_interval

# A face with an NME above this is a failure. The area under the CED curve ends here. In percent.
LIMIT = 10.0

# Normalizer to its name on an axis.
DISTANCES = {
    "inter_pupil": "the inter-pupil distance",
    "inter_ocular": "the inter-ocular distance",
    "face_box": "the face box's width",
    "face_size": "the face box's size",
}


@dataclass(frozen=True)
class SubsetResult:
    """The errors of one test subset.

    Args:
        subset: name of the subset.
        names: name of each face.
        errors: normalizer to the NME of each face in percent. NaN where the normalizer is not
            annotated.
        regions: facial region to its NME in percent of the first normalizer.
        predictions: (faces, landmarks, 2) photograph pixels.
        visibility: NME of the "visible" and of the "occluded" landmarks in percent of the first
            normalizer. Empty if the annotation does not distinguish them.
        region_errors: facial region to the NME of each face in percent of the first normalizer.
    """

    subset: str
    names: list[str]
    errors: dict[str, np.ndarray]
    regions: dict[str, float]
    predictions: np.ndarray
    visibility: dict[str, float] = field(default_factory=dict)
    region_errors: dict[str, np.ndarray] = field(default_factory=dict)

    def row(self, normalizer: str) -> dict[str, Any]:
        """Returns the figures for one normalizer, in percent.

        "interval" is the 95 % bootstrap interval of the NME over faces. "left_out" is the number of
        faces without the normalizer, which do not count.
        """
        errors = self.errors[normalizer]
        counted = errors[~np.isnan(errors)]
        return {
            "subset": self.subset,
            "normalizer": normalizer,
            "faces": len(counted),
            "left_out": len(errors) - len(counted),
            "nme": mean(counted),
            "interval": list(mean_interval(counted)),
            "failure_rate": failure_rate(counted),
            "auc": ced_auc(counted),
        }


@dataclass(frozen=True)
class Report:
    """Result of an evaluation. Printing it shows a table.

    Args:
        dataset: name of the dataset.
        model: name of the model.
        subsets: one `SubsetResult` for each subset.
        notes: sentences on missing subsets and skipped files.
        converted: what was done to the landmarks of a model of another scheme, or nothing.
        license: SPDX identifier of the license of the model's weights, or None if it is not known.
    """

    dataset: str
    model: str
    subsets: list[SubsetResult]
    notes: list[str]
    converted: str = ""
    license: str | None = None

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One dictionary for each subset and normalizer."""
        return [subset.row(name) for subset in self.subsets for name in subset.errors]

    def nme(self, subset: str, normalizer: str | None = None) -> float:
        """Returns the NME of a subset in percent.

        Args:
            subset: name of the subset.
            normalizer: name of the normalizer. None uses the first one, which is the protocol's.
        """
        result = next(s for s in self.subsets if s.subset == subset)
        return mean(result.errors[normalizer or next(iter(result.errors))])

    def __str__(self) -> str:
        wide = max([12, *(len(result.subset) + 2 for result in self.subsets)])
        head = f"{'subset':<{wide}}{'normalizer':<14}{'faces':>6}"
        head += f"{'NME %':>9}{'95 % range':>16}{'FR@10 %':>9}{'AUC@10':>9}"
        lines = [head, "-" * len(head)]
        for row in self.rows:
            lines.append(
                f"{row['subset']:<{wide}}{row['normalizer']:<14}{row['faces']:>6}"
                f"{row['nme']:>9.3f}{'{:.3f}-{:.3f}'.format(*row['interval']):>16}"
                f"{row['failure_rate']:>9.2f}{row['auc']:>9.2f}"
            )
        for result in self.subsets:
            lines += [
                f"{result.subset:<{wide}}{next(iter(result.errors)):<14}{kind + ' landmarks':>20}"
                f"  NME {nme:.3f} %"
                for kind, nme in result.visibility.items()
            ]
        lines += [self.converted] if self.converted else []
        return "\n".join(lines)

    def region_table(self) -> str:
        """Returns the NME of each facial region as text, with one line per subset."""
        lines = []
        for result in self.subsets:
            figures = "".join(f"  {name} {nme:.3f}" for name, nme in result.regions.items())
            lines.append(f"{result.subset:<12}{next(iter(result.errors)):<14}{figures}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Returns the content of evaluation.json: the figures, and the errors of each face."""
        return {
            "dataset": self.dataset,
            "model": self.model,
            "license": self.license,
            **({"converted": self.converted} if self.converted else {}),
            "rows": self.rows,
            "regions": {s.subset: s.regions for s in self.subsets},
            "visibility": {s.subset: s.visibility for s in self.subsets if s.visibility},
            "notes": self.notes,
            "faces": {
                s.subset: {"name": s.names, **{k: v.round(4) for k, v in s.errors.items()}}
                for s in self.subsets
            },
            "region_faces": {
                s.subset: {k: v.round(4) for k, v in s.region_errors.items()} for s in self.subsets
            },
        }

    def save(self, folder: str | Path) -> None:
        """Writes evaluation.json with the errors of each face, and the CED curves as ced.png."""
        folder = Path(folder)
        write_json(folder / "evaluation.json", self.as_dict())
        plot_ced(self, folder / "ced.png")


def mean(errors: ArrayLike) -> float:
    """Computes the mean of the errors that are not NaN; NaN if there are none."""
    known = np.asarray(errors)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else float("nan")


def failure_rate(errors: ArrayLike, threshold: float = LIMIT) -> float:
    """Computes the percentage of faces with an error above the threshold."""
    errors = np.asarray(errors)
    return float(100 * (errors > threshold).mean()) if len(errors) else float("nan")


def ced_auc(errors: ArrayLike, limit: float = LIMIT) -> float:
    """Computes the area under the cumulative error curve up to the limit, in percent.

    The curve is a step function, so the area is exactly the mean of max(0, 1 - error / limit).
    """
    errors = np.asarray(errors)
    if not len(errors):
        return float("nan")
    return float(100 * np.maximum(0, 1 - errors / limit).mean())


def plot_ced(report: Report, path: str | Path) -> None:
    """Draws the cumulative error distribution of each subset with the first normalizer.

    Args:
        report: a `Report`.
        path: the PNG to write.
    """
    errors = {}
    normalizer: Any = None  # of a report without subsets
    for result in report.subsets:
        normalizer = next(iter(result.errors))
        errors[result.subset] = result.errors[normalizer]
    title = f"Cumulative error distribution, {report.dataset}"
    save_image(path, curves.ced_curves(errors, distance_label(normalizer), title))


def distance_label(normalizer: str) -> str:
    """Returns the label of an error axis for a normalizer."""
    return f"NME in % of {DISTANCES.get(normalizer, normalizer)}"


def read_evaluation(path: str | Path) -> dict[str, Any]:
    """Reads an evaluation.json and checks that the entries of the faces are complete.

    Args:
        path: a file written by `Report.save`.

    Returns:
        Its content as a dictionary.

    Raises:
        ValueError: the file cannot be read, or is not an evaluation.

    Examples:
        >>> read_evaluation("run/evaluation.json")["rows"][0]["subset"]
        'common'
    """
    path = Path(path)
    content = read_json(path)
    needed = {"dataset": str, "model": str, "faces": dict}
    for key, kind in needed.items():
        if not isinstance(content, dict) or not isinstance(content.get(key), kind):
            raise ValueError(f"{path}: an evaluation must have {key!r}; `evaluate --out` writes it")
    for part in ("faces", "region_faces"):
        for subset, columns in _table(path, part, content.get(part, {})).items():
            whole = _table(path, subset, content["faces"].get(subset, {}))
            columns, names = _table(path, subset, columns), whole.get("name")
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                raise ValueError(f"{path}: {subset}: must have the faces' names")
            for key, values in columns.items():
                if not isinstance(values, list) or len(values) != len(names):
                    raise ValueError(f"{path}: {subset}: {key!r} must have one entry for each face")
                if key != "name" and not all(map(_is_error, values)):
                    raise ValueError(f"{path}: {subset}: {key!r} must be numbers from 0 on or null")
    return content


def _table(path, name, value):
    if not isinstance(value, dict):
        raise ValueError(f"{path}: {name}: must be an object. Got: {value!r}"[:200])
    return value


def _is_error(value):
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value is None or (number and 0 <= value < 1e30)
