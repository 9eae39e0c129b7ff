"""Boxes (x, y, width, height) in numbers: overlap, and the image reduced for a detector."""

import cv2
import numpy as np

# Boxes of two tracked faces that overlap by more have come to lie on one face.
ONE_FACE = 0.6


def overlap(boxes, others):
    """Intersection over union of every box with every other.

    Args:
        boxes: (n, 4).
        others: (m, 4).

    Returns:
        (n, m) numbers from 0 to 1.

    Examples:
        >>> overlap([[0, 0, 2, 2]], [[1, 0, 2, 2]]).round(3).tolist()
        [[0.333]]
    """
    a, b = as_boxes(boxes)[:, None], as_boxes(others)[None]
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    common = np.prod(np.maximum(high - low, 0), axis=-1)
    return common / (np.prod(a[..., 2:], axis=-1) + np.prod(b[..., 2:], axis=-1) - common)


def as_boxes(boxes):
    """Boxes as an (n, 4) float64 array, (0, 4) where there is none."""
    return np.asarray(boxes, float).reshape(-1, 4)


def largest_first(boxes):
    """The boxes, largest area first; what follows a box's four numbers in its row goes along."""
    return boxes[np.argsort(-np.prod(boxes[:, 2:4], axis=1), kind="stable")]


def reduced(image, max_side):
    """An image averaged down until its longer side is at most `max_side`.

    Returns:
        The image, and the (2,) factor from its pixels to the original's. An edge at x becomes
        factor * x: positions here count from the image's corner, as a detector's boxes do.
    """
    height, width = image.shape[:2]
    scale = max_side / max(height, width)
    if scale >= 1:
        return image, np.ones(2)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return small, np.array([width, height]) / size


def pairs(scores, least):
    """Joins rows and columns in pairs, each at most once, the highest scores first.

    Args:
        scores: (n, m), such as `overlap` of n boxes with m others.
        least: pairs with a lower score are not made.

    Returns:
        A list of (row, column).

    Examples:
        >>> pairs(np.array([[0.9, 0.8], [0.7, 0.1]]), least=0.3)
        [(0, 0)]
    """
    scores, found = np.array(scores, float), []
    while scores.size and scores.max() >= least:
        row, column = (int(i) for i in np.unravel_index(scores.argmax(), scores.shape))
        found.append((row, column))
        scores[row], scores[:, column] = -np.inf, -np.inf
    return found


def covered(boxes, others):
    """The largest share of each box's area that lies in one of the others.

    Args:
        boxes: (n, 4).
        others: (m, 4).

    Returns:
        (n,) numbers from 0 to 1, 0 without others.

    Examples:
        >>> covered(np.array([[0, 0, 2, 2]]), np.array([[1, 0, 9, 9]])).tolist()
        [0.5]
    """
    a, b = np.asarray(boxes, float)[:, None], np.asarray(others, float)[None]
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    common = np.prod(np.maximum(high - low, 0), axis=-1)
    return (common / np.prod(a[..., 2:], axis=-1)).max(axis=1, initial=0.0)


def doubled(boxes):
    """Places of the boxes that lie on the same face as an earlier one, the last first."""
    later = np.triu(overlap(boxes, boxes), 1) >= ONE_FACE
    return np.flatnonzero(later.any(axis=0))[::-1].tolist()
