"""What the signs of a `.pts` file's numbers say, in the files of the MERL-RAV dataset.

There `-1 -1` is a landmark that the head itself hides, whose place is not annotated, and `-x -y`
one that something else hides at (x, y). Elsewhere a negative number is a place left of the
photograph or above it.
"""

import numpy as np

from keras_fld.data.readers.sources import check_option

SIGNS = ("auto", "merl-rav", "plain")
_HIDDEN = (-1.0, -1.0)
# Above 2, which is what a real face may come to.
_APART = 2.5


def has_signs(points) -> bool:
    """Whether a file's points can only be MERL-RAV's: as places they are far apart, and without
    their signs they are not.

    A face that the photograph's corner cuts becomes at most half as large without signs.

    Args:
        points: (landmarks, 2) numbers as the file has them.

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
    """A file's points with their signs read.

    Args:
        points: (landmarks, 2) numbers as a file of MERL-RAV has them.

    Returns:
        (landmarks, 2) places, NaN where not annotated, and (landmarks,) whether each is hidden.

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
    """Whether a folder's files are read as MERL-RAV's: where one of them can only be that.

    Args:
        files: points of each file.
        option: one of `SIGNS`.

    Raises:
        BadCall: a ValueError: an unknown option.
    """
    check_option("signs", option, SIGNS)
    return option == "merl-rav" or (option == "auto" and any(map(has_signs, files)))
