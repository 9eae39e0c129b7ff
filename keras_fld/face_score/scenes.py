"""Photographs as places without a face: where a lost track or a mistaken detector ends.

Boxes are drawn around the one annotated face of a photograph; none of them is about that face.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from keras_fld.face_score.textures import texture
from keras_fld.geometry.boxes import covered, overlap
from keras_fld.geometry.frame import compose, turned, warp
from keras_fld.geometry.reduction import reduced
from keras_fld.predict.detectors import box_map
from keras_fld.predict.detectors.haar import HaarDetector, map_squares
from keras_fld.predict.predictor import SCORED_SCHEMES
from keras_fld.schemes.mtfl5 import MTFL5

# Longer side of the faces in kept photographs, in pixels.
FACE_SIDE = 96
# A cascade's squares of which less is in the face are about something else, unless so many of them
# agree that it may well be a second face. Searched is every third photograph, as it takes longest.
ELSEWHERE, AGREED, SEARCHED = 0.3, 6, 3
# What lies outside a photograph.
_BORDERS = (cv2.BORDER_CONSTANT, cv2.BORDER_REFLECT_101, cv2.BORDER_REPLICATE)

# Kinds of crops without a face and how often training shows them.
KINDS = {
    "away": 0.28,  # beside the face, smaller
    "shifted": 0.24,  # of the face's size, by more than 0.6 of it off
    "part": 0.12,  # an eye, a cheek
    "wide": 0.12,  # the face far too small
    "cascade": 0.12,  # where single squares of the Haar cascade fire
    "texture": 0.12,  # drawn
}


@dataclass(frozen=True)
class Scene:
    """A photograph and what is known of it.

    Args:
        image: (height, width, 3) uint8 RGB.
        box: (x, y, width, height) of its face.
        squares: (n, 4) boxes of the cascade that are not about the face.
    """

    image: np.ndarray
    box: np.ndarray
    squares: np.ndarray


def with_boxes(faces):
    """The faces with the box around contour and brows, which five points lead to by a map.

    Raises:
        ValueError: the scheme has neither contour nor MTFL's five points.
    """
    if faces.scheme.name in SCORED_SCHEMES:
        return faces
    if faces.scheme.name != MTFL5.name:
        raise ValueError(
            f"a face score is trained on faces with {', '.join(SCORED_SCHEMES)} or {MTFL5.name} "
            f"landmarks. Got: {faces.scheme.name}"
        )
    points = np.stack([face.landmarks for face in faces.faces])
    boxes = box_map.shipped("five_points").boxes(*box_map.point_features(points))
    moved = [replace(face, box=box) for face, box in zip(faces.faces, boxes, strict=True)]
    return replace(faces, faces=moved)


def scenes(faces, skip_bad=False, every=SEARCHED):
    """The photographs of faces, reduced until a face has 96 pixels.

    Args:
        faces: a `FaceSet` with the boxes of `with_boxes`.
        skip_bad: leave unreadable photographs out instead of stopping at the first.
        every: how many photographs there are to one that the cascade searches.

    Returns:
        A list of `Scene`.

    Raises:
        ValueError: a photograph cannot be read.
    """
    detector = HaarDetector(profiles=False, neighbors=0)
    found = [
        _scene(face, None if place % every else detector, skip_bad)
        for place, face in enumerate(faces.faces)
    ]
    return [scene for scene in found if scene is not None]


def _scene(face, detector, skip_bad):
    try:
        image = face.image()
    except ValueError:
        if skip_bad:
            return None
        raise
    side = max(image.shape[:2]) * FACE_SIDE / max(face.box[2:])
    image, factor = reduced(image, max(1, round(side)))
    box = np.asarray(face.box, float) / [*factor, *factor]
    squares = np.empty((0, 4))
    if detector is not None:
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        squares = map_squares(detector.frontal(gray), "haar_frontal")
        squares = squares[covered(squares, box[None]) < ELSEWHERE]
        squares = squares[(overlap(squares, squares) > 0.5).sum(axis=1) < AGREED]
    return Scene(image, box, squares)


def non_face(scene, rng, frame, kind):
    """Draws a crop that shows no face in its place.

    Args:
        scene: a `Scene`.
        rng: a `numpy.random.Generator`.
        frame: the `FaceCrop` of the crop.
        kind: one of `KINDS`; "cascade" is "away" where the cascade found nothing.

    Returns:
        (size, size, 3) uint8, turned a little and perhaps mirrored.

    Raises:
        ValueError: an unknown kind.

    Examples:
        >>> crop = non_face(scene, np.random.default_rng(0), FaceCrop(), "shifted")
    """
    if kind == "texture":
        return texture(rng, frame.size)
    return _cut(scene.image, non_face_box(scene, rng, kind), rng, frame)


def non_face_box(scene, rng, kind):
    """Draws a box that is not about the scene's face: (x, y, width, height) pixels.

    Raises:
        ValueError: an unknown kind, or one without a box.
    """
    x, y, width, height = scene.box
    unit, center = max(width, height), np.array([x + width / 2, y + height / 2])
    if kind == "cascade" and not len(scene.squares):
        kind = "away"
    if kind == "away":
        return _beside(scene, unit, rng)
    if kind == "shifted":
        side, angle = rng.uniform(0.7, 1.4), rng.uniform(0, 2 * np.pi)
        way = np.array([np.cos(angle), np.sin(angle)])
        center = center + unit * max(1, side) * rng.uniform(0.65, 1.0) * way
    elif kind == "part":
        side = rng.uniform(0.2, 0.5)
        center = center + unit * (1 - side) / 2 * rng.uniform(-1, 1, 2)
    elif kind == "wide":
        side = rng.uniform(2.0, 4.0)
        center = center + unit * rng.uniform(-0.6, 0.6, 2)
    elif kind == "cascade":
        box = scene.squares[rng.integers(len(scene.squares))]
        side = max(box[2:]) / unit * rng.uniform(0.9, 1.1)
        center = box[:2] + box[2:] / 2
    else:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, with a box. Got: {kind!r}")
    return np.array([*(center - side * unit / 2), side * unit, side * unit])


def _beside(scene, unit, rng):
    """A smaller box in the photograph of which the face covers little."""
    limit = np.array(scene.image.shape[1::-1])
    best, least = None, np.inf
    for _ in range(12):
        side = unit * rng.uniform(0.25, 0.8)
        low = rng.uniform(-0.1 * side, np.maximum(limit - 0.9 * side, 1))
        box = np.array([*low, side, side])
        inside = np.minimum(low + side, scene.box[:2] + scene.box[2:]) - np.maximum(
            low, scene.box[:2]
        )
        share = np.prod(np.maximum(inside, 0)) / side**2
        if share < least:
            best, least = box, share
        if share <= 0.15:
            break
    return best


def _cut(image, box, rng, frame):
    """The crop of a box, a little turned, with one of several surroundings of the photograph."""
    border = _BORDERS[rng.integers(len(_BORDERS))]
    pad = int(0.75 * frame.margin * max(box[2:])) + 2
    image = cv2.copyMakeBorder(image, pad, pad, pad, pad, border)
    matrix = frame.matrix(box + [pad, pad, 0, 0])
    angle = np.radians(np.clip(rng.normal(0, 12), -40, 40))
    turn = turned(frame.size, frame.size, angle, 1.0, np.zeros(2), rng.random() < 0.5)
    return warp(image, compose(turn, matrix), frame.size)
