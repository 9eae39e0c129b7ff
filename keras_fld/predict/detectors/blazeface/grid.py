"""Rounds the results of each pass to a grid, so that browsers and native code agree.

A network's outputs in WebAssembly differ from native ones by about 4e-6 pixels of its input.
Without rounding, this changes bytes of the next pass' crop, and every pass amplifies the
difference. With rounding, the next crop is identical, unless a value is at a rounding boundary.
"""

import numpy as np

# A face's side is divided into 512 to 1,024 steps; a step is 1/8 pixel for sides of 64 to 128.
STEPS = 512
# In radians. Angles are rounded to the middle between multiples: at an angle of 0, pixels of a crop
# would lie exactly on the rounding boundaries of a warp.
TURN = 1 / 256


def on_grid(pixels: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Rounds coordinates or lengths to the grids of faces whose squares have these sides.

    Examples:
        >>> on_grid(np.array([10.07, 20.2]), 100.0)
        array([10.125, 20.25 ])
    """
    steps = 2.0 ** np.floor(np.log2(np.abs(sides))) / STEPS
    return np.round(pixels / steps) * steps


def turn_on_grid(angles: np.ndarray) -> np.ndarray:
    """Rounds angles, in radians."""
    return (np.floor(angles / TURN) + 0.5) * TURN
