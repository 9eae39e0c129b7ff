"""Averages the predictions for a face and its mirror image."""

import numpy as np

from keras_fld._internal.pixels import crops_of
from keras_fld.predict.protocol import LandmarkModel


class FlipAveraged:
    """A model that sees each crop twice, as it is and mirrored. This doubles the time.

    Args:
        predictor: a `LandmarkModel`, such as from `predictor.open_model`.

    Raises:
        ValueError: the model has no scheme, which mirroring needs to permute the landmarks.

    Examples:
        >>> FlipAveraged(open_model("face.tflite")).predict(crops).shape
        (10, 68, 2)
    """

    def __init__(self, predictor: LandmarkModel) -> None:
        if predictor.scheme is None:
            raise ValueError(
                "flip averaging needs a model with a landmark scheme. "
                f"Got: {predictor.num_landmarks} landmarks without a scheme"
            )
        self._predictor = predictor
        self.frame, self.scheme = predictor.frame, predictor.scheme
        self.num_landmarks = predictor.num_landmarks

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Predicts (faces, landmarks, 2) in crop pixels from (faces, size, size, 3) crops."""
        images = crops_of(images, self.frame.size)
        plain = np.asarray(self._predictor.predict(images))
        mirrored = np.array(self._predictor.predict(np.ascontiguousarray(images[:, :, ::-1])))
        mirrored[..., 0] = self.frame.size - 1 - mirrored[..., 0]
        return (plain + mirrored[:, self.scheme.mirror]) / 2
