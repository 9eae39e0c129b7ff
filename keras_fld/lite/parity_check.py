"""Comparison of a converted model's landmarks with those of its Keras model on test faces."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_fld import zoo
from keras_fld._internal.files import replacing, write_json

if TYPE_CHECKING:
    import keras

    from keras_fld.predict.protocol import LandmarkModel


WORST = 12


@dataclass(frozen=True)
class Parity:
    """The difference between two models.

    Args:
        model, reference: names of the models.
        dataset: name of the dataset whose test faces were used.
        size: side of the crop in pixels.
        rows: one dictionary for each subset and normalizer: NME of both models in percent, the
            difference, and the mean distance in crop pixels.
        faces: name of each face.
        crops: (faces, size, size, 3) uint8 input of both models.
        predictions: (2, faces, landmarks, 2) crop pixels, of reference and model.
        notes: sentences on missing parts and skipped files.

    Examples:
        >>> print(parity("face.tflite", "run/model.keras", "300w", root))
    """

    model: str
    reference: str
    dataset: str
    size: int
    rows: list[dict]
    faces: list[str] = field(repr=False)
    crops: np.ndarray = field(repr=False)
    predictions: np.ndarray = field(repr=False)
    notes: list[str] = field(default_factory=list)

    @cached_property
    def distances(self) -> np.ndarray:
        """(faces, landmarks) distances between the two models in crop pixels."""
        return np.linalg.norm(self.predictions[1] - self.predictions[0], axis=-1)

    @property
    def summary(self) -> dict[str, float]:
        """Mean, root mean square and largest distance in crop pixels."""
        return _figures(self.distances)

    @property
    def landmarks(self) -> list[dict[str, float]]:
        """The `summary` of each landmark, as a list."""
        return [_figures(column) for column in self.distances.T]

    @property
    def worst(self) -> np.ndarray:
        """Indices of the faces with the largest root mean square distance, worst first."""
        return np.argsort(-np.square(self.distances).mean(axis=1), kind="stable")[:WORST]

    def __str__(self) -> str:
        lines = [
            f"{'subset':<12}{'normalizer':<14}{'reference':>10}{'model':>10}{'difference':>12}"
            f"{'pixels':>9}"
        ]
        for row in self.rows:
            lines.append(
                f"{row['subset']:<12}{row['normalizer']:<14}{row['nme_reference']:>10.3f}"
                f"{row['nme']:>10.3f}{row['difference']:>+12.3f}{row['pixels']:>9.3f}"
            )
        figures = self.summary
        lines.append(
            f"{len(self.faces)} faces, distance in pixels of the {self.size}-pixel crop: "
            f"mean {figures['mean']:.3f}, root mean square {figures['rms']:.3f}, "
            f"largest {figures['max']:.3f}"
        )
        return "\n".join(lines)

    def beyond(self, pixels: float) -> list[tuple[str, float]]:
        """(name, pixels) of mean distances above a limit, over all faces and over each subset."""
        means = {"all": self.summary["mean"], **{row["subset"]: row["pixels"] for row in self.rows}}
        return [(name, mean) for name, mean in means.items() if not mean <= pixels]

    def as_dict(self) -> dict[str, Any]:
        """The figures, as in parity.json."""
        return {
            "model": self.model,
            "reference": self.reference,
            "dataset": self.dataset,
            "crop_size": self.size,
            "rows": self.rows,
            "pixels": self.summary,
            "landmarks": self.landmarks,
            "worst": [{"face": self.faces[i], **_figures(self.distances[i])} for i in self.worst],
            "notes": self.notes,
        }

    def save(self, folder: str | Path) -> None:
        """Writes `parity.json` and the self-contained `parity.html` to a folder."""
        from keras_fld.lite.parity_page import page

        folder = Path(folder)
        write_json(folder / "parity.json", self.as_dict())
        with replacing(folder / "parity.html") as temporary:
            temporary.write_text(page(self), "utf-8")


def parity(
    model: "keras.Model | LandmarkModel | str | Path",
    reference: "keras.Model | LandmarkModel | str | Path",
    dataset: str,
    root: str | Path | None = None,
    subsets: Sequence[str] | None = None,
    skip_bad: bool = False,
    **options: Any,
) -> Parity:
    """Compares a converted model with its Keras model.

    Args:
        model: path of the `.tflite` file, or any other landmark model.
        reference: the Keras model, the path of its file, or the name of a preset, which stands for
            its Keras weights.
        dataset: name of the dataset.
        root: its folder.
        subsets: names of the test subsets; None takes all that are present.
        skip_bad: skip bad files instead of stopping at the first.
        **options: options of the dataset's reader.

    Returns:
        A `Parity`, which prints as a table.

    Raises:
        ValueError: the reference is a converted file, the models differ in crop or landmarks, or
            there are no test faces.

    Examples:
        >>> parity("face.tflite", "run/model.keras", "300w", root).save("parity")
    """
    from keras_fld.evaluation import protocol
    from keras_fld.predict.predictor import open_model

    pair = open_model(_keras_reference(reference)), open_model(model)
    _check_alike(*pair)
    rows: list[dict] = []
    seen: dict[str, tuple] = {}
    read, notes = protocol.read_subsets(pair[0], dataset, root, subsets, skip_bad, **options)
    for subset, faces in read:
        data, skipped = protocol.subset_crops(subset, faces, pair[0].frame, skip_bad)
        notes += skipped
        both = [_Recorded(predictor) for predictor in pair]
        results = [protocol.subset_result(p, subset, data, faces)[0] for p in both]
        found = [predictor.landmarks for predictor in both]
        pixels = float(np.linalg.norm(found[1] - found[0], axis=-1).mean())
        rows += _rows(subset, results, pixels)
        for i, name in enumerate(data.names):  # a union repeats faces of other subsets
            seen.setdefault(name, (data.images[i], *(landmarks[i] for landmarks in found)))
    crops, *predictions = zip(*seen.values(), strict=True)
    return Parity(
        model=protocol.model_name(model),
        reference=protocol.model_name(reference),
        dataset=dataset,
        size=pair[0].frame.size,
        rows=rows,
        faces=list(seen),
        crops=np.stack(crops),
        predictions=np.array(predictions),
        notes=notes,
    )


def _keras_reference(reference):
    """The reference, or a preset's Keras file. Raises a ValueError for a converted file."""
    if isinstance(reference, str) and reference in zoo.names():
        return zoo.keras_file(reference)
    if isinstance(reference, (str, Path)) and Path(reference).suffix == ".tflite":
        raise ValueError(
            "reference must be the Keras model (.keras) that the file was converted from. "
            f"Got: {reference}"
        )
    return reference


def _check_alike(reference, model):
    """Raises a ValueError if two models cannot be compared."""
    about = [(one.frame, one.num_landmarks) for one in (reference, model)]
    if about[0] != about[1]:
        raise ValueError(
            "model and reference must have the same crop and landmarks. "
            f"Got: {about[1]} and {about[0]}"
        )


def _rows(subset, results, pixels):
    """The rows of a subset."""
    for normalizer in results[0].errors:
        first, second = (result.row(normalizer)["nme"] for result in results)
        yield {
            "subset": subset,
            "normalizer": normalizer,
            "nme_reference": first,
            "nme": second,
            "difference": second - first,
            "pixels": pixels,
        }


class _Recorded:
    """A model that records its predictions, in crop pixels."""

    def __init__(self, predictor: "LandmarkModel") -> None:
        self._predictor = predictor
        self._parts: list[np.ndarray] = []
        self.frame, self.scheme = predictor.frame, predictor.scheme
        self.num_landmarks = predictor.num_landmarks

    def predict(self, images: np.ndarray) -> np.ndarray:
        self._parts.append(self._predictor.predict(images))
        return self._parts[-1]

    @property
    def landmarks(self) -> np.ndarray:
        """(faces, landmarks, 2) predictions of all crops so far."""
        return np.concatenate(self._parts)


def _figures(distances):
    return {
        "mean": float(distances.mean()),
        "rms": float(np.sqrt(np.square(distances).mean())),
        "max": float(distances.max()),
    }
