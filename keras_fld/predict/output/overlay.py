"""A video with the landmarks drawn into it."""

import contextlib

import cv2
import numpy as np

from keras_fld import drawing
from keras_fld.predict.media import VideoWriter


class OverlayVideo(contextlib.AbstractContextManager):
    """Writes a video with landmarks, which appears when it is closed, also after an error.

    Args:
        path: the file, which ends in .mp4 or .webm.
        size: (width, height) of a frame in pixels.
        fps: frames a second, on average.
        numbers: whether to draw each landmark's index.
        **options: further ones of `media.VideoWriter`, such as `sound`.

    Attributes:
        path, frames: as of `media.VideoWriter`.

    Raises:
        ValueError: as of `media.VideoWriter`.
        ImportError: PyAV is not installed.

    Examples:
        >>> with OverlayVideo("out.mp4", (640, 480), 30.0) as video:
        ...     video.write(0.0, frame, faces)
    """

    def __init__(self, path, size, fps, numbers=False, **options):
        self._writer, self.numbers = VideoWriter(path, size, fps, **options), numbers
        self.path = self._writer.path

    @property
    def frames(self):
        return self._writer.frames

    def write(self, time, frame, faces):
        """Adds a picture.

        Args:
            time: of it in seconds, later than the one before.
            frame: (height, width, 3) uint8 RGB.
            faces: `TrackedFace`s.

        Returns:
            The picture with its landmarks, (height, width, 3) uint8 RGB.
        """
        picture = draw_tracked(frame, faces, self.numbers)
        self._writer.write(time, picture)
        return picture

    def close(self):
        """Ends the file, as `media.VideoWriter.close`."""
        self._writer.close()

    def __exit__(self, *error):
        self.close()


def draw_tracked(frame, faces, numbers=False):
    """Draws tracked faces with their ids: (height, width, 3) uint8 RGB, from such a frame."""
    picture = frame
    for face in faces:
        picture = drawing.draw_landmarks(picture, face.landmarks, face.scheme, numbers)
        low, size = face.landmarks.min(axis=0), np.ptp(face.landmarks, axis=0).max()
        scale = max(0.4, size / 250)
        corner = (int(low[0]), int(low[1] - 8 * scale))
        font, thick = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(2 * scale))
        for color, width in (((0, 0, 0), 3 * thick), ((255, 230, 60), thick)):  # on any ground
            cv2.putText(picture, str(face.id), corner, font, scale, color, width, cv2.LINE_AA)
    return picture
