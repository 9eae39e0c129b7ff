"""BlazeFace, small networks that detect faces and six points of each in about a millisecond.

Detection takes up to three passes:

1. Propose: the short-range network sees the whole picture, the full-range network sees the whole
   picture and tiles.
2. Judge: the short-range network sees each proposal on its own, upright and enlarged. Small and
   rotated faces are thus judged like large upright ones.
3. Measure: the points of each face are computed again, with some margin around the face, where
   they are most accurate.

A close face that the short-range network detects with a high score skips the last two passes. If
there is one, tiles are skipped by default, too.
"""

from dataclasses import dataclass, replace

import numpy as np

from keras_fld._internal.images import as_rgb
from keras_fld.geometry.boxes import as_boxes, largest_first
from keras_fld.geometry.frame import invert, warp
from keras_fld.geometry.similarity import similarity
from keras_fld.predict.detectors import box_map
from keras_fld.predict.detectors.blazeface.grid import on_grid, turn_on_grid
from keras_fld.predict.detectors.blazeface.network import PLANE, Faces, shared
from keras_fld.predict.detectors.blazeface.tiles import LEAST, sides, tiles

# Lowest score in the first pass.
PROPOSED = 0.3
# Sides of the crops in the second and the third pass, in sides of the face's square.
JUDGED, MEASURED = 1.5, 2.0
# The short-range network detects faces from this fraction of the picture's side in the first pass.
LARGE = LEAST / 128
# Smallest face by default, as a fraction of the longer side: SMALLEST, or LARGE if there is a sure
# face of at least CLOSE.
SMALLEST, CLOSE = 0.03, 0.2
# Score from which a face in the first pass is sure. In 101 photographs, none of the 190 annotated
# faces is lost, and nothing else of that size scores above 0.58.
SURE = 0.85
# In radians. A face with a larger roll is detected better after rotating it upright: on turned
# training faces from 30 degrees on (`tests/benchmarks/bench_turned_training.py`).
UPRIGHT = np.pi / 6


@dataclass(frozen=True)
class Detection:
    """A detected face.

    Args:
        box: (4,) x, y, width and height of the tight box of the face rotated upright about the
            box's center.
        angle: roll of the face in the image in radians, clockwise.
        points: (6, 2) pixels: the eye that is left in an upright face, the other eye, the tip of
            the nose, the mouth, and the ears in the order of the eyes.
        score: 0 to 1.
    """

    box: np.ndarray
    angle: float
    points: np.ndarray
    score: float


class BlazeFace:
    """Detects faces with BlazeFace.

    Args:
        min_face: side of the smallest face to detect, as a fraction of the image's longer side, or
            in pixels if it is at least 1. Half the value takes four times as long. From 0.16 on,
            one pass over the whole image suffices. None means 0.03, but 0.16 if that pass finds
            a sure face of at least a fifth of the longer side with a roll of at most 30 degrees, as
            in a portrait.
        threshold: lowest score of a face, 0 to 1.
        turns: also search the image rotated by 90, 180 and 270 degrees, for faces with a roll above
            60 degrees. This takes four times as long, and None then always means 0.03.

    Raises:
        ValueError: `min_face` is not above 0, or `threshold` is not between 0 and 1.

    Examples:
        >>> boxes = BlazeFace()(image)
    """

    # The boxes are those of whole faces: tight around the 68 landmarks of iBUG-68.
    whole_faces = True

    def __init__(
        self, min_face: float | None = None, threshold: float = 0.7, turns: bool = False
    ) -> None:
        if min_face is not None and not min_face > 0:
            raise ValueError(f"min_face must be above 0. Got: {min_face}")
        if not 0 < threshold < 1:
            raise ValueError(f"threshold must be between 0 and 1. Got: {threshold}")
        self.min_face, self.threshold, self.turns = min_face, threshold, turns

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Finds the face boxes of an image.

        Args:
            image: (height, width, 3) uint8 RGB.

        Returns:
            (faces, 4) boxes, tight around the landmarks, largest first.
        """
        return largest_first(as_boxes([face.box for face in self.detect(image)]))

    def detect(self, image: np.ndarray) -> list[Detection]:
        """Detects the faces of an image and their points, highest score first.

        Args:
            image: (height, width, 3) uint8 RGB.
        """
        faces = self.find(image)
        if not len(faces):
            return []
        boxes = on_grid(tight_boxes(faces, box_map.shipped("blazeface")), faces.sides[:, None])
        angles, scores = turn_on_grid(faces.angles).tolist(), faces.scores.tolist()
        rows = zip(boxes, angles, faces.points[:, 1:], scores, strict=True)
        return [Detection(*row) for row in rows]

    def find(self, image: np.ndarray, sure: float = SURE) -> Faces:
        """Detects the faces of an image without mapping to tight boxes, highest score first.

        Args:
            image: (height, width, 3) uint8 RGB, or another image that `as_rgb` accepts.
            sure: score from which a close face of the first pass is final; above 1, every face
                takes all passes.
        """
        image = as_rgb(image)
        longer = max(image.shape[:2])
        first = _seen(image, "short", [shared("short").size])
        is_close = (first.scores >= max(sure, self.threshold)) & (first.sides >= CLOSE * longer)
        # An upside-down face may get a high score as another, upright face.
        is_close &= (np.abs(first.angles) <= UPRIGHT) & (not self.turns)
        close = first[is_close]
        smallest = self._smallest(longer, close)
        if is_close.all() and smallest >= LARGE and not self.turns:
            return first  # there are no other proposals
        proposals = self._proposals(image, first, smallest).apart(close)
        judged = Faces.joined(_look(image, proposals[[i]], JUDGED) for i in range(len(proposals)))
        faces = judged[judged.scores >= self.threshold]
        measured = (_measured(image, faces[[i]]) for i in range(len(faces)))
        return Faces.joined([close, *measured]).best()

    def _smallest(self, longer, close):
        """Returns the smallest face to detect, as a fraction of the longer side."""
        if self.min_face is None:
            return LARGE if len(close) else SMALLEST
        return self.min_face if self.min_face < 1 else self.min_face / longer

    def _proposals(self, image, first, smallest):
        """Completes the first pass with tiles and rotated images, and returns the proposals."""
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
    """Computes the (n, 4) boxes of upright faces with a map of their `features`."""
    boxes = fitted.boxes(*features(faces))
    middles = (boxes[:, :2] + boxes[:, 2:] / 2) @ PLANE * np.exp(1j * faces.angles)
    boxes[:, :2] = faces.points[:, 0] + middles.view(float).reshape(-1, 2) - boxes[:, 2:] / 2
    return boxes


def features(faces: Faces) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Computes centers, sizes and features of faces rotated upright about their squares' centers.

    Returns:
        (n, 2) zeros, (n,) sides, and (n, 12) points relative to the centers, in sides.
    """
    away = upright(faces, faces.points[:, 1:]) / faces.sides[:, None, None]
    return np.zeros((len(faces), 2)), faces.sides, away.reshape(len(faces), 12)


def upright(faces: Faces, points: np.ndarray) -> np.ndarray:
    """Returns points (n, m, 2) of an image relative to each face's center, rotated upright."""
    away = (points - faces.points[:, :1]) @ PLANE * np.exp(-1j * faces.angles)[:, None]
    return away.view(float).reshape(points.shape)


def _seen(image, name, longer_sides):
    """Runs a network on the tiles of an image."""
    network, found = shared(name), []
    for tile in tiles(image, network.size, longer_sides):
        faces = network.find(tile.image, PROPOSED).best()
        low, high = faces.squares[:, :2], faces.squares[:, :2] + faces.sides[:, None]
        whole = ((low >= tile.low) & (high <= tile.high)).all(axis=1)
        found.append(faces[whole].moved(tile.to_photo))
    return Faces.joined(found)


def _measured(image, face):
    """Returns the face with the points of the third pass, if that pass detects the face."""
    seen = _look(image, face, MEASURED)
    return replace(seen, scores=face.scores) if len(seen) else face


def _look(image, face, margin):
    """Detects a face again in an upright crop; returns nothing if none is in the center."""
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
    """Returns the (2, 3) matrix from pixels of `np.rot90(image, turn)` to those of the image."""
    linear = np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), turn)
    return np.column_stack([linear, (linear.sum(axis=1) < 0) * (np.array(image.shape[1::-1]) - 1)])
