"""Landmarks of each frame as lines of text, which can be read while they are written."""

import contextlib
import csv
import io
import json
import math
from pathlib import Path


class _Lines:
    """A text file that is complete after every line.

    Args:
        path: the file; an existing file is replaced.
        name: path in error messages, if the file will be renamed.

    Raises:
        ValueError: the file cannot be written.
    """

    def __init__(self, path, name=None):
        self.path, self._name, self._size = Path(path), name or path, 0
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # A buffer could leave half a line in the file, and would report a full disk too late.
            self._file = self.path.open("wb", buffering=0)
        except OSError as error:
            raise self._refusal(error) from error

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        self._file.close()

    def _put(self, text):
        """Adds lines, either all of them or none."""
        data = text.encode()
        left = data
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(self._size)
            raise self._refusal(error) from error
        self._size += len(data)

    def _refusal(self, error):
        return ValueError(f"{self._name}: cannot be written ({error.strerror})")


class JsonLines(_Lines):
    """Writes one JSON object for each frame: frame, time in seconds, scheme, faces.

    A face has an id (null in a photograph), box (x, y, width, height), angle in degrees
    (clockwise), score and landmarks, in pixels.

    Args:
        path: the file; an existing file is replaced.

    Raises:
        ValueError: the file cannot be written.

    Examples:
        >>> with JsonLines("clip.jsonl") as lines:
        ...     lines.write(0, 0.0, tracker.update(frame, 0.0))
    """

    def write(self, number, time, faces):
        """Adds a frame."""
        line = {
            "frame": number,
            "time": round(time, 6),
            "scheme": scheme_name(faces),
            "faces": [
                {
                    "id": getattr(face, "id", None),
                    "box": _rounded(face.box),
                    "angle": degrees(face),
                    "score": None if face.score is None else round(float(face.score), 4),
                    "landmarks": [_rounded(point) for point in face.landmarks],
                }
                for face in faces
            ],
        }
        self._put(json.dumps(line, separators=(",", ":")) + "\n")


class CsvRows(_Lines):
    """Writes one row for each face: frame, time, id, score, x, y, width, height, x0, y0, x1, ...

    The header depends on the number of landmarks, so it is written with the first face. Without
    any face, it contains the first eight columns.

    Args:
        path: the file; an existing file is replaced.

    Raises:
        ValueError: the file cannot be written.

    Examples:
        >>> with CsvRows("clip.csv") as rows:
        ...     rows.write(0, 0.0, tracker.update(frame, 0.0))
    """

    _COLUMNS = ("frame", "time", "id", "score", "x", "y", "width", "height")

    _headed = False

    def write(self, number, time, faces):
        """Adds a frame."""
        rows = []
        for face in faces:
            score = "" if face.score is None else round(float(face.score), 4)
            about = [number, round(time, 6), getattr(face, "id", ""), score]
            points = [value for point in face.landmarks for value in _rounded(point)]
            rows.append([*about, *_rounded(face.box), *points])
        if rows:
            self._head(len(faces[0].landmarks))
            self._put(_csv(rows))

    def close(self):
        try:
            if not self._file.closed:
                self._head(0)
        finally:
            super().close()

    def _head(self, landmarks):
        if not self._headed:
            points = [f"{axis}{i}" for i in range(landmarks) for axis in "xy"]
            self._put(_csv([[*self._COLUMNS, *points]]))
            self._headed = True


def scheme_name(faces):
    """Name of the faces' scheme in JSON files; None without a face or a scheme."""
    scheme = faces[0].scheme if faces else None
    return scheme and scheme.name


def degrees(face):
    """A face's angle in degrees, as in JSON files."""
    return round(math.degrees(face.angle), 2)


def _csv(rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _rounded(values):
    return [round(float(value), 3) for value in values]
