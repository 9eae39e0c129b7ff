"""The tracker with a preset on a drawn face that rotates in the plane."""

import cv2
import numpy as np

from keras_fld import FaceLandmarker, FaceTracker
from keras_fld.data import synthetic
from keras_fld.geometry.frame import transform


def frame(drawn, degrees):
    """The drawn face rotated clockwise in the middle of a gray frame, and its landmarks."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    linear = np.array([[c, -s], [s, c]])
    matrix = np.column_stack([linear, [160, 160] - linear @ [119.5, 119.5]])
    picture = cv2.warpAffine(drawn.image, matrix, (320, 320), borderValue=(128, 128, 128))
    return picture, transform(drawn.landmarks, matrix)


def test_a_face_that_turns_upside_down_is_followed_and_tells_its_angle():
    drawn = synthetic.draw(3, size=240)
    tracker = FaceTracker(FaceLandmarker("trnet20_300w"), smooth=False)
    side, upright = np.ptp(drawn.landmarks, axis=0).max(), None
    for degrees in range(0, 181, 6):
        picture, points = frame(drawn, degrees)
        faces = tracker.update(picture)
        assert [face.id for face in faces] == [1], degrees
        off = np.linalg.norm(faces[0].landmarks - points, axis=1).mean() / side
        assert off < 0.06, (degrees, off)
        upright = faces[0].angle if upright is None else upright
        # The crop is rotated by the landmarks of the previous frame, or of the first pass.
        turn = np.angle(np.exp(1j * (faces[0].angle - upright - np.radians(degrees))), deg=True)
        assert abs(turn) < 10, (degrees, turn)
