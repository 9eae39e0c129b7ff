"""A model's landmarks in another scheme."""

import numpy as np

from keras_fld import schemes
from keras_fld.geometry.frame import FaceCrop
from keras_fld.predict.predictor import SCORED_SCHEMES
from keras_fld.predict.protocol import LandmarkModel
from keras_fld.schemes import Scheme
from keras_fld.schemes.conversion import conversions, groups_of


class Converted:
    """A `LandmarkModel` whose landmarks `schemes.convert` turns into those of another scheme.

    Args:
        model: the `LandmarkModel`.
        scheme: the wanted `Scheme`.

    Raises:
        ValueError: the model has no scheme, or there is no such conversion.

    Examples:
        >>> Converted(open_model("wflw.tflite"), IBUG68).num_landmarks
        68
    """

    def __init__(self, model: LandmarkModel, scheme: Scheme) -> None:
        if model.scheme is None:
            raise ValueError("a model to convert the landmarks of must have a scheme. Got: none")
        groups_of(model.scheme, scheme)
        self._model, self._source = model, model.scheme
        self.frame: FaceCrop = model.frame
        self.scheme: Scheme = scheme
        self.num_landmarks: int = scheme.num_landmarks

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Landmarks (faces, landmarks, 2) in crop pixels of (faces, size, size, 3) crops."""
        points = self._model.predict(images)
        return schemes.convert(points, self._source, self.scheme).astype(np.float32)


def convertible(own: Scheme | None, scheme: Scheme) -> bool:
    """Whether a model of a scheme can be judged by another scheme's landmarks.

    Its landmarks can be converted, and the tight boxes of both, which crops are cut by, are those
    around contour and brows.
    """
    if own is None or own.name == scheme.name:
        return False
    alike = {own.name, scheme.name} <= set(SCORED_SCHEMES)
    return alike and (own.name, scheme.name) in conversions()
