"""Frames of a camera, as they come."""

import time
from fractions import Fraction
from typing import cast

import cv2
import numpy as np

from keras_fld.predict.media.ffmpeg import DEFAULT_FPS, TIME_BASE


class Camera:
    """A camera's frames, as they come.

    Args:
        number: which camera, from 0.
        seconds: how long to go on; None means until it is stopped.
        max_frames: end after so many; None goes on.

    Attributes:
        size, fps, count, time_base, pixel_aspect, damaged, sound: as of `VideoFile`.

    Raises:
        ValueError: there is no such camera, or it gives no picture.

    Examples:
        >>> for number, time, frame in Camera(0, seconds=5):
        ...     print(number, time, frame.shape)
    """

    count = sound = None
    damaged, time_base, pixel_aspect = 0, TIME_BASE, Fraction(1)

    def __init__(self, number, seconds=None, max_frames=None):
        self.name, self.seconds, self.max_frames = f"camera {number}", seconds, max_frames
        self._capture = cv2.VideoCapture(number)
        good, first = self._capture.read() if self._capture.isOpened() else (False, None)
        if not good:
            self._capture.release()
            raise ValueError(f"{self.name}: cannot be opened, or gives no picture")
        self._first = cast(np.ndarray, first)
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 0 < fps <= 1000 else DEFAULT_FPS
        self.size = self._first.shape[1::-1]

    def __iter__(self):
        """Yields as `VideoFile` does, times by the clock.

        Raises:
            ValueError: the camera gives no more pictures.
        """
        number, frame, start, last = 0, self._first, time.monotonic(), -1e-3
        try:
            while True:
                now = max(time.monotonic() - start, last + 1e-3)
                if self.seconds is not None and now >= self.seconds:
                    return
                yield number, now, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
                if number + 1 == self.max_frames:
                    return
                good, frame = self._capture.read()
                if not good:
                    break
                number, last = number + 1, now
        finally:
            self._capture.release()
        raise ValueError(f"{self.name}: no more pictures after frame {number}")
