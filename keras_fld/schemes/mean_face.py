"""The package's own mean face: a hand-made 3-D model with the iBUG-68 landmarks.

In the image, x points right, y down and z towards the camera. The unit is half the distance between
the ears. The origin is between the ears at the height of the eyes.
"""

import numpy as np

from keras_fld.schemes.ibug68 import IBUG68

# The image's left half and the center line; the right half is the mirror image.
_HALF = {
    0: (-1.0, 0.04, 0.02), 1: (-0.985, 0.31, 0.04), 2: (-0.95, 0.57, 0.09), 3: (-0.89, 0.82, 0.2),
    4: (-0.78, 1.06, 0.4), 5: (-0.62, 1.26, 0.63), 6: (-0.42, 1.42, 0.84), 7: (-0.21, 1.52, 0.97),
    8: (0, 1.55, 1.02),
    17: (-0.81, -0.24, 0.67), 18: (-0.69, -0.36, 0.84), 19: (-0.52, -0.4, 0.97),
    20: (-0.35, -0.38, 1.05), 21: (-0.19, -0.31, 1.1),
    27: (0, -0.07, 1.06), 28: (0, 0.13, 1.18), 29: (0, 0.33, 1.32), 30: (0, 0.53, 1.44),
    31: (-0.22, 0.65, 1.08), 32: (-0.115, 0.69, 1.17), 33: (0, 0.715, 1.23),
    36: (-0.62, 0.0, 0.71), 37: (-0.515, -0.078, 0.86), 38: (-0.375, -0.078, 0.9),
    39: (-0.26, 0.015, 0.9), 40: (-0.375, 0.06, 0.89), 41: (-0.51, 0.06, 0.85),
    48: (-0.37, 0.995, 0.93), 49: (-0.23, 0.935, 1.08), 50: (-0.09, 0.9, 1.18),
    51: (0, 0.92, 1.2), 57: (0, 1.13, 1.17), 58: (-0.1, 1.122, 1.15), 59: (-0.225, 1.08, 1.07),
    60: (-0.32, 0.995, 0.96), 61: (-0.1, 0.982, 1.15), 62: (0, 0.988, 1.18),
    66: (0, 0.998, 1.18), 67: (-0.1, 0.994, 1.15),
}  # fmt: skip


def both_sides(half):
    """Returns all 68 points, given those of the left half: mirror partners have x negated."""
    points = np.zeros((68, 3))
    for index, point in half.items():
        points[IBUG68.mirror[index]] = np.multiply(point, (-1, 1, 1))
        points[index] = point
    return points


MEAN_FACE = both_sides(_HALF)
"""(68, 3) float64: the neutral frontal face, exactly symmetric; ``MEAN_FACE[:, :2]`` is its
frontal view (x right, y down, about 2 units wide and high)."""
