"""The faces that a model gets most wrong, with truth and prediction drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_fld.drawing.faces import draw_difference
from keras_fld.evaluation import protocol
from keras_fld.geometry.frame import FaceCrop, transform
from keras_fld.predict.predictor import open_model
from keras_fld.predict.protocol import LandmarkModel

if TYPE_CHECKING:
    import keras


# Side of a picture in face boxes: wider than the crop, so that its surroundings tell more.
_MARGIN = 1.4


@dataclass(frozen=True)
class WorstFace:
    """A test face and how wrong the model is about it.

    Args:
        subset: the subset it is in.
        name: its name in the dataset.
        error: its NME in per cent of the normalizer.
        normalizer: the protocol's normalizing distance.
        picture: (size, size, 3) uint8 RGB with annotated landmarks as green rings and predicted
            ones as red dots.
    """

    subset: str
    name: str
    error: float
    normalizer: str
    picture: np.ndarray = field(repr=False)


def gallery(
    model: "keras.Model | LandmarkModel | str | Path",
    dataset: str,
    root: str | Path | None = None,
    count: int = 12,
    subsets: Sequence[str] | None = None,
    skip_bad: bool = False,
    size: int = 435,
) -> list[WorstFace]:
    """Draws the faces with the largest errors.

    Args:
        model: a Keras model, or the path of a `.keras`, `.tflite` or baseline's `.npz` file.
        dataset: name of the dataset, such as "300w".
        root: its folder.
        count: how many faces.
        subsets: names of the subsets; None takes every test subset that is there.
        skip_bad: leave bad files out instead of stopping at the first.
        size: side of a picture in pixels.

    Returns:
        A list of `WorstFace`, worst first; a face that is in several subsets is there once.

    Raises:
        ValueError: count is below 1, or as `evaluate`.

    Examples:
        >>> gallery("run/model.keras", "300w", root, count=1)[0].name
        'helen/testset/1165146502_1'
    """
    if count < 1:
        raise ValueError(f"count must be at least 1. Got: {count}")
    predictor = open_model(model)
    worst: dict[str, tuple] = {}
    read, _ = protocol.read_subsets(predictor, dataset, root, subsets, skip_bad)
    for subset, faces in read:
        data, _ = protocol.subset_crops(subset, faces, predictor.frame, skip_bad)
        result, kept = protocol.subset_result(predictor, subset, data, faces)
        normalizer, errors = next(iter(result.errors.items()))
        for index in np.argsort(-errors, kind="stable")[:count]:  # NaN comes last
            if not np.isnan(errors[index]):
                found = subset, normalizer, errors[index], kept[index], result.predictions[index]
                worst.setdefault(kept[index].name, found)
    ordered = sorted(worst.values(), key=lambda found: -found[2])[:count]
    return [
        WorstFace(
            subset,
            face.name,
            float(error),
            normalizer,
            _drawn(face, predicted, predictor.frame, size),
        )
        for subset, normalizer, error, face, predicted in ordered
    ]


def _drawn(face, predicted, frame, size):
    """The face cut out of its photograph; of prepared faces, what the model sees."""
    if face.prepared:
        view, crop = frame, face.prepared.cut(frame, frame)
    else:
        view = FaceCrop(size, _MARGIN)
        crop = view.crop(face.image(), face.box)
    matrix = view.matrix(face.box)
    truth, found = (transform(points, matrix) for points in (face.landmarks, predicted))
    return draw_difference(crop, truth, found, size)
