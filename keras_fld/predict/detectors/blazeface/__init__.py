"""BlazeFace, networks of a millisecond that find faces and six points of each.

The first look proposes: the short range at the whole picture, the full range at the whole and at
tiles. The second judges: the short range at each proposal alone, upright and large, so that small
and turned faces are judged as well as large upright ones. The third, at what is a face, measures:
its points are found best with some room around it. A close face of which the short range is sure
needs neither; and where there is one, nothing asks for tiles by default.
"""

from dataclasses import dataclass, replace

import numpy as np

from keras_fld._internal.images import as_rgb
from keras_fld.geometry.boxes import as_boxes, largest_first
from keras_fld.geometry.frame import invert, warp
from keras_fld.geometry.similarity import similarity
from keras_fld.predict.detectors import box_map
from keras_fld.predict.detectors.blazeface.grid import on_grid, turn_on_grid
from keras_fld.predict.detectors.blazeface.network import Faces, shared
from keras_fld.predict.detectors.blazeface.tiles import LEAST, sides, tiles

# Least score at the first look.
PROPOSED = 0.3
# Sides of the pictures at the second and the third look in sides of the face's square.
JUDGED, MEASURED = 1.5, 2.0
# Faces from this share of the picture's side on are the short range's, at one look.
LARGE = LEAST / 128
# Faces looked for by default, as shares of the longer side: from SMALLEST on, and only from LARGE
# on beside a sure face of at least CLOSE.
SMALLEST, CLOSE = 0.03, 0.2
# Score of a sure face at the first look. Of 101 photographs' 190 annotated faces none is lost, and
# nothing else of that size has more than 0.58.
SURE = 0.85
# Radians. A face turned by more is seen better upright.
UPRIGHT = np.pi / 6


@dataclass(frozen=True)
class Detection:
    """A face found.

    Args:
        box: (4,) x, y, width and height of the tight box, as it is of the face turned upright about
            the box's center.
        angle: how far the face is turned in the image, in radians, clockwise.
        points: (6, 2) pixels: the eye on the left in an upright face, the other eye, the nose's
            tip, the mouth, and the ears in the eyes' order.
        score: 0 to 1.
    """

    box: np.ndarray
    angle: float
    points: np.ndarray
    score: float


class BlazeFace:
    """Finds faces with BlazeFace.

    Args:
        min_face: side of the smallest face looked for: a share of the image's longer side, or
            pixels from 1 on. Half of it takes four times as long; from 0.16 on one look at the
            whole image is enough. None means 0.03, but 0.16 where the look at the whole image
            surely shows a face of a fifth of the longer side or more, turned by at most 30 degrees,
            as in a portrait.
        threshold: least score of a face, 0 to 1.
        turns: also look at the image turned by 90, 180 and 270 degrees, for faces turned by more
            than 60; takes four times as long, and None always means 0.03.

    Raises:
        ValueError: `min_face` is not above 0, or `threshold` is not between 0 and 1.

    Examples:
        >>> boxes = BlazeFace()(image)
    """

    def __init__(
        self, min_face: float | None = None, threshold: float = 0.7, turns: bool = False
    ) -> None:
        if min_face is not None and not min_face > 0:
            raise ValueError(f"min_face must be above 0. Got: {min_face}")
        if not 0 < threshold < 1:
            raise ValueError(f"threshold must be between 0 and 1. Got: {threshold}")
        self.min_face, self.threshold, self.turns = min_face, threshold, turns

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Face boxes of an image.

        Args:
            image: (height, width, 3) uint8 RGB.

        Returns:
            (faces, 4) boxes, tight around the landmarks, largest first.
        """
        return largest_first(as_boxes([face.box for face in self.detect(image)]))

    def detect(self, image: np.ndarray) -> list[Detection]:
        """Faces of an image with their points, surest first.

        Args:
            image: (height, width, 3) uint8 RGB.
        """
        faces = self.find(image)
        boxes = on_grid(tight_boxes(faces, box_map.shipped("blazeface")), faces.sides[:, None])
        angles = turn_on_grid(faces.angles)
        return [
            Detection(box, float(angle), points[1:], float(score))
            for box, angle, points, score in zip(
                boxes, angles, faces.points, faces.scores, strict=True
            )
        ]

    def find(self, image: np.ndarray, sure: float = SURE) -> Faces:
        """Faces of an image as the networks give them, surest first.

        Args:
            image: (height, width, 3) uint8 RGB, or what `as_rgb` makes so.
            sure: score from which a close face is taken as the first look has it; above 1 every
                face is looked at again.
        """
        image = as_rgb(image)
        longer = max(image.shape[:2])
        first = _seen(image, "short", [shared("short").size])
        is_close = (first.scores >= max(sure, self.threshold)) & (first.sides >= CLOSE * longer)
        # An upside-down face may surely look like another one.
        is_close &= (np.abs(first.angles) <= UPRIGHT) & (not self.turns)
        close = first[is_close]
        proposals = self._proposals(image, first, self._smallest(longer, close)).apart(close)
        judged = Faces.joined(_look(image, proposals[[i]], JUDGED) for i in range(len(proposals)))
        faces = judged[judged.scores >= self.threshold]
        measured = (_measured(image, faces[[i]]) for i in range(len(faces)))
        return Faces.joined([close, *measured]).best()

    def _smallest(self, longer, close):
        """The smallest face looked for, as a share of the longer side."""
        if self.min_face is None:
            return LARGE if len(close) else SMALLEST
        return self.min_face if self.min_face < 1 else self.min_face / longer

    def _proposals(self, image, first, smallest):
        """What the first look takes for faces, where it goes on to tiles and turns as well."""
        if smallest >= LARGE and not self.turns:
            return first
        found = [first]
        for turn in range(4 if self.turns else 1):
            turned = np.rot90(image, turn)
            looks = [_seen(turned, "short", [shared("short").size])] if turn else []
            if smallest < LARGE:
                size = shared("full").size
                looks.append(_seen(turned, "full", sides(turned, size, smallest)))
            found += [faces.moved(_back(image, turn)) for faces in looks]
        return Faces.joined(found).best()


def tight_boxes(faces: Faces, fitted: box_map.BoxMap) -> np.ndarray:
    """(n, 4) boxes of the upright faces by a map of their `features`."""
    boxes = fitted.boxes(*features(faces))
    middles = (boxes[:, :2] + boxes[:, 2:] / 2) @ [1, 1j] * np.exp(1j * faces.angles)
    centers = faces.points[:, 0] + np.column_stack([middles.real, middles.imag])
    return np.column_stack([centers - boxes[:, 2:] / 2, boxes[:, 2:]])


def features(faces: Faces) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centers, sizes and features of faces turned upright about their squares' centers.

    Returns:
        (n, 2) zeros, (n,) sides, and (n, 12) points from the centers in sides.
    """
    away = upright(faces, faces.points[:, 1:]) / faces.sides[:, None, None]
    return np.zeros((len(faces), 2)), faces.sides, away.reshape(len(faces), 12)


def upright(faces: Faces, points: np.ndarray) -> np.ndarray:
    """Points (n, m, 2) of an image from each face's center, the face turned upright."""
    away = (points - faces.points[:, :1]) @ [1, 1j] * np.exp(-1j * faces.angles)[:, None]
    return np.stack([away.real, away.imag], axis=-1)


def _seen(image, name, longer_sides):
    """What a network sees in tiles of an image."""
    network, found = shared(name), []
    for tile in tiles(image, network.size, longer_sides):
        faces = network.find(tile.image, PROPOSED).best()
        low, high = faces.squares[:, :2], faces.squares[:, :2] + faces.sides[:, None]
        whole = ((low >= tile.low) & (high <= tile.high)).all(axis=1)
        found.append(faces[whole].moved(tile.to_photo))
    return Faces.joined(found)


def _measured(image, face):
    """The face with the points of a third look, where that sees it too."""
    seen = _look(image, face, MEASURED)
    return replace(seen, scores=face.scores) if len(seen) else face


def _look(image, face, margin):
    """The face once more, seen upright and large; nothing where none is in the middle."""
    network = shared("short")
    middle, reach = (network.size - 1) / 2, network.size / margin
    center, side = (on_grid(v, face.sides[0]) for v in (face.points[0, 0], face.sides[0]))
    angle = turn_on_grid(face.angles[0])
    matrix = similarity(
        [center, center + side * np.array([np.cos(angle), np.sin(angle)])],
        [[middle, middle], [middle + reach, middle]],
    )
    seen = network.find(warp(image, matrix, network.size), PROPOSED).best()
    near = np.abs(seen.points[:, 0] - middle).max(axis=1) < reach / 4
    return seen[near][:1].moved(invert(matrix))


def _back(image, turn):
    """(2, 3) matrix from the pixels of `np.rot90(image, turn)` to the image's."""
    linear = np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), turn)
    return np.column_stack([linear, (linear.sum(axis=1) < 0) * (np.array(image.shape[1::-1]) - 1)])
