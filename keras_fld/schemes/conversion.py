"""Conversion of landmarks from one scheme to another.

For each landmark of the target scheme, a table lists the source landmarks whose mean it is. A
single source landmark is usually the same place on the face. Several landmarks, or a neighbor, are
an approximation; comments in the tables mark these.
"""

import numpy as np
from numpy.typing import ArrayLike

from keras_fld.schemes import registry
from keras_fld.schemes.jaw import space_jaw
from keras_fld.schemes.london189 import (
    IBUG68_FROM_LONDON189,
    LONDON189,
    LONDON189_LANDMARKS,
)
from keras_fld.schemes.mediapipe import IBUG68_FROM_MEDIAPIPE, MEDIAPIPE, MEDIAPIPE_LANDMARKS
from keras_fld.schemes.scheme import Scheme, run

# Every landmark of iBUG-68 is also a landmark of WFLW-98.
_IBUG68_FROM_WFLW98 = (
    *range(0, 33, 2),
    *run(33, 37),
    *run(42, 46),
    *run(51, 59),
    *(60, 61, 63, 64, 65, 67),
    *(68, 69, 71, 72, 73, 75),
    *run(76, 95),
)

_COFW29_FROM_WFLW98 = (
    *(33, 46, 37, 42),
    *(35, 40, 44, 48),  # the middle of the upper and lower edge of each brow
    *(60, 72, 64, 68),
    *(62, 66, 70, 74),  # the middle of the upper and lower lid of each eye
    *(96, 97),
    *(55, 59, 54, 57),
    *(76, 82, 79, 90, 94, 85),
    16,
)

# Based on the nearest landmarks in Ghiasi and Fowlkes, Occlusion Coherence, CVPR 2014.
_COFW29_FROM_IBUG68 = (
    *(17, 26, 21, 22),
    # Approximate: iBUG-68 has no lower brow edge. Its middle is taken as that of the brow's ends.
    *(19, (17, 21), 24, (22, 26)),
    *(36, 45, 39, 42),
    # Approximate: the middle of a lid is the mean of its two landmarks.
    *((37, 38), (40, 41), (43, 44), (46, 47)),
    # Approximate: the pupil is the center of the eye's contour, which does not follow the gaze.
    *(run(36, 41), run(42, 47)),
    *(31, 35, 30, 33),
    *(48, 54, 51, 62, 66, 57),
    8,
)

_AFLW19_FROM_IBUG68 = (
    *(17, 19, 21, 22, 24, 26),
    *(36, run(36, 41), 39, 42, run(42, 47), 45),  # approximate: eye centers
    *(31, 30, 35),
    *(48, (62, 66), 54),  # approximate: the mouth's center is between the lips
    8,
)

# Approximate: an eye's center is that of its contour.
_MTFL5_FROM_IBUG68 = (run(36, 41), run(42, 47), 30, 48, 54)

# (target, source) to table
_TABLES = {
    ("ibug68", "wflw98"): _IBUG68_FROM_WFLW98,
    ("cofw29", "wflw98"): _COFW29_FROM_WFLW98,
    ("cofw29", "ibug68"): _COFW29_FROM_IBUG68,
    ("aflw19", "ibug68"): _AFLW19_FROM_IBUG68,
    ("mtfl5", "ibug68"): _MTFL5_FROM_IBUG68,
    ("ibug68", MEDIAPIPE): IBUG68_FROM_MEDIAPIPE,
    ("ibug68", LONDON189): IBUG68_FROM_LONDON189,
}
# Formats that are only converted from, with their possible numbers of landmarks.
_SOURCES = {MEDIAPIPE: MEDIAPIPE_LANDMARKS, LONDON189: LONDON189_LANDMARKS}
_TABLES["aflw19", "wflw98"] = tuple(
    tuple(_IBUG68_FROM_WFLW98[i] for i in (entry if isinstance(entry, tuple) else (entry,)))
    for entry in _AFLW19_FROM_IBUG68
)


def conversions() -> list[tuple[str, str]]:
    """Returns the (source, target) names that `convert` supports for two different schemes."""
    return [(source, target) for target, source in _TABLES]


def convert(
    points: ArrayLike, source: Scheme | str | int, target: Scheme | str | int
) -> np.ndarray:
    """Converts landmarks from one scheme to another.

    The conversions from "wflw98" to "ibug68" and to "cofw29" are exact. The others are approximate:

    - "ibug68" to "cofw29": lower brow edges, middles of the lids, pupils
    - "ibug68" and "wflw98" to "aflw19": centers of eyes and mouth
    - "ibug68" to "mtfl5": centers of the eyes
    - "mediapipe478" to "ibug68": all landmarks, because a mesh vertex is not an annotated landmark
    - "london189" to "ibug68": see `schemes.london189`; jaw landmarks at even distances

    Args:
        points: (..., landmarks, dimensions) points in any unit, usually with 2 dimensions. NaN
            where not annotated. MediaPipe's 468 or 478 points can be in pixels or normalized.
        source: a `Scheme`, its name or number of landmarks, "mediapipe478" or "london189".
        target: a `Scheme`, its name or number of landmarks.

    Returns:
        (..., target landmarks, dimensions) floats, NaN where a required source landmark is NaN.

    Raises:
        ValueError: a scheme or the conversion is unknown, or the points do not match the source.

    Examples:
        >>> from keras_fld.schemes import WFLW98, convert
        >>> convert(WFLW98.mean_shape, "wflw98", "ibug68").shape
        (68, 2)
    """
    source, counts = _name_and_counts(source)
    target, _ = _name_and_counts(target)
    points = np.asarray(points)
    if not np.issubdtype(points.dtype, np.floating):
        points = points.astype(float)
    if points.ndim < 2 or points.shape[-2] not in counts:
        expected = " or ".join(str(count) for count in counts)
        raise ValueError(
            f"points of {source} must have shape (..., {expected}, dimensions). Got: {points.shape}"
        )
    if source == target:
        return points.copy()
    groups = [list(group) for group in groups_of(source, target)]
    converted = np.stack([points[..., group, :].mean(axis=-2) for group in groups], axis=-2)
    # The template's points of the jaw are not at the even distances of iBUG-68.
    return space_jaw(converted) if source == LONDON189 else converted


def groups_of(
    source: Scheme | str | int, target: Scheme | str | int
) -> tuple[tuple[int, ...], ...]:
    """Returns, for each target landmark, the indices of the source landmarks to average.

    Raises:
        ValueError: the conversion is unknown.

    Examples:
        >>> groups_of("ibug68", "cofw29")[12]
        (37, 38)
    """
    source, target = _name_and_counts(source)[0], _name_and_counts(target)[0]
    if (target, source) not in _TABLES:
        known = ", ".join(f"{a} to {b}" for a, b in conversions())
        raise ValueError(f"conversion must be one of {known}. Got: {source} to {target}")
    return tuple(
        entry if isinstance(entry, tuple) else (entry,) for entry in _TABLES[target, source]
    )


def _name_and_counts(scheme: Scheme | str | int) -> tuple[str, tuple[int, ...]]:
    """The scheme's name and its possible numbers of landmarks."""
    for name, counts in _SOURCES.items():
        if scheme == name or scheme in counts:
            return name, counts
    scheme = registry.get(scheme, also=" or ".join(_SOURCES))
    return scheme.name, (scheme.num_landmarks,)
