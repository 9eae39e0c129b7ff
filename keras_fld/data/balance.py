"""Showing rare poses as often as common ones, as the Wing loss paper does (Feng et al. 2018).

Shapes are aligned to their mean (Procrustes), the first principal component along which faces turn
sideways is divided into bins, and each bin's faces are repeated until it is as large as the
largest.
"""

import numpy as np

BINS = 9
_ROUNDS = 10  # of alignment to the mean and filling in; both settle within a few


def pose_repeats(landmarks, scheme, bins=BINS):
    """How often an epoch should show each face.

    Args:
        landmarks: (faces, landmarks, 2), NaN where not annotated.
        scheme: their `Scheme`, whose mirror tells a turn to the left from one to the right.
        bins: intervals of equal width along the turn.

    Returns:
        (faces,) integers of at least 1, for `repeats` of the data paths.

    Raises:
        ValueError: bins is below 1, or no face has three annotated landmarks.

    Examples:
        >>> repeats = pose_repeats(data.landmarks, data.scheme)
        >>> dataset = training_dataset(data, 32, repeats=repeats)
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1. Got: {bins}")
    turn = turns(landmarks, scheme)
    low, high = np.nanmin(turn), np.nanmax(turn)
    place = (turn - low) / max(high - low, 1e-12) * bins
    # A face whose turn is not known is shown once.
    known = ~np.isnan(turn)
    index = np.clip(np.nan_to_num(place).astype(int), 0, bins - 1)
    counts = np.bincount(index[known], minlength=bins)
    # Halves go up; NumPy's own rounding takes them to the even number.
    times = np.floor(counts.max() / np.maximum(counts, 1) + 0.5).astype(int)
    return np.where(known, times[index], 1)


def turns(landmarks, scheme):
    """How far each face is turned sideways: (faces,), 0 for a mirror-symmetric face.

    The unit is that of the aligned shapes, whose size is 1; larger is more to one side. NaN where
    fewer than three landmarks are annotated.

    Args:
        landmarks: (faces, landmarks, 2), NaN where not annotated.
        scheme: their `Scheme`.

    Raises:
        ValueError: no face has three annotated landmarks.
    """
    landmarks = np.asarray(landmarks, float)
    usable = (~np.isnan(landmarks[..., 0])).sum(axis=1) >= 3
    if not usable.any():
        raise ValueError("balancing poses needs faces with three annotated landmarks. Got: none")
    shapes, mean = align(landmarks[usable], scheme)
    centered = shapes - mean
    # With every shape's mirror image among them, a component is either symmetric or turns with the
    # mirror: the yaw is the first of the latter.
    odd = (centered - _mirrored(centered, scheme)) / 2
    flat = odd.reshape(len(odd), -1)
    _, components = np.linalg.eigh(flat.T @ flat)
    result = np.full(len(landmarks), np.nan)
    result[usable] = flat @ components[:, -1]
    return result


def align(landmarks, scheme):
    """Aligns shapes to their mean by shift, turn and size (generalized Procrustes).

    Args:
        landmarks: (faces, landmarks, 2), each face with at least three that are not NaN.
        scheme: their `Scheme`.

    Returns:
        Shapes (faces, landmarks, 2), what was not annotated taken from the mean, and the mean
        (landmarks, 2), which is mirror-symmetric, centered and of size 1.
    """
    shapes = np.array(landmarks, float)
    given = ~np.isnan(shapes).any(axis=-1)
    mean = _start(shapes, given, scheme)
    for _ in range(_ROUNDS):
        aligned = _aligned_to(mean, shapes, given)
        mean = aligned.mean(axis=0)
        mean = _unit((mean + _mirrored(mean, scheme)) / 2)
    return _aligned_to(mean, shapes, given), mean


def _start(shapes, given, scheme):
    """A first mean: that of the shapes as they stand, each centered and of size 1."""
    weight = given[..., None]
    filled = np.where(weight, shapes, 0)
    centered = filled - filled.sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    size = np.sqrt((np.where(weight, centered, 0) ** 2).sum(axis=(1, 2), keepdims=True))
    unit = np.where(weight, centered / np.maximum(size, 1e-12), 0)
    mean = unit.sum(axis=0) / np.maximum(weight.sum(axis=0), 1)
    return _unit((mean + _mirrored(mean, scheme)) / 2)


def _aligned_to(mean, shapes, given):
    """Shapes in the place, turn and size in which their annotated landmarks are next to the mean's;
    the other landmarks are the mean's.
    """
    # As complex numbers a turn with a change of size is one factor, a least-squares quotient.
    weight = given.astype(float)
    count = weight.sum(axis=1, keepdims=True)
    target = mean[:, 0] + 1j * mean[:, 1]
    points = np.where(given, shapes[..., 0] + 1j * shapes[..., 1], 0)
    goal = (weight * target).sum(axis=1, keepdims=True) / count
    centered = weight * (points - points.sum(axis=1, keepdims=True) / count)
    factor = (centered.conj() * (target - goal)).sum(axis=1, keepdims=True)
    factor /= np.maximum((np.abs(centered) ** 2).sum(axis=1, keepdims=True), 1e-12)
    aligned = np.where(given, factor * centered + goal, target)
    return np.stack([aligned.real, aligned.imag], axis=-1)


def _mirrored(shapes, scheme):
    """Centered shapes seen in a mirror, the landmarks renamed."""
    return shapes[..., scheme.mirror, :] * [-1.0, 1.0]


def _unit(shape):
    centered = shape - shape.mean(axis=0)
    return centered / max(np.sqrt((centered**2).sum()), 1e-12)
