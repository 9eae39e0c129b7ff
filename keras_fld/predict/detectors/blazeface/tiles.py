"""The square pictures that a network is shown of a photograph: all of it, and overlapping tiles."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

# Pixels of a tile that a face needs to be seen reliably.
LEAST = 20
# Neighboring tiles share a quarter of their side: more than twice `LEAST`, and what is larger is
# seen in tiles of half the resolution.
SHARED = 4
# A level this much finer than the whole picture shows nothing new.
COARSE = 1.25


@dataclass(frozen=True)
class Tile:
    """A square cut of a photograph, reduced.

    Args:
        image: (size, size, 3) uint8, black outside the photograph.
        to_photo: (2, 3) matrix to the photograph's pixels.
        low, high: (2,) pixels of the tile between which a face lies wholly in it; infinite at the
            photograph's own edges.
    """

    image: np.ndarray
    to_photo: np.ndarray
    low: np.ndarray
    high: np.ndarray


def sides(image: np.ndarray, size: int, min_face: float) -> list[int]:
    """Longer sides to which a photograph is reduced, the largest first.

    Args:
        image: (height, width, 3).
        size: side of a tile.
        min_face: smallest face wanted, as a share of the photograph's longer side.

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
    """The tiles of a photograph reduced to each of these sides, the largest first."""
    height, width = image.shape[:2]
    for side in longer_sides:
        scale = side / max(height, width)
        target = max(1, round(width * scale)), max(1, round(height * scale))
        # Each level is made of the one before; only the coarsest may enlarge.
        smooth = cv2.INTER_AREA if target[0] < image.shape[1] else cv2.INTER_LINEAR
        image = cv2.resize(image, target, interpolation=smooth)
        factor = np.array([width, height]) / target
        for y in _starts(target[1], size):
            for x in _starts(target[0], size):
                yield _tile(image, np.array([x, y]), size, factor)


def _tile(image, corner, size, factor):
    x, y = corner
    cut = image[max(y, 0) : y + size, max(x, 0) : x + size]
    # A negative start centers a level that is smaller than the tile.
    padded = np.zeros((size, size, 3), np.uint8)
    left, top = max(-x, 0), max(-y, 0)
    padded[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
    # Pixel centers are at whole numbers, so a reduction moves them by half a pixel.
    to_photo = np.column_stack([np.diag(factor), (corner + 0.5) * factor - 0.5])
    low = np.where(corner <= 0, -np.inf, -0.5)
    high = np.where(corner + size >= image.shape[1::-1], np.inf, size - 0.5)
    return Tile(padded, to_photo, low, high)


def _starts(side, size):
    """Where tiles begin along a side: evenly, so that neighbors share enough."""
    if side <= size:
        return [-((size - side) // 2)]
    shared = size // SHARED
    count = -(-(side - shared) // (size - shared))
    return np.linspace(0, side - size, count).round().astype(int).tolist()
