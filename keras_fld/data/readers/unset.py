"""Points that mean "not annotated": exactly (0, 0) or (-1, -1), as many tools write them.

Two landmarks are never in exactly the same place. If two or more points of a file are exactly
there, they are not annotated. A single one is read as a position, and `check` reports it.
"""

from collections import Counter

import numpy as np

from keras_fld.data.readers.sources import check_option

MARKERS = {"zeros": (0.0, 0.0), "minus": (-1.0, -1.0)}
OPTIONS = ("auto", "keep", *MARKERS)
_NAMES = {marker: name for name, marker in MARKERS.items()}
_ENOUGH = 2


class Unset:
    """Detects how a file, or a folder of files, marks landmarks that are not annotated.

    Args:
        points: points of all faces, as (landmarks, 2) arrays or lists of pairs, with the numbers of
            the file.
        option: "auto" detects the marks as described above; "keep" keeps all points; "zeros" and
            "minus" remove every point at exactly (0, 0) or (-1, -1).

    Attributes:
        notes: a sentence on the removed points, if any.

    Raises:
        BadCall: a ValueError: the option is unknown.

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
        """Whether a point, with the numbers of the file, is marked as not annotated."""
        return _marker(point) in self._markers

    def blank(self, points) -> np.ndarray:
        """Returns (landmarks, 2) points with NaN for those that are not annotated."""
        points = np.array(points, float)
        for name in self._markers:
            points[(points == MARKERS[name]).all(axis=-1)] = np.nan
        return points


def _marker(point):
    """Returns the name of a point's mark; None for other points and invalid ones."""
    try:
        return _NAMES.get(tuple(point))
    except TypeError:
        return None
