"""Landmarks of frame after frame as lines of text, readable while they are being written."""

import csv
import json
from pathlib import Path


class _Lines:
    """A text file that is complete after every line.

    Args:
        path: the file; one that is there is replaced.

    Raises:
        ValueError: the file cannot be written.
    """

    def __init__(self, path):
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise ValueError(f"{path}: cannot be written ({error.strerror})") from error

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        self._file.close()

    def _flush(self):
        try:
            self._file.flush()
        except OSError as error:
            raise ValueError(f"{self.path}: cannot be written ({error.strerror})") from error


class JsonLines(_Lines):
    """One JSON object a frame: frame, time in seconds, scheme, faces.

    A face has id (null in a photograph), box (x, y, width, height), score and landmarks, in pixels.

    Args:
        path: the file; one that is there is replaced.

    Raises:
        ValueError: the file cannot be written.

    Example:
        >>> with JsonLines("clip.jsonl") as lines:
        ...     lines.write(0, 0.0, tracker.update(frame, 0.0))
    """

    def write(self, number, time, faces):
        """Adds a frame."""
        line = {
            "frame": number,
            "time": round(time, 6),
            "scheme": faces[0].scheme if faces else None,
            "faces": [
                {
                    "id": getattr(face, "id", None),
                    "box": _rounded(face.box),
                    "score": None if face.score is None else round(float(face.score), 4),
                    "landmarks": [_rounded(point) for point in face.landmarks],
                }
                for face in faces
            ],
        }
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._flush()


class CsvRows(_Lines):
    """One row a face and frame: frame, time, id, score, x, y, width, height, x0, y0, x1, y1, ...

    The head is written with the first face, as it names every landmark; a file without faces has
    the first eight columns.

    Args:
        path: the file; one that is there is replaced.

    Raises:
        ValueError: the file cannot be written.

    Example:
        >>> with CsvRows("clip.csv") as rows:
        ...     rows.write(0, 0.0, tracker.update(frame, 0.0))
    """

    _COLUMNS = ("frame", "time", "id", "score", "x", "y", "width", "height")

    def __init__(self, path):
        super().__init__(path)
        self._rows, self._headed = csv.writer(self._file, lineterminator="\n"), False

    def write(self, number, time, faces):
        """Adds a frame."""
        for face in faces:
            self._head(len(face.landmarks))
            score = "" if face.score is None else round(float(face.score), 4)
            about = [number, round(time, 6), getattr(face, "id", ""), score]
            points = [value for point in face.landmarks for value in _rounded(point)]
            self._rows.writerow([*about, *_rounded(face.box), *points])
        self._flush()

    def close(self):
        if not self._file.closed:
            self._head(0)
        super().close()

    def _head(self, landmarks):
        if not self._headed:
            points = [f"{axis}{i}" for i in range(landmarks) for axis in "xy"]
            self._rows.writerow([*self._COLUMNS, *points])
            self._headed = True


def _rounded(values):
    return [round(float(value), 3) for value in values]
