"""Computes the landmarks of every scheme on a drawn face from its 68 landmarks.

The portrait is painted along curves through the 68 landmarks. The additional points of other
schemes are on these curves, so they agree with the painting: between two landmarks of the contour
or an eyelid, on the lower edge of a brow, or in the center of an iris. WFLW-98 contains all of
them, and the smaller schemes are converted from it.
"""

import numpy as np

from keras_fld import schemes
from keras_fld.data.synthetic.brush import PIECE, band, spline
from keras_fld.schemes.mean_face import MEAN_FACE
from keras_fld.schemes.mtfl5 import MTFL5

BROW_HALF_WIDTH = 0.045  # of the mean face, in face units


def brow_outline(brow, half_width):
    """Computes the painted outline of a brow: (2 * points, 2), its lower edge last and reversed.

    Args:
        brow: (5, 2) landmarks, from the outer to the inner end.
        half_width: half of the largest thickness, in the landmarks' unit.
    """
    curve = spline(brow)
    along = np.linspace(0, 1, len(curve))
    taper = np.interp(along, [0, 0.35, 0.9, 1], [0.15, 0.8, 1, 0.7])
    return band(curve, taper * half_width)


def pupil(lids, gaze):
    """Computes the center of the iris (2,) from six landmarks and the gaze in eye widths."""
    return lids.mean(0) + gaze * np.linalg.norm(lids[3] - lids[0])


def scheme_points(points, pupils, brow_half_width, scheme):
    """Computes the landmarks of any scheme of the package on a drawn face.

    Args:
        points: (68, 2), iBUG-68 order.
        pupils: (2, 2); the one that is left in the image comes first.
        brow_half_width: half the thickness of the brows, in the points' unit.
        scheme: the target `Scheme`.

    Returns:
        (landmarks, 2) float64.

    Raises:
        ValueError: the scheme is not one of the package's own.
    """
    if not _is_drawn(scheme):
        known = ", ".join(schemes.SCHEMES)
        raise ValueError(f"scheme of a drawn face must be one of {known}. Got: {scheme.name!r}")
    if scheme in (schemes.IBUG68, MTFL5):
        return schemes.convert(points, schemes.IBUG68, scheme)
    middle = len(PIECE) // 2
    contour = np.empty((33, 2))
    contour[::2], contour[1::2] = points[:17], spline(points[:17])[middle :: len(PIECE)]
    left, right = points[17:22], points[22:27]
    eyes = []
    for lids in (points[36:42], points[42:48]):
        between = spline(lids, closed=True)[middle :: len(PIECE)]
        eyes += [lids[:2], between[1:2], lids[2:5], between[4:5], lids[5:]]
    lower_left = _lower_edge(left, brow_half_width, 0)
    lower_right = _lower_edge(right[::-1], brow_half_width, 1)
    brows = [left, lower_left[:0:-1], right, lower_right[1:]]
    dense = [contour, *brows, points[27:36], *eyes, points[48:68], pupils]
    return schemes.convert(np.concatenate(dense), "wflw98", scheme)


def _is_drawn(scheme):
    return scheme == MTFL5 or schemes.SCHEMES.get(scheme.name) == scheme


def _lower_edge(brow, half_width, side):
    """(5, 2): the lower edge at each landmark of a brow, from the outer end; side 0 is left."""
    edges = np.split(brow_outline(brow, half_width), 2)
    # The outline returns along its second edge, which is the lower edge of the right brow.
    edge = edges[1][::-1] if side else edges[0]
    return edge[:: len(PIECE)]


def mean_shape(scheme):
    """Computes the frontal view of the mean face, which schemes/mean_shapes.json stores.

    Args:
        scheme: a `Scheme` of the package.

    Returns:
        (landmarks, 2) float64, centered on its tight box, whose longer side is 1.

    Raises:
        ValueError: the scheme is not one of the package's own.
    """
    flat = MEAN_FACE[:, :2]
    pupils = np.stack([pupil(flat[36:42], 0), pupil(flat[42:48], 0)])
    points = scheme_points(flat, pupils, BROW_HALF_WIDTH, scheme)
    low, high = points.min(axis=0), points.max(axis=0)
    return (points - (low + high) / 2) / (high - low).max()
