"""How far a converted model's landmarks are from the Keras model's, on real faces."""

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
        model, reference: their names.
        dataset: whose test faces they were given.
        size: side of the crop in pixels.
        rows: one dictionary a subset and normalizer: NME of both in per cent, the difference, and
            the subset's mean distance in pixels of the crop.
        faces: name of each face.
        crops: (faces, size, size, 3) uint8, what both models saw.
        predictions: (2, faces, landmarks, 2) pixels of the crop: reference, model.
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
        """(faces, landmarks) pixels of the crop between the two models."""
        return np.linalg.norm(self.predictions[1] - self.predictions[0], axis=-1)

    @property
    def summary(self) -> dict[str, float]:
        """Mean, root mean square and largest distance in pixels of the crop."""
        return _figures(self.distances)

    @property
    def landmarks(self) -> list[dict[str, float]]:
        """The same of each landmark, a list in their order."""
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
        """Mean distances above a limit, of all faces and of each subset: (name, pixels) pairs."""
        means = {"all": self.summary["mean"], **{row["subset"]: row["pixels"] for row in self.rows}}
        return [(name, mean) for name, mean in means.items() if not mean <= pixels]

    def as_dict(self) -> dict[str, Any]:
        """The figures as parity.json has them."""
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
        """Writes `parity.json` and `parity.html`, which holds its pictures, into a folder."""
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
) -> Parity:
    """Compares a converted model with the Keras model it came from.

    Args:
        model: path of the `.tflite` file, or anything else that predicts landmarks.
        reference: the Keras model, the path of its file, or the name of a preset, whose Keras
            weights are taken.
        dataset: name of the dataset.
        root: its folder.
        subsets: names of the test subsets; None takes every one that is there.
        skip_bad: leave bad files out instead of stopping at the first.

    Returns:
        A `Parity`: printed, it is the table.

    Raises:
        ValueError: the reference is a converted file, the models see different crops or landmarks,
            or no test face is there.

    Examples:
        >>> parity("face.tflite", "run/model.keras", "300w", root).save("parity")
    """
    from keras_fld.evaluation import protocol
    from keras_fld.predict.predictor import open_model

    pair = open_model(_keras_reference(reference)), open_model(model)
    _check_alike(*pair)
    rows: list[dict] = []
    seen: dict[str, tuple] = {}
    read, notes = protocol.read_subsets(pair[0], dataset, root, subsets, skip_bad)
    for subset, faces in read:
        data, skipped = protocol.subset_crops(subset, faces, pair[0].frame, skip_bad)
        notes += skipped
        both = [_Recorded(predictor) for predictor in pair]
        results = [protocol.subset_result(p, subset, data, faces)[0] for p in both]
        found = [predictor.landmarks for predictor in both]
        pixels = float(np.linalg.norm(found[1] - found[0], axis=-1).mean())
        rows += _rows(subset, results, pixels)
        for i, name in enumerate(data.names):  # a union's faces were there already
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
    """The reference, of a preset its Keras file; raises ValueError for a converted file."""
    if isinstance(reference, str) and reference in zoo.names():
        return zoo.keras_file(reference)
    if isinstance(reference, (str, Path)) and Path(reference).suffix == ".tflite":
        raise ValueError(
            f"reference must be the Keras model (.keras) that the file came from. Got: {reference}"
        )
    return reference


def _check_alike(reference, model):
    """Raises ValueError where two models cannot be compared."""
    about = [(one.frame, one.num_landmarks) for one in (reference, model)]
    if about[0] != about[1]:
        raise ValueError(
            "model and reference must see the same crop and predict the same landmarks. "
            f"Got: {about[1]} and {about[0]}"
        )


def _rows(subset, results, pixels):
    """The rows of a subset from the two models' results."""
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
    """A model that keeps what it predicts, in pixels of the crop."""

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
        """Landmarks of all the crops so far, which came in parts: (faces, landmarks, 2)."""
        return np.concatenate(self._parts)


def _figures(distances):
    return {
        "mean": float(distances.mean()),
        "rms": float(np.sqrt(np.square(distances).mean())),
        "max": float(distances.max()),
    }
