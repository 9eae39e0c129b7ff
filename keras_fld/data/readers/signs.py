"""Signs of the numbers in `.pts` files of the MERL-RAV dataset.

There, `-1 -1` is a landmark that is hidden by the head itself and not annotated, and `-x -y` is a
landmark that is occluded by something else at (x, y). In other files, a negative number is a
position left of or above the photograph.
"""

import numpy as np

from keras_fld.data.readers.sources import check_option

SIGNS = ("auto", "merl-rav", "plain")
_HIDDEN = (-1.0, -1.0)
# Above 2, the largest value for real faces.
_APART = 2.5


def has_signs(points) -> bool:
    """Whether a file's points can only be MERL-RAV's.

    This is the case if, read as positions, the points are much farther apart than without signs.
    Without signs, a face that the corner of the photograph cuts becomes at most half as large.

    Args:
        points: (landmarks, 2) numbers of the file.

    Examples:
        >>> has_signs([[100, 100], [180, 190], [-150, -160]])
        True
    """
    points = np.asarray(points, float).reshape(-1, 2)
    points = points[(points != _HIDDEN).any(axis=-1)]
    negative = (points < 0).all(axis=-1)
    if len(points) < 2 or not negative.any():
        return False
    places = np.where(negative[:, None], -points, points)
    return bool(np.ptp(points, axis=0).max() > _APART * np.ptp(places, axis=0).max())


def without_signs(points):
    """Interprets the signs of a file's points.

    Args:
        points: (landmarks, 2) numbers of a MERL-RAV file.

    Returns:
        (landmarks, 2) positions, NaN where not annotated, and (landmarks,) whether each is hidden.

    Examples:
        >>> without_signs([[-1, -1], [-50, -60], [70, 80]])[1].tolist()
        [True, True, False]
    """
    points = np.array(points, float).reshape(-1, 2)
    hidden = (points < 0).all(axis=-1)
    unset = (points == _HIDDEN).all(axis=-1)
    points[hidden] *= -1
    points[unset] = np.nan
    return points, hidden


def decide(files, option):
    """Whether to read a folder's files as MERL-RAV's: if at least one of them can only be that.

    Args:
        files: points of each file.
        option: one of `SIGNS`.

    Raises:
        BadCall: a ValueError: an unknown option.
    """
    check_option("signs", option, SIGNS)
    return option == "merl-rav" or (option == "auto" and any(map(has_signs, files)))
