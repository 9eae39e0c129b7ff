"""Openness of eyes and mouth: the ratio of height to width.

Being a ratio, it depends little on the size of the face or on the head's pose.
"""

import numpy as np
from numpy.typing import ArrayLike

from keras_fld.schemes import Scheme, convert

# Each eye, from left to right in the image: left corner, upper lid, right corner, lower lid.
_EYES = ((36, (37, 38), 39, (41, 40)), (42, (43, 44), 45, (47, 46)))
_MOUTH = (60, (61, 62, 63), 64, (67, 66, 65))


def eye_openness(landmarks: ArrayLike, scheme: Scheme | str = "ibug68") -> np.ndarray:
    """Computes the ratio of height to width of both eyes.

    This is the eye aspect ratio of Soukupova and Cech (Real-Time Eye Blink Detection using Facial
    Landmarks, CVWW 2016). It is about 0.3 for an open eye and below 0.2 for a closed one. It
    differs between people, so compare a person only with themselves.

    Args:
        landmarks: (..., landmarks, 2) points in any unit.
        scheme: scheme of the landmarks: a `Scheme` or its name. It must be "ibug68" or convert to
            it.

    Returns:
        (..., 2) floats, the eye on the image's left first. NaN if a required landmark is NaN.

    Raises:
        ValueError: the scheme has no eyelids, or the landmarks do not match it.

    Examples:
        >>> left, right = eye_openness(face.landmarks)
    """
    points = convert(landmarks, scheme, "ibug68")
    return np.stack([_ratio(points, *eye) for eye in _EYES], axis=-1)


def mouth_openness(landmarks: ArrayLike, scheme: Scheme | str = "ibug68") -> np.ndarray:
    """Computes the ratio of height to width of the opening between the lips.

    Args:
        landmarks: (..., landmarks, 2) points in any unit.
        scheme: scheme of the landmarks: a `Scheme` or its name. It must be "ibug68" or convert to
            it.

    Returns:
        (...) floats, about 0 for a closed mouth and 0.5 or more for a yawn. NaN if a required
        landmark is NaN.

    Raises:
        ValueError: the scheme has no inner lips, or the landmarks do not match it.

    Examples:
        >>> openness = mouth_openness(face.landmarks)
    """
    return _ratio(convert(landmarks, scheme, "ibug68"), *_MOUTH)


def _ratio(points, first, upper, last, lower):
    def distance(a, b):
        return np.linalg.norm(points[..., a, :] - points[..., b, :], axis=-1)

    heights = [distance(a, b) for a, b in zip(upper, lower, strict=True)]
    return np.mean(heights, axis=0) / distance(first, last)
