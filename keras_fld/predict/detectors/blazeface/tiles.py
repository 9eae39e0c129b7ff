"""The square inputs of a network: the whole photograph, and overlapping tiles of it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from keras_fld.geometry.reduction import averaged

# Side in pixels of a tile from which a face is detected reliably.
LEAST = 20
# Neighboring tiles overlap by a quarter of their side. That is more than twice `LEAST`; larger
# faces are detected in tiles of half the resolution.
SHARED = 4
# A level must be finer than the whole picture by at least this factor.
COARSE = 1.25


@dataclass(frozen=True)
class Tile:
    """A square crop of a reduced photograph.

    Args:
        image: (size, size, 3) uint8, black outside the photograph.
        to_photo: (2, 3) matrix to the photograph's pixels.
        low, high: (2,) limits in pixels of the tile, within which a face is complete; infinite at
            the photograph's own edges.
    """

    image: np.ndarray
    to_photo: np.ndarray
    low: np.ndarray
    high: np.ndarray


def sides(image: np.ndarray, size: int, min_face: float) -> list[int]:
    """Returns the longer sides to which a photograph is reduced, the largest first.

    Args:
        image: (height, width, 3).
        size: side of a tile.
        min_face: smallest face to detect, as a fraction of the photograph's longer side.

    Examples:
        >>> sides(np.zeros((768, 1024, 3)), 192, 0.03)
        [667, 333, 192]
    """
    side, found = min(LEAST / min_face, max(image.shape[:2])), []
    while side > COARSE * size:
        found.append(round(side))
        side /= 2
    return [*found, size]


def tiles(image: np.ndarray, size: int, longer_sides: list[int]) -> Iterator[Tile]:
    """Yields the tiles of a photograph reduced to each of these sides, the largest first."""
    height, width = image.shape[:2]
    for side in longer_sides:
        scale = side / max(height, width)
        target = max(1, round(width * scale)), max(1, round(height * scale))
        # Each level is computed from the previous one. Only the coarsest may be an enlargement.
        smaller = target[0] < image.shape[1]
        image = averaged(image, target) if smaller else cv2.resize(image, target)
        factor = width / target[0], height / target[1]
        for y in _starts(target[1], size):
            for x in _starts(target[0], size):
                yield _tile(image, (x, y), size, factor)


def _tile(image, corner, size, factor):
    x, y = corner
    cut = image[max(y, 0) : y + size, max(x, 0) : x + size]
    # A negative start centers a level that is smaller than the tile.
    padded = np.zeros((size, size, 3), np.uint8)
    left, top = max(-x, 0), max(-y, 0)
    padded[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
    # Pixel centers have integer coordinates, so a reduction shifts them by half a pixel.
    across, down = factor
    to_photo = np.array([[across, 0, (x + 0.5) * across - 0.5], [0, down, (y + 0.5) * down - 0.5]])
    ends = zip(corner, image.shape[1::-1], strict=True)
    low = np.array([-math.inf if start <= 0 else -0.5 for start in corner])
    high = np.array([math.inf if start + size >= end else size - 0.5 for start, end in ends])
    return Tile(padded, to_photo, low, high)


def _starts(side, size):
    """Returns where tiles start along a side: evenly spaced, with enough overlap."""
    if side <= size:
        return [-((size - side) // 2)]
    shared = size // SHARED
    count = -(-(side - shared) // (size - shared))
    return np.linspace(0, side - size, count).round().astype(int).tolist()
