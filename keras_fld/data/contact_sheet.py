"""The contact sheet of a dataset: one or more rows of faces with landmarks for each split."""

import cv2
import numpy as np

from keras_fld import drawing
from keras_fld.geometry.frame import FaceCrop, transform

# Number of faces in a row, and side of each in pixels.
COLUMNS, TILE = 8, 128
_OCCLUDED = (235, 70, 60)


def tile(face, image, scheme):
    """Draws a face with its landmarks, (TILE, TILE, 3) uint8; occluded landmarks are ringed."""
    frame = FaceCrop(TILE, margin=1.5)
    points = transform(face.landmarks, frame.matrix(face.box))
    picture = drawing.draw_landmarks(frame.crop(image, face.box), points, scheme)
    if face.occluded is not None:
        for x, y in points[face.occluded & ~np.isnan(points).any(axis=-1)]:
            cv2.circle(picture, (round(x), round(y)), 2, _OCCLUDED, -1, cv2.LINE_AA)
    return picture


def rows(part):
    """Draws the rows of a split, with its name above them.

    Args:
        part: a `Part` of `check`.
    """
    if not part.samples:
        return
    head = np.full((20, COLUMNS * TILE, 3), 40, np.uint8)
    text = f"{part.split}: {len(part.samples)} of {part.faces} faces"
    cv2.putText(head, text, (6, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (230,) * 3, 1, cv2.LINE_AA)
    yield head
    for start in range(0, len(part.samples), COLUMNS):
        row = np.concatenate(part.samples[start : start + COLUMNS], axis=1)
        yield np.pad(row, ((0, 0), (0, COLUMNS * TILE - row.shape[1]), (0, 0)))
