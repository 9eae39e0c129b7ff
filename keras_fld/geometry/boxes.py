"""Functions on boxes (x, y, width, height)."""

import numpy as np

# Two tracked boxes that overlap by at least this much are on the same face.
ONE_FACE = 0.6


def overlap(boxes, others):
    """Computes the intersection over union of all pairs of boxes.

    Args:
        boxes: (n, 4) boxes.
        others: (m, 4) boxes.

    Returns:
        (n, m) floats from 0 to 1.

    Examples:
        >>> overlap([[0, 0, 2, 2]], [[1, 0, 2, 2]]).round(3).tolist()
        [[0.333]]
    """
    a, b = as_boxes(boxes)[:, None], as_boxes(others)[None]
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    common = np.maximum(high - low, 0)
    shared = common[..., 0] * common[..., 1]
    return shared / (a[..., 2] * a[..., 3] + b[..., 2] * b[..., 3] - shared)


def as_boxes(boxes):
    """Returns boxes as an (n, 4) float64 array; (0, 4) if there are none."""
    return np.asarray(boxes, float).reshape(-1, 4)


def largest_first(boxes):
    """Sorts boxes by area, largest first. Each row moves as a whole, including extra columns."""
    return boxes[np.argsort(-np.prod(boxes[:, 2:4], axis=1), kind="stable")]


def pairs(scores, least):
    """Pairs rows with columns greedily by score; each row and column is used at most once.

    Args:
        scores: (n, m) scores, such as `overlap` of n boxes with m others.
        least: lowest score of a pair.

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
    """Computes the largest share of each box's area that a single other box covers.

    Args:
        boxes: (n, 4) boxes.
        others: (m, 4) boxes.

    Returns:
        (n,) floats from 0 to 1; all 0 if there are no others.

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
    """Returns the indices of boxes on the same face as an earlier box, in descending order."""
    later = np.triu(overlap(boxes, boxes), 1) >= ONE_FACE
    return np.flatnonzero(later.any(axis=0))[::-1].tolist()
