"""Evaluation under occlusion: test faces covered by one and by two squares of growing size.

Section 3 of the paper argues that a model may handle each of two occlusions separately but fail
when both are present. Here, the second occluder is added to the same first one.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_fld._internal.files import name_bytes, replacing, write_json
from keras_fld._internal.plots import new_figure
from keras_fld._internal.progress import counting
from keras_fld.evaluation.protocol import model_name, read_subsets, subset_crops, subset_result
from keras_fld.geometry.frame import transform
from keras_fld.predict.predictor import open_model
from keras_fld.predict.protocol import LandmarkModel
from keras_fld.reports.intervals import mean_interval
from keras_fld.reports.report import DISTANCES, failure_rate, mean

if TYPE_CHECKING:
    import keras


# Sides of an occluder in multiples of the face box's longer side.
SIZES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
COUNTS = (1, 2)


@dataclass(frozen=True)
class OcclusionReport:
    """Result of `occlusion_sweep`. Printing it shows a table.

    Args:
        dataset: name of the dataset.
        model: name of the model.
        normalizer: subset to its normalizer.
        rows: a dictionary for each subset, number of occluders and size: the NME in percent with
            its 95 % interval, the failure rate, the NME of the visible landmarks and that of the
            hidden ones, and the mean covered share of the face box.
        notes: sentences on missing subsets and skipped files.
    """

    dataset: str
    model: str
    normalizer: dict[str, str]
    rows: list[dict]
    notes: list[str]

    def __str__(self) -> str:
        wide = 2 + max(8, *(len(name) for name in self.normalizer))
        head = f"{'subset':<{wide}}{'occluders':>9}{'size':>6}{'covered %':>11}{'NME %':>9}"
        head += f"{'95 % range':>16}{'FR@10 %':>9}{'visible':>11}{'hidden':>9}"
        lines = [head, "-" * len(head)]
        for row in self.rows:
            lines.append(
                f"{row['subset']:<{wide}}{row['occluders']:>9}{row['size']:>6.2f}"
                f"{row['covered']:>11.1f}{row['nme']:>9.3f}"
                f"{'{:.3f}-{:.3f}'.format(*row['interval']):>16}{row['failure_rate']:>9.2f}"
                f"{row['visible_nme']:>11.3f}{row['hidden_nme']:>9.3f}"
            )
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Returns the content of occlusion.json."""
        return dict(vars(self))

    def save(self, folder: str | Path) -> None:
        """Writes occlusion.json and the curves as occlusion.png."""
        folder = Path(folder)
        write_json(folder / "occlusion.json", self.as_dict())
        _plot(self, folder / "occlusion.png")


def occlusion_sweep(
    model: "keras.Model | LandmarkModel | str | Path",
    dataset: str,
    root: str | Path | None = None,
    subsets: Sequence[str] | None = None,
    sizes: Sequence[float] = SIZES,
    counts: Sequence[int] = COUNTS,
    seed: int = 0,
    skip_bad: bool = False,
    **options: Any,
) -> OcclusionReport:
    """Evaluates a model on test faces that are partly covered by squares of a single color.

    The crop is always that of the annotated face box. The center of a square is at a random place
    in the box. It is the same for all sizes, and the first of two squares is the same as a single
    one. All rows therefore use the same faces and places.

    Args:
        model, dataset, root, subsets, skip_bad, **options: as in `evaluation.evaluate`.
        sizes: sides of a square in multiples of the face box's longer side.
        counts: numbers of squares.
        seed: seed of places and colors, which also depend on the face's name.

    Returns:
        An `OcclusionReport`.

    Raises:
        ValueError: a size is below 0 or above 1, a count is below 1, or for the reasons listed in
            `evaluate`.

    Examples:
        >>> print(occlusion_sweep("face.tflite", "300w", root, ["common"]))
    """
    for size in sizes:
        if not 0 <= size <= 1:
            raise ValueError(f"a size must be from 0 to 1 face boxes. Got: {size}")
    for count in counts:
        if count < 1:
            raise ValueError(f"a number of occluders must be at least 1. Got: {count}")
    predictor = open_model(model)
    rows, normalizer = [], {}
    read, notes = read_subsets(predictor, dataset, root, subsets, skip_bad, **options)
    for subset, faces in read:
        data, skipped = subset_crops(subset, faces, predictor.frame, skip_bad)
        notes += skipped
        rounds = [(count, size) for count in counts for size in sizes]
        with counting("covering faces", len(rounds)) as done:
            for result, row in _covered_results(predictor, subset, faces, data, rounds, seed):
                normalizer[subset] = next(iter(result.errors))
                rows.append({"subset": subset, **row, **_figures(result)})
                done(1)
    return OcclusionReport(dataset, model_name(model), normalizer, rows, notes)


def _covered_results(predictor, subset, faces, data, rounds, seed):
    """Yields, for each number and size of squares, the result and the row's entries about them."""
    faces = _in_order(faces, data)
    boxes = [_crop_box(*x) for x in zip(faces.faces, data.matrices, strict=True)]
    most = max(count for count, _ in rounds)
    draws = [_Occluders(name, seed, most) for name in data.names]
    for count, size in rounds:
        squares = [d.squares(box, count, size) for d, box in zip(draws, boxes, strict=True)]
        images, covered = _covered(data, draws, squares, boxes)
        hidden = [_inside(t, s) for t, s in zip(data.landmarks, squares, strict=True)]
        marked = [replace(f, occluded=h) for f, h in zip(faces.faces, hidden, strict=True)]
        result, _ = subset_result(
            predictor, subset, replace(data, images=images), replace(faces, faces=marked)
        )
        yield result, {"occluders": count, "size": float(size), "covered": covered}


class _Occluders:
    """The places and colors of the squares of one face, for any size."""

    def __init__(self, name, seed, count):
        rng = np.random.Generator(np.random.Philox(key=[seed, zlib.crc32(name_bytes(name))]))
        # Drawn one by one, so that the first is the same for every count.
        drawn = [(rng.random(2), rng.integers(0, 256, 3)) for _ in range(count)]
        self._places, self.colors = zip(*drawn, strict=True)

    def squares(self, box, count, size):
        """The first `count` squares in crop pixels: (count, 4), as left, top, right, bottom."""
        x, y, width, height = box
        middle = np.array([x, y]) + np.stack(self._places[:count]) * (width, height)
        half = size * max(width, height) / 2
        return np.concatenate([middle - half, middle + half], axis=1)


def _in_order(faces, data):
    """The faces that could be read, in the order of their crops."""
    by_name = {face.name: face for face in faces.faces}
    return replace(faces, faces=[by_name[name] for name in data.names])


def _crop_box(face, matrix):
    """The face box in crop pixels."""
    x, y, width, height = face.box
    (left, top), (right, bottom) = transform([[x, y], [x + width, y + height]], matrix)
    return np.array([left, top, right - left, bottom - top])


def _inside(points, squares):
    """Which points are in one of the squares: (points,) bool, False for NaN."""
    low, high = squares[:, None, :2], squares[:, None, 2:]
    return ((points >= low) & (points < high)).all(axis=-1).any(axis=0)


def _covered(data, draws, squares, boxes):
    """The crops with their squares, and the mean covered share of the face box in percent."""
    side = data.frame.size
    y, x = np.mgrid[:side, :side]
    pixels = np.stack([x, y], axis=-1).reshape(-1, 2)
    images, shares = data.images.copy(), []
    for image, draw, these, box in zip(images, draws, squares, boxes, strict=True):
        under = np.zeros(side * side, bool)
        for square, color in zip(these, draw.colors, strict=False):
            here = _inside(pixels, square[None])
            image.reshape(-1, 3)[here] = color
            under |= here
        face = _inside(pixels, np.array([[*box[:2], *(box[:2] + box[2:])]]))
        shares.append(100 * under[face].mean() if face.any() else np.nan)
    return images, mean(shares)


def _figures(result):
    errors = next(iter(result.errors.values()))
    errors = errors[~np.isnan(errors)]
    return {
        "nme": mean(errors),
        "interval": list(mean_interval(errors)),
        "failure_rate": failure_rate(errors),
        "visible_nme": result.visibility.get("visible", mean(errors)),
        "hidden_nme": result.visibility.get("occluded", float("nan")),
    }


def _plot(report, path):
    figure = new_figure(figsize=(5 * len(report.normalizer), 4))
    panels = figure.subplots(1, len(report.normalizer), squeeze=False)[0]
    for axes, (subset, normalizer) in zip(panels, report.normalizer.items(), strict=True):
        rows = [row for row in report.rows if row["subset"] == subset]
        for count in dict.fromkeys(row["occluders"] for row in rows):
            line = [row for row in rows if row["occluders"] == count]
            sizes, nme = [row["size"] for row in line], [row["nme"] for row in line]
            low, high = zip(*(row["interval"] for row in line), strict=True)
            label = f"{count} occluder{'s' * (count > 1)}"
            (drawn,) = axes.plot(sizes, nme, marker="o", label=label)
            axes.fill_between(sizes, low, high, color=drawn.get_color(), alpha=0.2)
        axes.set(
            title=f"{report.dataset}, {subset}",
            xlabel="side of an occluder in face boxes",
            ylabel=f"NME in % of {DISTANCES.get(normalizer, normalizer)}",
        )
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    # Every panel has the same lines; below them, the legend covers none.
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=120)
