"""Converts a model's landmarks to another scheme."""

import numpy as np

from keras_fld import schemes
from keras_fld.geometry.frame import FaceCrop
from keras_fld.predict.predictor import SCORED_SCHEMES
from keras_fld.predict.protocol import LandmarkModel
from keras_fld.schemes import Scheme
from keras_fld.schemes.conversion import conversions, groups_of


class Converted:
    """A `LandmarkModel` that converts its landmarks to another scheme with `schemes.convert`.

    Args:
        model: the `LandmarkModel`.
        scheme: the target `Scheme`.

    Raises:
        ValueError: the model has no scheme, or there is no such conversion.

    Examples:
        >>> Converted(open_model("face.tflite"), COFW29).num_landmarks
        29
    """

    def __init__(self, model: LandmarkModel, scheme: Scheme) -> None:
        if model.scheme is None:
            raise ValueError("converting landmarks needs a model with a scheme. Got: none")
        groups_of(model.scheme, scheme)
        self._model, self._source = model, model.scheme
        self.frame: FaceCrop = model.frame
        self.scheme: Scheme = scheme
        self.num_landmarks: int = scheme.num_landmarks

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Predicts (faces, landmarks, 2) in crop pixels from (faces, size, size, 3) crops."""
        points = self._model.predict(images)
        return schemes.convert(points, self._source, self.scheme).astype(np.float32)


def convertible(own: Scheme | None, scheme: Scheme) -> bool:
    """Whether a model can be evaluated on landmarks of another scheme.

    This requires a conversion, and that the tight boxes of both schemes, which define the crop,
    enclose contour and brows.
    """
    if own is None or own.name == scheme.name:
        return False
    alike = {own.name, scheme.name} <= set(SCORED_SCHEMES)
    return alike and (own.name, scheme.name) in conversions()
