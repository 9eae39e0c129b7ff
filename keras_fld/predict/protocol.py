"""What landmark models and face scores offer, whatever runs them: Keras, TFLite or a baseline."""

from typing import Protocol

import numpy as np

from keras_fld.geometry.frame import FaceCrop
from keras_fld.schemes import Scheme


class Scorer(Protocol):
    """Gives each crop a number, or more."""

    @property
    def frame(self) -> FaceCrop:
        """The crops it sees."""

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Scores (faces,) from 0 to 1 of (faces, size, size, 3) uint8 RGB crops."""


class LandmarkModel(Protocol):
    """Predicts the landmarks of faces in crops."""

    @property
    def frame(self) -> FaceCrop:
        """The crops it sees."""

    @property
    def scheme(self) -> Scheme | None:
        """The scheme of its landmarks, or None."""

    @property
    def num_landmarks(self) -> int:
        """How many landmarks it predicts."""

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Landmarks (faces, landmarks, 2) in crop pixels of (faces, size, size, 3) uint8 crops."""
