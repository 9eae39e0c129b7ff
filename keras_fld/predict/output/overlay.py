"""A video with the landmarks drawn into it."""

import contextlib
from pathlib import Path

import cv2
import numpy as np

from keras_fld import drawing
from keras_fld._internal.files import reason, replacing

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
        ValueError: the folder cannot be written, or this OpenCV cannot write mp4 files; when it is
            closed, the disk was full.

    Example:
        >>> with OverlayVideo("out.mp4", (640, 480), 30.0) as video:
        ...     video.write(0.0, frame, faces)
    """

    def __init__(self, path, size, fps, numbers=False):
        self.path, self.size, self.fps, self.numbers = path, tuple(size), fps, numbers
        self._stack = contextlib.ExitStack()
        self._due, self._count, self._start, self._last = 0, 0, None, None
        self._closed = False
        self._temporary = str(self._stack.enter_context(replacing(path)))
        codec = cv2.VideoWriter_fourcc(*CODEC)  # type: ignore[attr-defined]  # not in OpenCV's stub
        self._writer = cv2.VideoWriter(self._temporary, codec, fps, size)
        if not self._writer.isOpened():
            why = _refusal(self._temporary)
            self._discard()
            raise ValueError(f"{path}: {why}")

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
        late = due - self._due - 1
        for _ in range(min(late, int(LONGEST_GAP * self.fps)) if late > 0 else 0):
            self._add(self._last)
        if due > self._due:
            self._add(picture)
            self._due = due
        self._last = picture
        return picture

    def close(self):
        """Ends the file and gives it its name; without a picture there is none.

        Raises:
            ValueError: the file is not whole, as on a full disk.
        """
        if self._closed:
            return
        self._closed = True
        self._writer.release()
        # OpenCV's encoder does not say that the disk refused what it wrote. Ctrl-C may come between
        # a frame and its count, so there may be one more.
        found = _frames_in(self._temporary) if self._count else 0
        if 0 < self._count <= found:
            self._stack.close()
            return
        self._discard()
        if self._count:
            raise ValueError(
                f"{self.path}: cannot be written (the file holds {found} of {self._count} frames; "
                "the disk may be full)"
            )

    def _add(self, picture):
        if picture.shape[1::-1] != self.size:  # which the encoder would leave out
            picture = cv2.resize(picture, self.size)
        self._writer.write(picture)
        self._count += 1

    def _discard(self):
        """Removes the temporary file, as an error would."""
        error = ValueError("nothing to keep")
        self._stack.__exit__(ValueError, error, None)

    def __exit__(self, *error):
        self.close()


def _refusal(path):
    """Why OpenCV opens no video at a path, which it does not say: a full disk, or no encoder."""
    try:
        Path(path).write_bytes(bytes(4096))
    except OSError as error:
        return f"cannot be written ({reason(error)})"
    return f"this OpenCV has no encoder for {CODEC} in mp4; write jsonl or csv instead"


def _frames_in(path):
    """How many frames a video file says that it has; 0 where the last cannot be read."""
    capture = cv2.VideoCapture(path)
    try:
        count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        capture.set(cv2.CAP_PROP_POS_FRAMES, count - 1)
        return count if capture.grab() else 0
    finally:
        capture.release()


def draw_tracked(frame, faces, numbers=False):
    """Draws tracked faces with their ids: (height, width, 3) uint8 BGR, from such a frame."""
    picture = np.ascontiguousarray(frame[..., ::-1])
    for face in faces:
        picture = drawing.draw_landmarks(picture, face.landmarks, face.scheme, numbers)
        low, size = face.landmarks.min(axis=0), np.ptp(face.landmarks, axis=0).max()
        scale = max(0.4, size / 250)
        corner = (int(low[0]), int(low[1] - 8 * scale))
        font, thick = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(2 * scale))
        for color, width in (((0, 0, 0), 3 * thick), ((255, 230, 60), thick)):  # on any ground
            cv2.putText(picture, str(face.id), corner, font, scale, color, width, cv2.LINE_AA)
    return picture[..., ::-1].copy()
