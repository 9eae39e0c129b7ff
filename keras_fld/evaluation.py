"""The protocols' figures: NME, failure rate and area under the CED curve of each subset.

Errors are measured in photograph pixels, where every normaliser is known.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_fld.data import catalog, crops
from keras_fld.data.faces import Absent
from keras_fld.data.geometry import invert, transform
from keras_fld.files import replacing, write_json
from keras_fld.predictor import open_model

# A face with an NME above it is a failure, and the CED curve's area ends there; in per cent.
LIMIT = 10.0


@dataclass(frozen=True)
class SubsetResult:
    """Figures of one subset.

    Args:
        subset: its name.
        names: name of each face.
        errors: normaliser to the NME of each face in per cent, NaN where it is not annotated.
        regions: facial region to its NME in per cent of the first normaliser.
        predictions: (faces, landmarks, 2) photograph pixels.
    """

    subset: str
    names: list[str]
    errors: dict[str, np.ndarray]
    regions: dict[str, float]
    predictions: np.ndarray

    def row(self, normalizer):
        """Figures under one normaliser, in per cent; faces without it are left out and counted."""
        errors = self.errors[normalizer]
        counted = errors[~np.isnan(errors)]
        return {
            "subset": self.subset,
            "normalizer": normalizer,
            "faces": len(counted),
            "left_out": len(errors) - len(counted),
            "nme": float(counted.mean()) if len(counted) else float("nan"),
            "failure_rate": failure_rate(counted),
            "auc": ced_auc(counted),
        }


@dataclass(frozen=True)
class Report:
    """Result of an evaluation.

    Args:
        dataset: name of the dataset.
        model: name of the model.
        subsets: a `SubsetResult` each.
        notes: sentences on missing parts and skipped files.
    """

    dataset: str
    model: str
    subsets: list[SubsetResult]
    notes: list[str]

    @property
    def rows(self):
        """One dictionary for each subset and normaliser."""
        return [subset.row(name) for subset in self.subsets for name in subset.errors]

    def nme(self, subset, normalizer="inter_pupil"):
        """NME of a subset in per cent."""
        return next(s for s in self.subsets if s.subset == subset).row(normalizer)["nme"]

    def __str__(self):
        head = (
            f"{'subset':<12}{'normaliser':<14}{'faces':>6}{'NME %':>9}{'FR@10 %':>9}{'AUC@10':>9}"
        )
        lines = [head, "-" * len(head)]
        for row in self.rows:
            lines.append(
                f"{row['subset']:<12}{row['normalizer']:<14}{row['faces']:>6}"
                f"{row['nme']:>9.3f}{row['failure_rate']:>9.2f}{row['auc']:>9.2f}"
            )
        return "\n".join(lines)

    def region_table(self):
        """The NME of each facial region as text, a line for each subset."""
        lines = []
        for result in self.subsets:
            figures = "".join(f"  {name} {nme:.3f}" for name, nme in result.regions.items())
            lines.append(f"{result.subset:<12}{next(iter(result.errors)):<14}{figures}")
        return "\n".join(lines)

    def save(self, folder):
        """Writes evaluation.json, with every face's error, and the CED curves as ced.png."""
        folder = Path(folder)
        write_json(
            folder / "evaluation.json",
            {
                "dataset": self.dataset,
                "model": self.model,
                "rows": self.rows,
                "regions": {s.subset: s.regions for s in self.subsets},
                "notes": self.notes,
                "faces": {
                    s.subset: {"name": s.names, **{k: v.round(4) for k, v in s.errors.items()}}
                    for s in self.subsets
                },
            },
        )
        plot_ced(self, folder / "ced.png")


def evaluate(model, dataset, root=None, subsets=None, skip_bad=False):
    """Evaluates a model on the test subsets of a dataset.

    Args:
        model: a Keras model, or the path of a `.keras` or `.tflite` file.
        dataset: name of the dataset, such as "300w".
        root: its folder.
        subsets: names of the subsets; None takes every one that is there.
        skip_bad: leave bad files out instead of stopping at the first.

    Returns:
        A `Report`: printed, it is the table.

    Raises:
        ValueError: no subset is there, a file is bad, or the model has another layout.

    Example:
        >>> report = evaluate(model, "300w", root)
        >>> print(report)
    """
    predictor = open_model(model)
    # The name alone: a report that is passed on should not tell of its maker's folders.
    name = Path(model).name if isinstance(model, (str, Path)) else getattr(model, "name", "model")
    results, notes = [], []
    for subset in subsets or catalog.find(dataset).tests:
        try:
            faces = catalog.read(dataset, root, subset, skip_bad)
        except Absent as error:
            if subsets:
                raise
            notes.append(f"{subset}: not evaluated: {error}")
            continue
        if subset == "full" and faces.missing and not subsets:
            notes.append(f"full: not evaluated: {'; '.join(faces.missing)}")
            continue
        notes += [f"{subset}: {sentence}" for sentence in faces.missing + faces.skipped]
        check_landmarks(predictor, faces.scheme)
        data = crops.model_crops(faces, predictor.frame, skip_bad)
        notes += [f"{subset}: {sentence}" for sentence in data.skipped]
        results.append(_subset(predictor, subset, data))
    if not results:
        raise ValueError(f"nothing to evaluate. {' '.join(notes)}")
    # Files by their place in the dataset, for the same reason as the model's name.
    notes = [note.replace(f"{root}/", "").replace(f"{root}: ", "") for note in notes]
    return Report(dataset, name, results, notes)


def check_landmarks(predictor, scheme):
    """Raises ValueError when a model's landmarks are not those of the data."""
    if predictor.num_landmarks != scheme.num_landmarks:
        raise ValueError(
            f"the model must predict the data's {scheme.num_landmarks} landmarks "
            f"({scheme.name}). Got: {predictor.num_landmarks}"
        )


def _subset(predictor, subset, data):
    predicted = predictor.predict(data.images)
    back = [invert(matrix) for matrix in data.matrices]
    truth = np.stack([transform(p, m) for p, m in zip(data.landmarks, back, strict=True)])
    predicted = np.stack([transform(p, m) for p, m in zip(predicted, back, strict=True)])
    errors = {
        name: 100 * face_errors(truth, predicted) / data.scheme.distance(truth, name)
        for name in data.scheme.normalizers
    }
    # The paper's own normaliser first.
    errors = dict(sorted(errors.items(), key=lambda item: item[0] != "inter_pupil"))
    distance = data.scheme.distance(truth, next(iter(errors)))
    regions = {
        name: float(
            np.nanmean(100 * face_errors(truth[:, indices], predicted[:, indices]) / distance)
        )
        for name, indices in ((k, list(v)) for k, v in data.scheme.patches.items())
    }
    return SubsetResult(subset, data.names, errors, regions, predicted)


def face_errors(truth, predicted):
    """Mean distance of each face's annotated landmarks: (faces,), NaN for a face without any."""
    distances = np.linalg.norm(np.asarray(predicted, float) - truth, axis=-1)
    visible = ~np.isnan(distances)
    with np.errstate(invalid="ignore"):
        return np.where(visible, distances, 0).sum(axis=-1) / visible.sum(axis=-1)


def failure_rate(errors, threshold=LIMIT):
    """Share of faces with an error above the threshold, in per cent."""
    errors = np.asarray(errors)
    return float(100 * (errors > threshold).mean()) if len(errors) else float("nan")


def ced_auc(errors, limit=LIMIT):
    """Area under the cumulative error curve up to the limit, in per cent of its rectangle.

    The curve is a step function, so the area is exactly the mean of max(0, 1 - error / limit).
    """
    errors = np.asarray(errors)
    if not len(errors):
        return float("nan")
    return float(100 * np.maximum(0, 1 - errors / limit).mean())


def plot_ced(report, path):
    """Draws the cumulative error distribution of each subset under the first normaliser.

    Args:
        report: a `Report`.
        path: the PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for result in report.subsets:
        normalizer = next(iter(result.errors))
        errors = result.errors[normalizer]
        errors = np.sort(errors[~np.isnan(errors)])
        share = 100 * np.arange(1, len(errors) + 1) / len(errors)
        nme = result.row(normalizer)["nme"]
        axes.step(
            np.concatenate([[0], errors, [max(LIMIT, errors[-1])]]),
            np.concatenate([[0], share, [100]]),
            where="post",
            label=f"{result.subset}, {len(errors)} faces, NME {nme:.2f} %",
        )
    axes.set(
        xlim=(0, LIMIT),
        ylim=(0, 100),
        xlabel=f"NME in % of the {normalizer.replace('_', '-')} distance",
        ylabel="faces in %",
        title=f"Cumulative error distribution, {report.dataset}",
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=120)
