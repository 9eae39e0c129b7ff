"""Predictions averaged over a face and its mirror image."""

import numpy as np

from keras_fld._internal.pixels import crops_of
from keras_fld.predict.protocol import LandmarkModel


class FlipAveraged:
    """A model that sees each crop twice, as it is and mirrored: better, at twice the time.

    Args:
        predictor: what `predictor.open_model` gives.

    Raises:
        ValueError: the landmarks have no known scheme, so that mirroring cannot rename them.

    Examples:
        >>> FlipAveraged(open_model("face.tflite")).predict(crops).shape
        (10, 68, 2)
    """

    def __init__(self, predictor: LandmarkModel) -> None:
        if predictor.scheme is None:
            raise ValueError(
                "flip averaging needs a model whose landmarks have a scheme. "
                f"Got: {predictor.num_landmarks} landmarks of none"
            )
        self._predictor = predictor
        self.frame, self.scheme = predictor.frame, predictor.scheme
        self.num_landmarks = predictor.num_landmarks

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Landmarks of (faces, size, size, 3) crops: (faces, landmarks, 2) pixels."""
        images = crops_of(images, self.frame.size)
        plain = np.asarray(self._predictor.predict(images))
        mirrored = np.array(self._predictor.predict(np.ascontiguousarray(images[:, :, ::-1])))
        mirrored[..., 0] = self.frame.size - 1 - mirrored[..., 0]
        return (plain + mirrored[:, self.scheme.mirror]) / 2
