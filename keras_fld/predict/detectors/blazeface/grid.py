"""The grid of what one look hands to the next, and of the faces found.

A network's outputs in WebAssembly differ from native ones by about 4e-6 pixels of its input. Handed
on as they are, they change bytes of the next look's picture, and every look amplifies the
difference. On a grid the next picture is the same, unless a number lies at a rounding edge.
"""

import numpy as np

# Steps in a face's side, between this many and twice as many: from 64 pixels on, of 1/8 pixel.
STEPS = 512
# Radians. Angles lie halfway between multiples: at 0, a crop's pixels would fall exactly on the
# rounding edges of a warp.
TURN = 1 / 256


def on_grid(pixels: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Coordinates or lengths, rounded to the grids of faces whose squares have these sides.

    Examples:
        >>> on_grid(np.array([10.07, 20.2]), 100.0)
        array([10.125, 20.25 ])
    """
    steps = 2.0 ** np.floor(np.log2(np.abs(sides))) / STEPS
    return np.round(pixels / steps) * steps


def turn_on_grid(angles: np.ndarray) -> np.ndarray:
    """Angles in radians, rounded."""
    return (np.floor(angles / TURN) + 0.5) * TURN
