"""The test faces with the largest errors, with annotation and prediction drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_fld.drawing.faces import draw_difference
from keras_fld.evaluation import protocol
from keras_fld.geometry.frame import FaceCrop, transform
from keras_fld.predict.predictor import open_model
from keras_fld.predict.protocol import LandmarkModel

if TYPE_CHECKING:
    import keras


# Side of a picture in face boxes. It is wider than the crop to show the surroundings of the face.
_MARGIN = 1.4


@dataclass(frozen=True)
class WorstFace:
    """A test face with a large error.

    Args:
        subset: name of its subset.
        name: name of the face in the dataset.
        error: its NME in percent of the normalizer.
        normalizer: name of the protocol's normalizer.
        picture: (size, size, 3) uint8 RGB, with annotated landmarks as green rings and predicted
            landmarks as red dots.
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
    **options: Any,
) -> list[WorstFace]:
    """Draws the faces with the largest errors.

    Args:
        model: a Keras model, or the path of a `.keras` or `.tflite` file or a baseline's `.npz`.
        dataset: name of the dataset, such as "300w".
        root: folder of the dataset.
        count: number of faces.
        subsets: names of the subsets. None uses all test subsets that are present.
        skip_bad: whether to skip bad files instead of stopping at the first one.
        size: side of a picture in pixels.
        **options: options of the dataset's reader.

    Returns:
        A list of `WorstFace`, worst first. A face in several subsets is listed once.

    Raises:
        ValueError: `count` is below 1, or for the reasons listed in `evaluate`.

    Examples:
        >>> len(gallery("run/model.keras", "300w", root, count=1))
        1
    """
    if count < 1:
        raise ValueError(f"count must be at least 1. Got: {count}")
    predictor = open_model(model)
    worst: dict[str, tuple] = {}
    read, _ = protocol.read_subsets(predictor, dataset, root, subsets, skip_bad, **options)
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
    """The picture of a face, cut from its photograph; for a prepared face, the model's crop."""
    if face.prepared:
        view, crop = frame, face.prepared.cut(frame, frame)
    else:
        view = FaceCrop(size, _MARGIN)
        crop = view.crop(face.image(), face.box)
    matrix = view.matrix(face.box)
    truth, found = (transform(points, matrix) for points in (face.landmarks, predicted))
    return draw_difference(crop, truth, found, size)
