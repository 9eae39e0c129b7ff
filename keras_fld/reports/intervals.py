"""Bootstrap intervals of means over faces.

Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile intervals).
"""

import numpy as np

# Percentage of the resamples that an interval covers.
LEVEL = 95.0
DRAWS = 2000
# Resamples are drawn in chunks of at most this many numbers (16 MB).
_CHUNK = 2_000_000


def mean_interval(values, draws=DRAWS, seed=0, level=LEVEL):
    """Computes the percentile bootstrap interval of a mean over faces.

    For a paired comparison, pass the difference of each face.

    Args:
        values: (faces,) numbers. NaN values are ignored.
        draws: number of resamples.
        seed: seed of the resamples. The same values and seed give the same interval.
        level: percentage of the resamples inside the interval.

    Returns:
        The lower and upper end as floats. NaN if there is no value.

    Raises:
        ValueError: `draws` is below 1, or `level` is not between 0 and 100.

    Examples:
        >>> low, high = mean_interval([3.0, 4.0, 5.0, 9.0])
        >>> low < 5.25 < high
        True
    """
    if draws < 1:
        raise ValueError(f"draws must be at least 1. Got: {draws}")
    if not 0 < level < 100:
        raise ValueError(f"level must be between 0 and 100. Got: {level}")
    values = np.asarray(values, float)
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    means = []
    at_once = max(1, _CHUNK // len(values))
    for start in range(0, draws, at_once):
        chosen = rng.integers(0, len(values), (min(at_once, draws - start), len(values)))
        means.append(values[chosen].mean(axis=1))
    tail = (100 - level) / 2
    low, high = np.percentile(np.concatenate(means), [tail, 100 - tail])
    return float(low), float(high)
