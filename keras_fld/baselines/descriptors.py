"""SIFT descriptors at landmarks, of fixed size and upright, for the Supervised Descent Method."""

import cv2
import numpy as np

# Length of a descriptor: 4x4 cells with 8 orientations each.
LENGTH = 128


def describe(image, points, radius):
    """Computes RootSIFT descriptors at points (Arandjelovic and Zisserman, CVPR 2012).

    Args:
        image: (height, width, 3) uint8 RGB.
        points: (points, 2) pixels. Points outside the image are moved to its border.
        radius: half the side of the described square, in pixels.

    Returns:
        (points, 128) float32 descriptors of norm 1; a descriptor of a uniform area is 0.

    Examples:
        >>> describe(image, landmarks, radius=10).shape
        (68, 128)
    """
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    height, width = gray.shape
    # In OpenCV, the side of a cell is 1.5 keypoint sizes, and a descriptor has four cells per side.
    size = 2 * radius / 6
    keypoints = [
        cv2.KeyPoint(float(min(max(x, 0), width - 1)), float(min(max(y, 0), height - 1)), size, 0)
        for x, y in points
    ]
    _, found = _sift().compute(gray, keypoints)
    if found is None or len(found) != len(points):
        raise RuntimeError(f"SIFT must describe all {len(points)} points. Got: {found is not None}")
    return np.sqrt(found / np.maximum(found.sum(axis=1, keepdims=True), 1e-6))


def _sift():
    # Created for each image because its buffers cannot be shared between threads.
    return cv2.SIFT_create()  # type: ignore[attr-defined]  # missing in OpenCV's type stubs
