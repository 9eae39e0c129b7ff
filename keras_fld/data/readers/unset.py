"""Points that stand for "not annotated": exactly (0, 0) or (-1, -1), as many tools write them.

No two landmarks lie in exactly one place, so where two or more of a file do, in the corner of the
picture or just outside of it, they are not annotated. One alone is read as it is; `check` names it.
"""

from collections import Counter

import numpy as np

from keras_fld.data.readers.sources import check_option

MARKERS = {"zeros": (0.0, 0.0), "minus": (-1.0, -1.0)}
OPTIONS = ("auto", "keep", *MARKERS)
_NAMES = {marker: name for name, marker in MARKERS.items()}
_ENOUGH = 2


class Unset:
    """What a file, or a folder of files, writes for landmarks that are not annotated.

    Args:
        points: (landmarks, 2) arrays, or lists of pairs, in the file's own numbers: all faces'.
        option: "auto" as at the top of this module; "keep" takes all points as they are; "zeros"
            and "minus" leave out every point at exactly (0, 0) or (-1, -1).

    Attributes:
        notes: a sentence on what is left out.

    Raises:
        BadCall: a ValueError: an unknown option.

    Examples:
        >>> Unset([[[0, 0], [5, 6], [0, 0]]]).blank([[5, 6], [0, 0]]).tolist()
        [[5.0, 6.0], [nan, nan]]
    """

    def __init__(self, points, option="auto"):
        check_option("unset", option, OPTIONS)
        counts = Counter(name for face in points for point in face if (name := _marker(point)))
        self._markers = [
            name
            for name in MARKERS
            if option == name or (option == "auto" and counts[name] >= _ENOUGH)
        ]
        self.notes = [
            f"{counts[name]:,} landmarks at exactly ({x:g}, {y:g}) are read as not annotated "
            '(unset="keep" keeps them)'
            for name in self._markers
            for x, y in [MARKERS[name]]
            if counts[name]
        ]

    def marks(self, point) -> bool:
        """Whether a point, in the file's own numbers, says that it is not annotated."""
        return _marker(point) in self._markers

    def blank(self, points) -> np.ndarray:
        """(landmarks, 2) points with NaN for those that are not annotated."""
        points = np.array(points, float)
        for name in self._markers:
            points[(points == MARKERS[name]).all(axis=-1)] = np.nan
        return points


def _marker(point):
    """The name of the marker at which a point lies; None of another point, and of what is none."""
    try:
        return _NAMES.get(tuple(point))
    except TypeError:
        return None
