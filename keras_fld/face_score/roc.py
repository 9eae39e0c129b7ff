"""How well a score tells faces from others: the ROC curve, its area, and points on it."""

import numpy as np


def curve(faces, others):
    """The ROC curve.

    Args:
        faces: (n,) scores of faces.
        others: (m,) scores of what is no face.

    Returns:
        False- and true-positive rates from (0, 0) to (1, 1), and the threshold of each point: what
        scores at least as much passes.

    Raises:
        ValueError: there are no faces, or no others.

    Examples:
        >>> [rates.tolist() for rates in curve([0.9], [0.1])[:2]]
        [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0]]
    """
    faces, others = np.sort(_scores("faces", faces)), np.sort(_scores("others", others))
    thresholds = np.unique(np.concatenate([faces, others]))[::-1]
    true = 1 - np.searchsorted(faces, thresholds) / len(faces)
    false = 1 - np.searchsorted(others, thresholds) / len(others)
    return np.append(0, false), np.append(0, true), np.append(np.inf, thresholds)


def area(faces, others):
    """Area under the ROC curve: how often a face scores more than another crop, ties counting half.

    Examples:
        >>> area([0.9, 0.5], [0.5, 0.1])
        0.875
    """
    false, true, _ = curve(faces, others)
    return float(np.trapezoid(true, false))


def threshold_at(others, false_rate=0.01):
    """The lowest threshold that at most this share of the others' scores reach.

    Raises:
        ValueError: a share that is not from 0 to 1, or no others.

    Examples:
        >>> 0.2 < threshold_at([0.1, 0.2, 0.3, 0.4], false_rate=0.5) < 0.3
        True
    """
    if not 0 <= false_rate <= 1:
        raise ValueError(f"false_rate must be from 0 to 1. Got: {false_rate}")
    others = np.sort(_scores("others", others))[::-1]
    passing = int(false_rate * len(others))
    # Just above the first that must not pass.
    return float(np.nextafter(others[passing], np.inf)) if passing < len(others) else 0.0


def rate(scores, threshold):
    """Share of the scores that reach a threshold."""
    return float((np.asarray(scores) >= threshold).mean())


def _scores(name, values):
    values = np.asarray(values, float).ravel()
    if not len(values) or np.isnan(values).any():
        raise ValueError(f"{name} must be at least one score, and none NaN. Got: {values[:5]}")
    return values
