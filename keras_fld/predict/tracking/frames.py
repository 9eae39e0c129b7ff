"""Frames of video files and cameras, one after the other, with their times."""

import time
from pathlib import Path
from typing import cast

import cv2
import numpy as np

# Assumed where a file or a camera does not say.
DEFAULT_FPS = 30.0
# A container's own count may be off by this share; a file that ends earlier was cut off.
COUNT_TOLERANCE = 0.02


class VideoFile:
    """A video file's frames.

    Args:
        path: a file in a format that OpenCV's decoders read; turned upright by its rotation tag.

    Attributes:
        size: (width, height) of a frame in pixels.
        fps: frames a second, as the file says it.
        count: frames as the file says it; None where it does not.

    Raises:
        ValueError: the file is missing or not a video.

    Example:
        >>> for number, time, frame in VideoFile("clip.mp4"):
        ...     print(number, time, frame.shape)
    """

    def __init__(self, path):
        self.path = Path(path)
        try:
            with self.path.open("rb") as file:
                file.read(1)
        except OSError as error:
            raise ValueError(f"{path}: {error.strerror or error}") from error
        self._capture = cv2.VideoCapture(str(path))
        self.fps, self.size = _about(self._capture)
        if not self._capture.isOpened() or min(self.size) < 1:
            self._capture.release()
            raise ValueError(
                f"{path}: not a video that can be read ({self.path.stat().st_size} bytes)"
            )
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.count = int(count) if 0 < count < 1e9 else None

    def __iter__(self):
        """Yields (number, seconds, frame), the frame (height, width, 3) uint8 BGR.

        Raises:
            ValueError: at the end, when the file ends before its last frame.
        """
        number, last = 0, -1.0
        try:
            while True:
                good, frame = self._capture.read()
                if not good:
                    break
                # Containers without times of their frames say 0 for each.
                seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                if seconds <= last:
                    seconds = last + 1 / self.fps if number else 0.0
                yield number, seconds, frame
                number, last = number + 1, seconds
        finally:
            self._capture.release()
        if self.count and self.count - number > max(1, COUNT_TOLERANCE * self.count):
            raise ValueError(f"{self.path}: the video ends after {number} of {self.count} frames")


class Camera:
    """A camera's frames, as they come.

    Args:
        number: which camera, from 0.
        seconds: how long to go on; None means until it is stopped.

    Attributes:
        size, fps, count: as of `VideoFile`.

    Raises:
        ValueError: there is no such camera, or it gives no picture.

    Example:
        >>> for number, time, frame in Camera(0, seconds=5):
        ...     print(number, time, frame.shape)
    """

    count = None

    def __init__(self, number, seconds=None):
        self.name, self.seconds = f"camera {number}", seconds
        self._capture = cv2.VideoCapture(number)
        good, first = self._capture.read() if self._capture.isOpened() else (False, None)
        if not good:
            self._capture.release()
            raise ValueError(f"{self.name}: cannot be opened, or gives no picture")
        self._first = cast(np.ndarray, first)
        self.fps, _ = _about(self._capture)
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
                yield number, now, frame
                good, frame = self._capture.read()
                if not good:
                    break
                number, last = number + 1, now
        finally:
            self._capture.release()
        raise ValueError(f"{self.name}: no more pictures after frame {number}")


def _about(capture):
    """Frames a second and (width, height)."""
    fps = capture.get(cv2.CAP_PROP_FPS)
    size = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    return fps if 0 < fps <= 1000 else DEFAULT_FPS, tuple(int(side) for side in size)
