"""A fitted linear map from a detector's output to the tight box that models are trained on.

A detector's squares and points do not enclose 68 landmarks. The map is a regression on training
photographs (`cli.fit_detector`). box_maps.json stores it, together with the data it was fitted on.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from keras_fld._internal.files import read_json

FILE = Path(__file__).with_name("box_maps.json")


@dataclass(frozen=True)
class BoxMap:
    """A linear map to tight boxes that follows the face's position and size.

    Args:
        coefficients: (features + 1, 4): center x, center y, width and height of the tight box in
            units of the detection's size, one row for each feature and a last one for the constant.

    Examples:
        >>> BoxMap(np.array([[0.0, 0.1, 0.9, 0.8]])).boxes([[10, 10]], [100], [[]]).tolist()
        [[-35.0, -20.0, 90.0, 80.0]]
    """

    coefficients: np.ndarray

    def boxes(self, centers, sizes, features):
        """Computes the tight boxes of detections.

        Args:
            centers: (n, 2) centers in pixels.
            sizes: (n,) sizes in pixels, the unit of each detection.
            features: (n, features) without unit.

        Returns:
            (n, 4) boxes (x, y, width, height) in pixels.
        """
        sizes = np.asarray(sizes, float)[:, None]
        found = with_constant(features) @ self.coefficients * sizes
        return np.column_stack([centers + found[:, :2] - found[:, 2:] / 2, found[:, 2:]])


def with_constant(features):
    """Appends a column of ones to the features."""
    features = np.asarray(features, float)
    return np.column_stack([features, np.ones(len(features))])


def square_features(squares):
    """Computes centers, sizes and features of a cascade's squares (n, 4); there are no features."""
    squares = np.asarray(squares, float).reshape(-1, 4)
    return squares[:, :2] + squares[:, 2:] / 2, squares[:, 2], np.empty((len(squares), 0))


def point_features(points):
    """Computes centers, sizes and features of five points of a face.

    Args:
        points: (n, 5, 2) pixels: the centers of the eyes, the tip of the nose and the corners of
            the mouth; of each pair, the one that is left in the image comes first.

    Returns:
        (n, 2) means, (n,) root mean square distances from them, and (n, 10) points in this unit.
    """
    points = np.asarray(points, float).reshape(-1, 5, 2)
    centers = points.mean(axis=1)
    away = points - centers[:, None]
    sizes = np.sqrt((away**2).sum(axis=-1).mean(axis=-1))
    return centers, sizes, (away / sizes[:, None, None]).reshape(len(points), 10)


def fit(centers, sizes, features, boxes, steps=50):
    """Fits the `BoxMap` with the least mean absolute error, in units of the detection's size.

    Least absolute deviations are robust against wrong detections. They are computed by iteratively
    reweighted least squares (Schlossmacher, 1973). Without features, the result is the median.

    Args:
        centers, sizes, features: as in `BoxMap.boxes`.
        boxes: (n, 4) tight boxes of the same faces.
        steps: number of iterations.

    Returns:
        A `BoxMap`.
    """
    boxes, sizes = np.asarray(boxes, float), np.asarray(sizes, float)[:, None]
    wanted = np.column_stack([boxes[:, :2] + boxes[:, 2:] / 2 - centers, boxes[:, 2:]]) / sizes
    design = with_constant(features)
    if design.shape[1] == 1:
        return BoxMap(np.median(wanted, axis=0)[None])
    coefficients = np.linalg.lstsq(design, wanted, rcond=None)[0]
    for _ in range(steps):
        # Roots of the weights: a square of an error with the weight 1 / |error| is |error|.
        roots = np.maximum(np.abs(design @ coefficients - wanted), 1e-4) ** -0.5
        for column, root in enumerate(roots.T):
            coefficients[:, column] = np.linalg.lstsq(
                design * root[:, None], wanted[:, column] * root, rcond=None
            )[0]
    return BoxMap(coefficients)


@cache
def shipped(name):
    """Loads a map of the package: "haar_frontal", "haar_profile", "five_points" or "blazeface"."""
    return BoxMap(np.array(read_json(FILE)[name]["coefficients"]))


def fractions(name):
    """Returns a map of squares as left, top, width and height, in sides of the square."""
    left, top, width, height = shipped(name).boxes([[0.5, 0.5]], [1.0], [[]])[0].tolist()
    return left, top, width, height
