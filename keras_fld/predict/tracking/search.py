"""Where the tracker looks for faces: in reduced frames, around a face, and in given boxes."""

import numpy as np

from keras_fld.geometry.boxes import overlap
from keras_fld.geometry.reduction import reduced

# Boxes that overlap by more show the same face.
SAME = 0.3
# Sides of the region in which a tracked face is looked for, in sizes of the face. They are used in
# turn, because a detector may miss a face at one scale only. And the region's side in pixels.
REGIONS, REGION_SIDE = (2.0, 1.7, 2.4), 128


def find(landmarker, image, side=None):
    """Runs the landmarker's detector on an image reduced to `side`: (faces, 5) boxes with roll."""
    small, factor = (image, np.ones(2)) if side is None else reduced(image, side)
    return landmarker.find_boxes(small, in_video=True) * [*factor, *factor, 1]


def is_at(landmarker, image, place, turn=0):
    """Whether the detector finds a face at its expected position.

    Args:
        landmarker: a `FaceLandmarker`.
        image: (height, width, 3) uint8 RGB.
        place: (5,) box of the landmarks (x, y, width, height) in pixels, and roll in radians.
        turn: number of earlier searches for this face.
    """
    part = landmarker.box_in_face
    whole = place if part is None else part.faces_of(place)[0]
    half = REGIONS[turn % len(REGIONS)] * max(whole[2:4]) / 2
    center = whole[:2] + whole[2:4] / 2
    low = np.maximum(np.floor(center - half), 0).astype(int)
    high = np.minimum(np.ceil(center + half), image.shape[1::-1]).astype(int)
    if (high <= low).any():
        return False
    region = np.ascontiguousarray(image[low[1] : high[1], low[0] : high[0]])
    found = find(landmarker, region, REGION_SIDE) + [*low, 0, 0, 0]
    return bool((overlap(found[:, :4], [place[:4]]) >= SAME).any())


def landmarks_in(landmarker, image, boxes):
    """Finds a `DetectedFace` for each box with roll; None if the box is outside the image."""
    shown = [i for i, box in enumerate(boxes) if inside(box, image)]
    faces = [None] * len(boxes)
    if shown:
        found = landmarker.detect(image, [boxes[i] for i in shown])
        for i, face in zip(shown, found, strict=True):
            faces[i] = face
    return faces


def inside(box, image):
    """Whether a box overlaps an image."""
    (x, y, width, height), (rows, columns) = box[:4], image.shape[:2]
    return x < columns and y < rows and x + width > 0 and y + height > 0
