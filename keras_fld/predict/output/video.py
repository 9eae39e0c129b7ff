"""What is written for one video or camera."""

import contextlib
from pathlib import Path

from keras_fld._internal.interrupts import unbroken
from keras_fld.predict.media.writing import SUFFIXES
from keras_fld.predict.output.overlay import OverlayVideo
from keras_fld.predict.output.rows import CsvRows, JsonLines

VIDEO_FORMATS = ("mp4", "webm", "jsonl", "csv")
# Those with pictures.
DRAWN_FORMATS = tuple(suffix[1:] for suffix in SUFFIXES)


class VideoOutput(contextlib.AbstractContextManager):
    """The files of one video, all complete when the block ends, however it ends.

    Without a frame there is no file.

    Args:
        output: path of the files without their suffixes.
        formats: names from `VIDEO_FORMATS`.
        size: (width, height) of a frame in pixels.
        fps: frames a second, on average.
        marks: the `Marks` of the faces; None draws landmarks and ids.
        **options: further ones of `media.VideoWriter`, such as `sound`.

    Attributes:
        paths: of the files, in the formats' order.
        frames: how many every file has; Ctrl-C does not come between them.

    Raises:
        ValueError: a file cannot be written.

    Examples:
        >>> with VideoOutput("out/clip", ("mp4", "csv"), (640, 480), 30.0) as output:
        ...     output.write(0, 0.0, frame, tracker.update(frame, 0.0))
    """

    def __init__(self, output, formats, size, fps, marks=None, **options):
        output = Path(output)
        self.paths = [output.with_name(f"{output.name}.{suffix}") for suffix in formats]
        self._videos, self._rows, self.frames = [], [], 0
        with contextlib.ExitStack() as stack:
            for path in self.paths:
                if path.suffix in SUFFIXES:
                    video = OverlayVideo(path, size, fps, marks, **options)
                    self._videos.append(stack.enter_context(video))
                else:
                    rows = {".csv": CsvRows, ".jsonl": JsonLines}[path.suffix](path)
                    self._rows.append(stack.enter_context(rows))
            self._stack = stack.pop_all()

    def write(self, number, time, frame, faces):
        """Adds a frame: its number, its time in seconds, the RGB picture and its faces."""
        with unbroken():
            for video in self._videos:
                video.write(time, frame, faces)
            for rows in self._rows:
                rows.write(number, time, faces)
            self.frames += 1

    def __exit__(self, kind, error, trace):
        try:
            self._stack.close()
        except ValueError:
            # A full disk must not make of Ctrl-C an error of one file, which the next one follows.
            if error is None or isinstance(error, Exception):
                raise
        finally:
            if not self.frames:
                for rows in self._rows:
                    rows.path.unlink(missing_ok=True)
