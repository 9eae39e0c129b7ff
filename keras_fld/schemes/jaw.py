"""Even distances between the jaw landmarks of iBUG-68.

Annotators divide the visible outline of each side of the jaw, from the chin to the height of the
eyes, into eight equal steps. They do so in turned heads as well, so these landmarks are places of
the picture, not of the skin.
"""

import numpy as np

_SIDES = (slice(8, None, -1), slice(8, 17))  # from the chin
_DENSE = 257  # points of the curve on which lengths are measured


def space_jaw(points: np.ndarray) -> np.ndarray:
    """Moves jaw landmarks along the outline through them until their distances are even.

    The chin and the two ends stay where they are.

    Args:
        points: (..., 68, dimensions) landmarks, iBUG-68. Lengths are those of the first two
            dimensions.

    Returns:
        A copy. A side with an unknown landmark (NaN) is unchanged.

    Examples:
        >>> from keras_fld.schemes import IBUG68
        >>> space_jaw(IBUG68.mean_shape).shape
        (68, 2)
    """
    spaced = np.array(points)
    for face in spaced.reshape(-1, *spaced.shape[-2:]):
        for side in _SIDES:
            if np.isfinite(face[side]).all():
                face[side] = _spaced(face[side])
    return spaced


def _spaced(curve):
    curve = curve.astype(float)
    at = _lengths(curve)
    at += np.arange(len(at)) * 1e-9 * (at[-1] + 1e-9)  # landmarks may share a place
    dense = _smooth(at, curve, np.linspace(0, at[-1], _DENSE))
    lengths = _lengths(dense)
    even = np.linspace(0, lengths[-1], len(curve))
    return np.stack([np.interp(even, lengths, values) for values in dense.T], axis=-1)


def _smooth(at, curve, between):
    """Cubic Hermite interpolation, its tangents by finite differences."""
    tangents = np.gradient(curve, at, axis=0, edge_order=2)
    left = np.clip(np.searchsorted(at, between, side="right") - 1, 0, len(at) - 2)
    step = (at[left + 1] - at[left])[:, None]
    t = (between - at[left])[:, None] / step
    start = (1 + 2 * t) * curve[left] + t * step * tangents[left]
    end = (3 - 2 * t) * curve[left + 1] - (1 - t) * step * tangents[left + 1]
    return (1 - t) ** 2 * start + t**2 * end


def _lengths(curve):
    steps = np.linalg.norm(np.diff(curve[:, :2], axis=0), axis=1)
    return np.concatenate([[0], np.cumsum(steps)])
