"""A video with the landmarks drawn on it."""

import contextlib

from keras_fld.predict.media import VideoWriter
from keras_fld.predict.output.marks import Marks


class OverlayVideo(contextlib.AbstractContextManager):
    """Writes a video with landmarks. The file appears on closing, even after an error.

    Args:
        path: the file; its suffix must be .mp4 or .webm.
        size: (width, height) of a frame in pixels.
        fps: average number of frames a second.
        marks: the `Marks` of the faces; None draws landmarks and ids.
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

    def __init__(self, path, size, fps, marks=None, **options):
        self._writer, self.marks = VideoWriter(path, size, fps, **options), marks
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
        picture = draw_tracked(frame, faces, self.marks)
        self._writer.write(time, picture)
        return picture

    def close(self):
        """Completes the file, as in `media.VideoWriter.close`."""
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
