"""Aligned face crops: every face is upright, centered and of the same size."""

import numpy as np
from numpy.typing import ArrayLike

from keras_fld import schemes
from keras_fld.geometry.frame import warp
from keras_fld.geometry.similarity import similarity


def aligned_crop(
    image: np.ndarray,
    landmarks: ArrayLike,
    scheme: schemes.Scheme | str = "ibug68",
    size: int = 112,
    margin: float = 1.3,
    template: ArrayLike | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Cuts a face from a photograph so that its landmarks are aligned with a template.

    A least-squares similarity rotates, scales and shifts the photograph; it never shears or mirrors
    it. A photograph of more than twice the crop's scale is first halved.

    Args:
        image: (height, width, 3) uint8 RGB photograph.
        landmarks: (landmarks, 2) photograph pixels. NaN landmarks are ignored.
        scheme: scheme of the landmarks: a `Scheme` or its name.
        size: side of the square crop in pixels.
        margin: side of the crop in multiples of the template face's longer side. Only used if
            `template` is None.
        template: (landmarks, 2) pixels of the crop. None uses the scheme's mean shape.

    Returns:
        The crop, (size, size, 3) uint8, and the (2, 3) matrix from photograph to crop pixels, for
        `geometry.frame.transform`.

    Raises:
        ValueError: the landmarks do not match the scheme or the template, or fewer than two
            different landmarks are known.

    Examples:
        >>> crop, matrix = aligned_crop(image, face.landmarks)
    """
    scheme = schemes.get(scheme)
    landmarks = np.asarray(landmarks, float)
    if template is None:
        template = scheme.mean_shape * (size / margin) + (size - 1) / 2
    template = np.asarray(template, float)
    if not landmarks.shape == template.shape == (scheme.num_landmarks, 2):
        raise ValueError(
            f"landmarks and template must have the shape ({scheme.num_landmarks}, 2) of "
            f"{scheme.name}. Got: {landmarks.shape} and {template.shape}"
        )
    matrix = similarity(landmarks, template)
    return warp(image, matrix, size), matrix
