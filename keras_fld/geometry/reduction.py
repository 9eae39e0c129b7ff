"""Smaller images: each pixel is the mean of the area that it covers.

OpenCV averages whole pairs of pixels several times as fast as other areas, so images are halved as
long as possible.
"""

import cv2
import numpy as np


def halved(image: np.ndarray) -> np.ndarray:
    """Averages 2x2 pixels and rounds halves up. The last row or column of an odd number is dropped.

    Examples:
        >>> halved(np.array([[1, 2, 9], [2, 5, 9]], np.uint8)).tolist()
        [[3]]
    """
    height, width = image.shape[0] // 2, image.shape[1] // 2
    even = image[: 2 * height, : 2 * width]
    return cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)


def averaged(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Reduces an image to a width and height, neither of which is larger than its own.

    Examples:
        >>> averaged(np.zeros((480, 640, 3), np.uint8), (128, 96)).shape
        (96, 128, 3)
    """
    width, height = size
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        if image.shape[0] % 2 or image.shape[1] % 2:
            break  # without its last row or column, the image would be stretched
        image = halved(image)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def reduced(image: np.ndarray, max_side: int) -> tuple[np.ndarray, np.ndarray]:
    """Reduces an image so that its longer side is at most `max_side`.

    Returns:
        The image, and the (2,) factors from its pixels to those of the original. Multiply box
        coordinates by them: as in a detector's boxes, 0 is the image's edge, not a pixel center.
    """
    height, width = image.shape[:2]
    scale = max_side / max(height, width)
    if scale >= 1:
        return image, np.ones(2)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return averaged(image, size), np.array([width, height]) / size
