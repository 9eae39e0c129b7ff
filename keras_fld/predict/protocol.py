"""Interfaces of landmark models and face scores, implemented for Keras, TFLite and baselines."""

from typing import Protocol

import numpy as np

from keras_fld.geometry.frame import FaceCrop
from keras_fld.schemes import Scheme


class Scorer(Protocol):
    """Computes one or more numbers for each crop."""

    @property
    def frame(self) -> FaceCrop:
        """The frame of its crops."""

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Computes (faces,) scores from 0 to 1 from (faces, size, size, 3) uint8 RGB crops."""


class LandmarkModel(Protocol):
    """Predicts the landmarks of faces in crops."""

    @property
    def frame(self) -> FaceCrop:
        """The frame of its crops."""

    @property
    def scheme(self) -> Scheme | None:
        """The scheme of its landmarks, or None."""

    @property
    def num_landmarks(self) -> int:
        """Number of landmarks."""

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Predicts (faces, landmarks, 2) in crop pixels from (faces, size, size, 3) uint8 crops."""
