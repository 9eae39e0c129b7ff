"""BlazeFace's networks: a square picture in, faces as squares with six points out.

Bazarevsky et al., BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs, 2019. Every
anchor, the center of a cell, gives a face's center, side and points in input pixels, and a score.
Pixel centers are at whole numbers here, as everywhere in the package; in the files they are at
halves.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Self

import numpy as np

from keras_fld._internal.pool import Pool
from keras_fld.geometry.boxes import overlap
from keras_fld.geometry.frame import transform
from keras_fld.predict.lite_model import new_interpreter

# Squares that overlap by more are about one face.
SAME = 0.3
# Of a face's eight pairs of numbers the center and the points.
_POINTS = [0, *range(2, 8)]
# File by what the network is called, and its cells: of a row, and anchors in each.
FILES = {
    "short": ("face_detection_short_range.tflite", ((16, 2), (8, 6))),
    "full": ("face_detection_full_range.tflite", ((48, 1),)),
}


@dataclass(frozen=True)
class Faces:
    """Faces that a network found.

    Args:
        points: (n, 7, 2) pixels: the square's center, the eye on the left in an upright face, the
            other eye, the nose's tip, the mouth, and the ears in the eyes' order.
        sides: (n,) sides of the squares in pixels.
        scores: (n,) 0 to 1.
    """

    points: np.ndarray
    sides: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, which: slice | list[int] | np.ndarray) -> Self:
        return type(self)(self.points[which], self.sides[which], self.scores[which])

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """The faces of several looks."""
        parts = [part for part in parts if len(part)]
        if len(parts) == 1:
            return parts[0]
        none = cls(np.empty((0, 7, 2)), np.empty(0), np.empty(0))
        columns = zip(*((p.points, p.sides, p.scores) for p in [none, *parts]), strict=True)
        return cls(*map(np.concatenate, columns))

    def moved(self, matrix: np.ndarray) -> Self:
        """The faces where a similarity, a (2, 3) matrix, takes them."""
        (a, b, _), (c, d, _) = matrix.tolist()
        scale = math.sqrt(abs(a * d - b * c))
        return type(self)(transform(self.points, matrix), self.sides * scale, self.scores)

    @property
    def squares(self) -> np.ndarray:
        """(n, 4) boxes."""
        sides = np.column_stack([self.sides, self.sides])
        return np.column_stack([self.points[:, 0] - sides / 2, sides])

    @property
    def angles(self) -> np.ndarray:
        """(n,) radians by which the faces are turned in the image, clockwise.

        The way from eye to eye and the way from the eyes to the mouth are at right angles, and the
        longer tells more: in a profile the eyes nearly coincide.
        """
        right, left, mouth = (self.points[:, i] @ [1, 1j] for i in (1, 2, 4))
        return np.angle(left - right + (mouth - (right + left) / 2) / 1j)

    def apart(self, others: Self) -> Self:
        """The faces whose squares are about none of the others'."""
        if not len(others):
            return self
        return self[(overlap(self.squares, others.squares) < SAME).all(axis=1)]

    def best(self) -> Self:
        """One face of those whose squares are about the same one: the highest score."""
        if len(self) < 2:
            return self
        kept: list[int] = []
        squares = self.squares
        same = overlap(squares, squares) >= SAME
        for i in np.argsort(-self.scores, kind="stable"):
            if not same[i, kept].any():
                kept.append(int(i))
        return self[kept]


class Network:
    """One of the networks; any number of threads may use it.

    Args:
        name: "short", which sees faces from about 20 pixels of its 128 on, turned by up to 60
            degrees; or "full", which sees them from about 16 pixels of its 192 on.

    Attributes:
        size: side of the input in pixels.
        centers: (anchors, 2) pixels of the input.

    Examples:
        >>> faces = Network("short").find(image, threshold=0.5)
    """

    def __init__(self, name: str) -> None:
        file, grids = FILES[name]
        content = Path(__file__).with_name(file).read_bytes()
        self._interpreters = Pool(partial(new_interpreter, content))
        # Asked for once: for large faces, the details take as long as the decoding.
        with self._interpreters.borrow() as interpreter:
            (about,) = interpreter.get_input_details()
            outputs = interpreter.get_output_details()
        self._input, self.size = about["index"], int(about["shape"][1])
        self._outputs = [o["index"] for o in sorted(outputs, key=lambda o: -o["shape"][-1])]
        anchors = np.concatenate([_anchors(*grid) for grid in grids])
        self.centers = anchors * self.size - 0.5

    def find(self, image: np.ndarray, threshold: float) -> Faces:
        """Faces of a picture, several a face.

        Args:
            image: (size, size, 3) uint8 RGB.
            threshold: least score of a face, 0 to 1.
        """
        return self.decode(*self.outputs(image), threshold)

    def outputs(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the file gives for a picture.

        Args:
            image: (size, size, 3) uint8 RGB.

        Returns:
            (anchors, 16) numbers and (anchors,) logits of the scores.
        """
        with self._interpreters.borrow() as interpreter:
            # Written in place: fresh memory of this size costs more than the arithmetic.
            picture = interpreter.tensor(self._input)()[0]
            np.multiply(image, np.float32(2 / 255), out=picture)
            picture -= 1
            del picture  # the interpreter refuses to run while it is held
            interpreter.invoke()
            numbers, logits = (interpreter.get_tensor(index)[0] for index in self._outputs)
        return numbers, logits[:, 0]

    def decode(self, numbers: np.ndarray, logits: np.ndarray, threshold: float) -> Faces:
        """The faces that `outputs` are about, several a face.

        Args:
            numbers, logits: as `outputs` gives them.
            threshold: least score of a face, 0 to 1.
        """
        seen = np.flatnonzero(logits >= math.log(threshold / (1 - threshold)))
        scores = 1 / (1 + np.exp(-logits[seen].astype(float)))
        # Center, width and height, six points; width and height are the same.
        pairs = numbers[seen].reshape(-1, 8, 2).astype(float)
        points = pairs[:, _POINTS] + self.centers[seen, None]
        return Faces(points, pairs[:, 1].mean(axis=1), scores)


def _anchors(cells, each):
    """Centers of a grid's cells, row by row, as shares of the side: (cells * cells * each, 2)."""
    middles = (np.arange(cells) + 0.5) / cells
    y, x = np.meshgrid(middles, middles, indexing="ij")
    return np.repeat(np.column_stack([x.ravel(), y.ravel()]), each, axis=0)


@cache
def shared(name: str) -> Network:
    """The network of that name, loaded once."""
    return Network(name)
