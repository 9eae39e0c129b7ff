"""Output files of one video or camera."""

import contextlib
from pathlib import Path

from keras_fld._internal.interrupts import unbroken
from keras_fld.predict.media.writing import SUFFIXES
from keras_fld.predict.output.overlay import OverlayVideo
from keras_fld.predict.output.rows import CsvRows, JsonLines

VIDEO_FORMATS = ("mp4", "webm", "jsonl", "csv")
# The formats that contain pictures.
DRAWN_FORMATS = tuple(suffix[1:] for suffix in SUFFIXES)


class VideoOutput(contextlib.AbstractContextManager):
    """Writes the files of one video. They are complete when the block ends, even after an error.

    If there is no frame, no file is created.

    Args:
        output: path of the files without suffix.
        formats: names from `VIDEO_FORMATS`.
        size: (width, height) of a frame in pixels.
        fps: average number of frames a second.
        marks: the `Marks` of the faces; None draws landmarks and ids.
        **options: other options of `media.VideoWriter`, such as `sound`.

    Attributes:
        paths: paths of the files, in the order of the formats.
        frames: number of frames in every file. Ctrl-C does not interrupt a frame.

    Raises:
        ValueError: a file cannot be written.

    Examples:
        >>> with VideoOutput("out/clip", ("mp4", "csv"), (512, 512), 30.0) as output:
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
            # After Ctrl-C, a full disk must not replace KeyboardInterrupt by an error of one file,
            # after which the next file would be processed.
            if error is None or isinstance(error, Exception):
                raise
        finally:
            if not self.frames:
                for rows in self._rows:
                    rows.path.unlink(missing_ok=True)
