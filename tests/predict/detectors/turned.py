"""Photographs rotated in the plane."""

import cv2
import numpy as np


def turned(image, degrees):
    """Rotates an image clockwise, in a frame that contains all of it.

    Returns:
        The image, and the (2, 3) matrix from its original pixels to the new ones.
    """
    height, width = image.shape[:2]
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    size = np.ceil(np.abs([[c, s], [s, c]]) @ [width, height]).astype(int)
    linear = np.array([[c, -s], [s, c]])
    shift = (size - 1) / 2 - linear @ [(width - 1) / 2, (height - 1) / 2]
    matrix = np.column_stack([linear, shift])
    return cv2.warpAffine(image, matrix, size.tolist()), matrix
