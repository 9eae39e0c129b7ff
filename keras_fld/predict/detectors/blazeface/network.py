"""BlazeFace's networks: they detect faces in a square picture, as squares with six points.

Bazarevsky et al., BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs, 2019. Every
anchor is the center of a cell, and outputs a face's center, side and points in input pixels, and a
score. Here, pixel centers have integer coordinates, as in the rest of the package; in the files,
they are at half-integers.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Self

import numpy as np

from keras_fld._internal.pool import Pool
from keras_fld.geometry.boxes import overlap
from keras_fld.geometry.frame import transform
from keras_fld.predict.lite_model import new_interpreter

# Squares that overlap by more show the same face.
SAME = 0.3
# Indices of the center and the points among the eight pairs of numbers of a face.
_POINTS = np.array([0, *range(2, 8)])
# Points times this are complex numbers. Arrays, because NumPy would convert lists in every call.
PLANE = np.array([1, 1j])
# For each network, its file, and its cells: number in a row, and anchors in each.
FILES = {
    "short": ("face_detection_short_range.tflite", ((16, 2), (8, 6))),
    "full": ("face_detection_full_range.tflite", ((48, 1),)),
}


@dataclass(frozen=True)
class Faces:
    """Faces that a network detected.

    Args:
        points: (n, 7, 2) pixels: the center of the square, the eye that is left in an upright face,
            the other eye, the tip of the nose, the mouth, and the ears in the order of the eyes.
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
        """Concatenates faces."""
        parts = [part for part in parts if len(part)]
        if len(parts) == 1:
            return parts[0]
        none = cls(np.empty((0, 7, 2)), np.empty(0), np.empty(0))
        columns = zip(*((p.points, p.sides, p.scores) for p in [none, *parts]), strict=True)
        return cls(*map(np.concatenate, columns))

    def moved(self, matrix: np.ndarray) -> Self:
        """Transforms the faces with a similarity, a (2, 3) matrix."""
        (a, b, _), (c, d, _) = matrix.tolist()
        scale = math.sqrt(abs(a * d - b * c))
        return type(self)(transform(self.points, matrix), self.sides * scale, self.scores)

    @cached_property
    def squares(self) -> np.ndarray:
        """(n, 4) boxes."""
        squares = np.empty((len(self), 4))
        squares[:, 2:] = self.sides[:, None]
        squares[:, :2] = self.points[:, 0] - squares[:, 2:] / 2
        return squares

    @cached_property
    def angles(self) -> np.ndarray:
        """(n,) roll of the faces in the image in radians, clockwise.

        The line between the eyes and the line from the eyes to the mouth are perpendicular. The
        longer one is used: in a profile, the eyes nearly coincide.
        """
        right, left, _, mouth = (self.points[:, 1:5] @ PLANE).T
        lines = left - right + (mouth - (right + left) / 2) / 1j
        return np.arctan2(lines.imag, lines.real)

    def apart(self, others: Self) -> Self:
        """Returns the faces whose squares do not overlap with any of the others."""
        if not len(others):
            return self
        return self[(overlap(self.squares, others.squares) < SAME).all(axis=1)]

    def best(self) -> Self:
        """Non-maximum suppression: of overlapping faces, keeps the one with the highest score."""
        if len(self) < 2:
            return self
        kept: list[int] = []
        left = np.argsort(-self.scores, kind="stable")
        while len(left):
            kept.append(int(left[0]))
            shares = overlap(self.squares[left], self.squares[left[:1]])[:, 0]
            shares[0] = 1
            left = left[shares < SAME]
        return self[kept]


class Network:
    """One of the networks. It is thread-safe.

    Args:
        name: "short", which detects faces from about 20 pixels of its 128, with a roll of up to 60
            degrees; or "full", which detects faces from about 16 pixels of its 192.

    Attributes:
        size: side of the input in pixels.
        centers: (anchors, 2) pixels of the input.

    Examples:
        >>> faces = Network("short").find(np.zeros((128, 128, 3), np.uint8), threshold=0.5)
    """

    def __init__(self, name: str) -> None:
        file, grids = FILES[name]
        content = Path(__file__).with_name(file).read_bytes()
        self._interpreters = Pool(partial(new_interpreter, content))
        # Cached: for large faces, getting the details takes as long as decoding.
        with self._interpreters.borrow() as interpreter:
            (about,) = interpreter.get_input_details()
            outputs = interpreter.get_output_details()
        self._input, self.size = about["index"], int(about["shape"][1])
        self._outputs = [o["index"] for o in sorted(outputs, key=lambda o: -o["shape"][-1])]
        anchors = np.concatenate([_anchors(*grid) for grid in grids])
        self.centers = anchors * self.size - 0.5

    def find(self, image: np.ndarray, threshold: float) -> Faces:
        """Detects the faces of a picture, with several results for each face.

        Args:
            image: (size, size, 3) uint8 RGB.
            threshold: lowest score of a face, 0 to 1.
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
            # Written in place: allocating memory of this size takes longer than the arithmetic.
            picture = interpreter.tensor(self._input)()[0]
            np.multiply(image, np.float32(2 / 255), out=picture)
            picture -= 1
            del picture  # the interpreter does not run while this reference exists
            interpreter.invoke()
            numbers, logits = (interpreter.get_tensor(index)[0] for index in self._outputs)
        return numbers, logits[:, 0]

    def decode(self, numbers: np.ndarray, logits: np.ndarray, threshold: float) -> Faces:
        """The faces that `outputs` are about, several a face.

        Args:
            numbers, logits: as `outputs` gives them.
            threshold: least score of a face, 0 to 1.
        """
        (seen,) = (logits >= math.log(threshold / (1 - threshold))).nonzero()
        scores = 1 / (1 + np.exp(-logits[seen].astype(float)))
        # Center, width and height, six points; width and height are the same.
        pairs = numbers[seen].reshape(-1, 8, 2).astype(float)
        points = pairs[:, _POINTS] + self.centers[seen, None]
        return Faces(points, (pairs[:, 1, 0] + pairs[:, 1, 1]) / 2, scores)


def _anchors(cells, each):
    """Centers of a grid's cells by row, in fractions of the side: (cells * cells * each, 2)."""
    middles = (np.arange(cells) + 0.5) / cells
    y, x = np.meshgrid(middles, middles, indexing="ij")
    return np.repeat(np.column_stack([x.ravel(), y.ravel()]), each, axis=0)


@cache
def shared(name: str) -> Network:
    """Returns the network of that name, which is loaded once."""
    return Network(name)
