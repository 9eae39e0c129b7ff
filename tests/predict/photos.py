"""Different photographs with one face each: crops of the astronaut at several scales."""

from pathlib import Path

import cv2
import numpy as np

ASTRONAUT = Path(__file__).parents[2] / "docs" / "astronaut.png"


def photos(count: int, side: int = 240) -> list[np.ndarray]:
    """(side, side, 3) uint8 RGB arrays."""
    image = cv2.imread(str(ASTRONAUT))[..., ::-1]
    image = image[:320, 60:380]
    found = []
    for number in range(count):
        left, top = 6 * (number % 5), 4 * (number // 5)
        cut = image[top : top + 280 + 3 * number, left : left + 280 + 3 * number]
        found.append(cv2.resize(np.ascontiguousarray(cut), (side, side)))
    return found
