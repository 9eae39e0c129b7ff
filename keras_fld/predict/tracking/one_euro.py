"""The One-Euro filter: little jitter at rest, little lag in motion.

Casiez, Roussel and Vogel, 1 Euro Filter: A Simple Speed-based Low-pass Filter for Noisy Input in
Interactive Systems, 2012.
"""

import numpy as np
from numpy.typing import ArrayLike


class OneEuroFilter:
    """Smooths each value of an array over time, independently of the others.

    The filter is an exponential smoothing whose cutoff frequency increases with the speed:
    `min_cutoff + beta * |speed|`. The speed is smoothed, too (Algorithm 1 of the paper).

    Args:
        min_cutoff: cutoff frequency at rest in Hz. A lower value reduces jitter.
        beta: increase of the cutoff frequency in Hz for each unit per second. A higher value
            reduces lag.
        d_cutoff: cutoff frequency of the speed in Hz.

    Raises:
        ValueError: a cutoff is not above 0, or beta is below 0.

    Examples:
        >>> smooth = OneEuroFilter(min_cutoff=1.0, beta=0.0)
        >>> [round(float(smooth(x, time)), 2) for time, x in ((0.0, 0.0), (0.1, 1.0), (0.2, 1.0))]
        [0.0, 0.39, 0.62]
    """

    def __init__(self, min_cutoff: float = 1.0, beta: float = 0.0, d_cutoff: float = 1.0) -> None:
        for name, value in (("min_cutoff", min_cutoff), ("d_cutoff", d_cutoff)):
            if not value > 0:
                raise ValueError(f"{name} must be above 0. Got: {value}")
        if not beta >= 0:
            raise ValueError(f"beta must be at least 0. Got: {beta}")
        self.min_cutoff, self.beta, self.d_cutoff = min_cutoff, beta, d_cutoff
        self.reset()

    def reset(self) -> None:
        """Resets the filter: the next values are returned unchanged."""
        self._time: float | None = None
        self._values: np.ndarray | None = None
        self._speed: np.ndarray | None = None

    def __call__(self, values: ArrayLike, time: float, unit: float = 1.0) -> np.ndarray:
        """Smooths the next values.

        Args:
            values: array of any shape, which must be the same in every call.
            time: time of the values in seconds, later than in the previous call.
            unit: unit of the speed, in units of the values. If it is the size of the face, `beta`
                has the same effect on near and far faces.

        Returns:
            float64 array of the same shape.

        Raises:
            ValueError: the time is not later, or the shape is different.
        """
        values = np.asarray(values, float)
        if self._time is None or self._values is None or self._speed is None:
            self._time, self._values, self._speed = time, values.copy(), np.zeros_like(values)
            return values.copy()
        if not time > self._time:
            raise ValueError(f"time must be later than {self._time:g} s. Got: {time:g}")
        if values.shape != self._values.shape:
            raise ValueError(
                f"values must have the shape {self._values.shape}. Got: {values.shape}"
            )
        step = time - self._time
        speed = (values - self._values) / (step * unit)
        self._speed = self._speed + _weight(self.d_cutoff, step) * (speed - self._speed)
        cutoff = self.min_cutoff + self.beta * np.abs(self._speed)
        self._values = self._values + _weight(cutoff, step) * (values - self._values)
        self._time = time
        return self._values.copy()


def _weight(cutoff, step):
    """Weight of the new value in an exponential smoothing with a cutoff in Hz and a step in s."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff * step))
