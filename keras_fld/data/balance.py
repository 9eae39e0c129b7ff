"""Pose balancing: rare poses are repeated, as in the Wing loss paper (Feng et al., 2018).

Shapes are aligned to their mean (Procrustes). The first principal component that corresponds to
yaw is divided into bins. The faces of each bin are repeated until it is about as large as the
largest bin.
"""

import numpy as np

BINS = 9
_ROUNDS = 10  # of alignment and filling in; both converge within a few


def pose_repeats(landmarks, scheme, bins=BINS):
    """Computes how often an epoch should show each face to balance their yaw.

    Args:
        landmarks: (faces, landmarks, 2), NaN where not annotated.
        scheme: their `Scheme`. Its mirror permutation separates yaw from symmetric changes.
        bins: number of bins of equal width along the yaw component.

    Returns:
        (faces,) integers of at least 1, the `repeats` of `training_dataset` and `TrainingBatches`.

    Raises:
        ValueError: bins is below 1, or no face has three annotated landmarks.

    Examples:
        >>> data = training_crops(faces, FaceCrop())
        >>> repeats = pose_repeats(data.landmarks, data.scheme)
        >>> dataset = training_dataset(data, 32, repeats=repeats)
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1. Got: {bins}")
    turn = turns(landmarks, scheme)
    low, high = np.nanmin(turn), np.nanmax(turn)
    place = (turn - low) / max(high - low, 1e-12) * bins
    # A face with unknown yaw is shown once.
    known = ~np.isnan(turn)
    index = np.clip(np.nan_to_num(place).astype(int), 0, bins - 1)
    counts = np.bincount(index[known], minlength=bins)
    # Halves are rounded up; np.round would round them to the even number.
    times = np.floor(counts.max() / np.maximum(counts, 1) + 0.5).astype(int)
    return np.where(known, times[index], 1)


def turns(landmarks, scheme):
    """Computes the yaw component of each face.

    Args:
        landmarks: (faces, landmarks, 2), NaN where not annotated.
        scheme: their `Scheme`.

    Returns:
        (faces,) values, 0 for a mirror-symmetric face, positive to one side and negative to the
        other, in the unit of the aligned shapes of size 1. NaN if fewer than three landmarks are
        annotated.

    Raises:
        ValueError: no face has three annotated landmarks.
    """
    landmarks = np.asarray(landmarks, float)
    usable = (~np.isnan(landmarks[..., 0])).sum(axis=1) >= 3
    if not usable.any():
        raise ValueError("pose balancing needs faces with three annotated landmarks. Got: none")
    shapes, mean = align(landmarks[usable], scheme)
    centered = shapes - mean
    # Because the mirror image of every shape is included, each component is either symmetric or
    # changes its sign in the mirror. The yaw is the first one that changes its sign.
    odd = (centered - _mirrored(centered, scheme)) / 2
    flat = odd.reshape(len(odd), -1)
    _, components = np.linalg.eigh(flat.T @ flat)
    result = np.full(len(landmarks), np.nan)
    result[usable] = flat @ components[:, -1]
    return result


def align(landmarks, scheme):
    """Aligns shapes to their mean by translation, rotation and scale (generalized Procrustes).

    Args:
        landmarks: (faces, landmarks, 2), at least three of each face annotated, the others NaN.
        scheme: their `Scheme`.

    Returns:
        The aligned shapes (faces, landmarks, 2), missing landmarks filled in from the mean; and the
        mean (landmarks, 2), which is mirror-symmetric, centered and of size 1.
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
    """Computes a first mean from the unaligned shapes, each centered and scaled to size 1."""
    weight = given[..., None]
    filled = np.where(weight, shapes, 0)
    centered = filled - filled.sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    size = np.sqrt((np.where(weight, centered, 0) ** 2).sum(axis=(1, 2), keepdims=True))
    unit = np.where(weight, centered / np.maximum(size, 1e-12), 0)
    mean = unit.sum(axis=0) / np.maximum(weight.sum(axis=0), 1)
    return _unit((mean + _mirrored(mean, scheme)) / 2)


def _aligned_to(mean, shapes, given):
    """Fits each shape's annotated landmarks to the mean's, by least squares.

    Missing landmarks are taken from the mean.
    """
    # As complex numbers, rotation and scale are one factor, a least-squares quotient.
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
    """Mirrors centered shapes and permutes their landmarks."""
    return shapes[..., scheme.mirror, :] * [-1.0, 1.0]


def _unit(shape):
    centered = shape - shape.mean(axis=0)
    return centered / max(np.sqrt((centered**2).sum()), 1e-12)
