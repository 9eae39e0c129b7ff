"""The similarity transform between two sets of points."""

import numpy as np
from numpy.typing import ArrayLike


def similarity(points: ArrayLike, onto: ArrayLike) -> np.ndarray:
    """Computes the least-squares similarity (rotation, scale and shift) between two point sets.

    Args:
        points: (points, 2) source points. Pairs with a NaN are ignored.
        onto: (points, 2) target points.

    Returns:
        (2, 3) matrix.

    Raises:
        ValueError: fewer than two different points are known.

    Examples:
        >>> similarity([[0, 0], [1, 0]], [[5, 5], [5, 7]]).round(6).tolist()
        [[0.0, -2.0, 5.0], [2.0, 0.0, 5.0]]
    """
    points, onto = np.asarray(points, float), np.asarray(onto, float)
    known = ~np.isnan(points).any(axis=-1) & ~np.isnan(onto).any(axis=-1)
    # As complex numbers a similarity is one product and one sum.
    a, b = points[known] @ [1, 1j], onto[known] @ [1, 1j]
    if len(a) < 2 or not np.ptp(points[known], axis=0).any():
        raise ValueError(f"a similarity needs two different points. Got: {len(a)} known points")
    centered = a - a.mean()
    factor = np.vdot(centered, b - b.mean()) / np.vdot(centered, centered)
    shift = b.mean() - factor * a.mean()
    return np.array(
        [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]]
    )
