"""A video with the landmarks drawn on it."""

import contextlib

import cv2
import numpy as np

from keras_fld import drawing
from keras_fld.predict.media import VideoWriter


class OverlayVideo(contextlib.AbstractContextManager):
    """Writes a video with landmarks. The file appears on closing, even after an error.

    Args:
        path: the file; its suffix must be .mp4 or .webm.
        size: (width, height) of a frame in pixels.
        fps: average number of frames a second.
        numbers: whether to draw the index of each landmark.
        **options: other options of `media.VideoWriter`, such as `sound`.

    Attributes:
        path, frames: as in `media.VideoWriter`.

    Raises:
        ValueError: as in `media.VideoWriter`.
        ImportError: PyAV is not installed.

    Examples:
        >>> with OverlayVideo("out.mp4", (512, 512), 30.0) as video:
        ...     video.write(0.0, frame, tracker.update(frame, 0.0))
    """

    def __init__(self, path, size, fps, numbers=False, **options):
        self._writer, self.numbers = VideoWriter(path, size, fps, **options), numbers
        self.path = self._writer.path

    @property
    def frames(self):
        return self._writer.frames

    def write(self, time, frame, faces):
        """Adds a frame.

        Args:
            time: time of the frame in seconds, later than that of the frame before.
            frame: (height, width, 3) uint8 RGB.
            faces: the `TrackedFace`s of the frame.

        Returns:
            The picture with its landmarks, (height, width, 3) uint8 RGB.
        """
        picture = draw_tracked(frame, faces, self.numbers)
        self._writer.write(time, picture)
        return picture

    def close(self):
        """Completes the file, as in `media.VideoWriter.close`."""
        self._writer.close()

    def __exit__(self, *error):
        self.close()


def draw_tracked(frame, faces, numbers=False):
    """Draws tracked faces and their ids on a copy of a frame, (height, width, 3) uint8 RGB."""
    picture = frame
    for face in faces:
        picture = drawing.draw_landmarks(picture, face.landmarks, face.scheme, numbers)
        low, size = face.landmarks.min(axis=0), np.ptp(face.landmarks, axis=0).max()
        scale = max(0.4, size / 250)
        corner = (int(low[0]), int(low[1] - 8 * scale))
        font, thick = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(2 * scale))
        for color, width in (((0, 0, 0), 3 * thick), ((255, 230, 60), thick)):  # readable anywhere
            cv2.putText(picture, str(face.id), corner, font, scale, color, width, cv2.LINE_AA)
    return picture
