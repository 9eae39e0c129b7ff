"""A video with the landmarks drawn into it."""

import contextlib

from keras_fld.predict.media import VideoWriter
from keras_fld.predict.output.marks import Marks


class OverlayVideo(contextlib.AbstractContextManager):
    """Writes a video with landmarks, which appears when it is closed, also after an error.

    Args:
        path: the file, which ends in .mp4 or .webm.
        size: (width, height) of a frame in pixels.
        fps: frames a second, on average.
        marks: the `Marks` of the faces; None draws landmarks and ids.
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

    def __init__(self, path, size, fps, marks=None, **options):
        self._writer, self.marks = VideoWriter(path, size, fps, **options), marks
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
        picture = draw_tracked(frame, faces, self.marks)
        self._writer.write(time, picture)
        return picture

    def close(self):
        """Ends the file, as `media.VideoWriter.close`."""
        self._writer.close()

    def __exit__(self, *error):
        self.close()


def draw_tracked(frame, faces, marks=None):
    """Draws tracked faces on a copy of a frame.

    Args:
        frame: (height, width, 3) uint8 RGB.
        faces: `TrackedFace`s.
        marks: the `Marks` of the faces; None draws landmarks and ids.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    return (marks or Marks(ids=True)).draw(frame, faces)
