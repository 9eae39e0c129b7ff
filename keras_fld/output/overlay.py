"""A video with the landmarks drawn into it."""

import contextlib

import cv2
import numpy as np

from keras_fld import drawing
from keras_fld.files import replacing

# MPEG-4 part 2: what OpenCV's wheels can write into mp4 everywhere.
CODEC = "mp4v"
# A gap in the times of a video is filled by at most so many seconds of its last picture.
LONGEST_GAP = 2.0


class OverlayVideo(contextlib.AbstractContextManager):
    """Writes an mp4 file, which appears when it is closed, also after an error.

    Args:
        path: the file, which ends in .mp4.
        size: (width, height) of a frame in pixels.
        fps: frames a second. Pictures come at their own times: one is repeated where the next is
            late, and left out where several come within one frame.
        numbers: whether to draw each landmark's index.

    Raises:
        ValueError: the folder cannot be written, or this OpenCV cannot write mp4 files.

    Example:
        >>> with OverlayVideo("out.mp4", (640, 480), 30.0) as video:
        ...     video.write(0.0, frame, faces)
    """

    def __init__(self, path, size, fps, numbers=False):
        self.size, self.fps, self.numbers = size, fps, numbers
        self._stack = contextlib.ExitStack()
        self._written, self._start, self._last = 0, None, None
        temporary = self._stack.enter_context(replacing(path))
        self._writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter_fourcc(*CODEC), fps, size)
        if not self._writer.isOpened():
            self._discard()
            raise ValueError(
                f"{path}: this OpenCV has no encoder for {CODEC} in mp4; write jsonl or csv instead"
            )

    def write(self, time, frame, faces):
        """Adds a picture.

        Args:
            time: of it in seconds.
            frame: (height, width, 3) uint8 BGR.
            faces: `TrackedFace`s.

        Returns:
            The picture with its landmarks, (height, width, 3) uint8 BGR.
        """
        picture = draw_tracked(frame, faces, self.numbers)
        self._start = time if self._start is None else self._start
        due = round((time - self._start) * self.fps) + 1
        late = due - self._written - 1
        for _ in range(min(late, int(LONGEST_GAP * self.fps)) if late > 0 else 0):
            self._writer.write(self._last)
        if due > self._written:
            self._writer.write(picture)
            self._written = due
        self._last = picture
        return picture

    def close(self):
        """Ends the file and gives it its name; without a picture there is none."""
        self._writer.release()
        if self._written:
            self._stack.close()
        else:
            self._discard()

    def _discard(self):
        """Removes the temporary file, as an error would."""
        error = ValueError("nothing to keep")
        self._stack.__exit__(ValueError, error, None)

    def __exit__(self, *error):
        self.close()


def draw_tracked(frame, faces, numbers=False):
    """Draws tracked faces with their ids: (height, width, 3) uint8 BGR, from such a frame."""
    picture = np.ascontiguousarray(frame[..., ::-1])
    for face in faces:
        picture = drawing.draw_landmarks(picture, face.landmarks, face.scheme, numbers)
        low, size = face.landmarks.min(axis=0), np.ptp(face.landmarks, axis=0).max()
        scale = max(0.4, size / 250)
        corner = (int(low[0]), int(low[1] - 8 * scale))
        font, thick = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(2 * scale))
        for colour, width in (((0, 0, 0), 3 * thick), ((255, 230, 60), thick)):  # on any ground
            cv2.putText(picture, str(face.id), corner, font, scale, colour, width, cv2.LINE_AA)
    return picture[..., ::-1].copy()
