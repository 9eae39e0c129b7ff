"""SIFT descriptors at landmarks, of one size and upright, as the Supervised Descent Method has."""

import cv2
import numpy as np

# Numbers in one descriptor: 4x4 cells of 8 orientations.
LENGTH = 128


def describe(image, points, radius):
    """Describes the surroundings of points.

    Args:
        image: (height, width, 3) uint8 RGB.
        points: (points, 2) pixels; those outside the image are moved to its border.
        radius: half the side of the square described, in pixels.

    Returns:
        (points, 128) float32 square roots of the descriptors' shares, each of length 1 or 0
        (RootSIFT: Arandjelovic and Zisserman, CVPR 2012).

    Examples:
        >>> describe(image, landmarks, radius=10).shape
        (68, 128)
    """
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    height, width = gray.shape
    # A cell's side is 1.5 keypoint sizes in OpenCV, and four of them make a side.
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
    # Made for each image: its scratch is not shared between threads.
    return cv2.SIFT_create()  # type: ignore[attr-defined]  # OpenCV's stub lacks it
