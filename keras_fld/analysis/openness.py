"""How far eyes and mouth are open: a height over a width, so that neither face size nor a turned
head matters much."""

import numpy as np
from numpy.typing import ArrayLike

from keras_fld.schemes import Scheme, convert

# Of each eye: outer corner, upper lid, inner corner, lower lid, in the order of the picture.
_EYES = ((36, (37, 38), 39, (41, 40)), (42, (43, 44), 45, (47, 46)))
_MOUTH = (60, (61, 62, 63), 64, (67, 66, 65))


def eye_openness(landmarks: ArrayLike, scheme: Scheme | str = "ibug68") -> np.ndarray:
    """Height of the left and the right eye's opening, as a part of its width.

    Soukupova and Cech's eye aspect ratio (Real-Time Eye Blink Detection using Facial Landmarks,
    CVWW 2016): about 0.3 in an open eye, below 0.2 in a closed one; people differ, so compare a
    face with itself.

    Args:
        landmarks: (..., landmarks, 2) in any unit.
        scheme: of the landmarks: a `Scheme` or its name, "ibug68" or one that converts to it.

    Returns:
        (..., 2) floats, the image's left eye first; NaN where a landmark is.

    Raises:
        ValueError: the scheme has no lids, or the landmarks do not fit it.

    Examples:
        >>> left, right = eye_openness(face.landmarks)
    """
    points = convert(landmarks, scheme, "ibug68")
    return np.stack([_ratio(points, *eye) for eye in _EYES], axis=-1)


def mouth_openness(landmarks: ArrayLike, scheme: Scheme | str = "ibug68") -> np.ndarray:
    """Height of the opening between the lips, as a part of its width.

    Args:
        landmarks: (..., landmarks, 2) in any unit.
        scheme: of the landmarks: a `Scheme` or its name, "ibug68" or one that converts to it.

    Returns:
        (...) floats, about 0 for a closed mouth and 0.5 and more in a yawn; NaN where a landmark
        is.

    Raises:
        ValueError: the scheme has no inner lips, or the landmarks do not fit it.

    Examples:
        >>> openness = mouth_openness(face.landmarks)
    """
    return _ratio(convert(landmarks, scheme, "ibug68"), *_MOUTH)


def _ratio(points, first, upper, last, lower):
    def distance(a, b):
        return np.linalg.norm(points[..., a, :] - points[..., b, :], axis=-1)

    heights = [distance(a, b) for a, b in zip(upper, lower, strict=True)]
    return np.mean(heights, axis=0) / distance(first, last)
