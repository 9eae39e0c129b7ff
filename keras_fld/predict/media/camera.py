"""Live frames of a camera."""

import time
from fractions import Fraction
from typing import cast

import cv2
import numpy as np

from keras_fld.predict.media.ffmpeg import DEFAULT_FPS, TIME_BASE


class Camera:
    """Yields the frames of a camera as they arrive.

    Args:
        number: index of the camera, from 0.
        seconds: time after which to stop; None continues until stopped.
        max_frames: number of frames after which to stop; None continues.

    Attributes:
        size, fps, count, time_base, pixel_aspect, damaged, sound: as in `VideoFile`.

    Raises:
        ValueError: the camera does not exist, or provides no picture.

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
            raise ValueError(f"{self.name}: cannot be opened, or provides no picture")
        self._first = cast(np.ndarray, first)
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 0 < fps <= 1000 else DEFAULT_FPS
        self.size = self._first.shape[1::-1]

    def __iter__(self):
        """Yields the same as `VideoFile`, with times from the clock.

        Raises:
            ValueError: the camera stops providing pictures.
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
