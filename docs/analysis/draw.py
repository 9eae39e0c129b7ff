"""Draws docs/analysis/analysis.png: the uses of landmarks.

python docs/analysis/draw.py
"""

from pathlib import Path

import cv2
import numpy as np
from skimage.data import astronaut

from keras_fld import FaceLandmarker, analysis, drawing
from keras_fld._internal.images import save_image
from keras_fld.data import synthetic

SIDE = 240


def panels():
    """NASA's portrait, turned, and two drawn faces: landmarks and head axes, aligned crop."""
    turn = cv2.getRotationMatrix2D((223, 130), 25, 1.0)
    portrait = cv2.warpAffine(astronaut(), turn, (512, 512))
    landmarker = FaceLandmarker.from_preset("trnet20_300w")
    (face,) = landmarker.detect(portrait, boxes=[(172, 74, 102, 112)])
    yield portrait, face.landmarks
    for index in (3, 12):
        drawn = synthetic.draw(index, size=240)
        yield drawn.image, drawn.landmarks


def panel(image, landmarks):
    """One face: seen, then aligned, with the figures below."""
    pose = analysis.head_pose(landmarks, image.shape[:2])
    seen = drawing.draw_pose(drawing.draw_landmarks(image, landmarks, "ibug68"), pose)
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    middle, half = (low + high) / 2, 0.85 * (high - low).max()
    cut = np.array([[1, 0, half - middle[0]], [0, 1, half - middle[1]]]) * SIDE / (2 * half)
    seen = cv2.warpAffine(seen, cut, (SIDE, SIDE), borderValue=(255, 255, 255))
    aligned, _ = analysis.aligned_crop(image, landmarks, size=SIDE, margin=1.5)
    left, right = analysis.eye_openness(landmarks)
    text = np.full((44, SIDE * 2, 3), 255, np.uint8)
    for row, line in enumerate(
        (
            f"yaw {pose.yaw:+.0f}  pitch {pose.pitch:+.0f}  roll {pose.roll:+.0f} degrees",
            f"eyes {left:.2f} {right:.2f}  mouth {analysis.mouth_openness(landmarks):.2f}",
        )
    ):
        place = (6, 17 + 20 * row)
        cv2.putText(text, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.48, (30,) * 3, 1, cv2.LINE_AA)
    return np.vstack([np.hstack([seen, aligned]), text])


if __name__ == "__main__":
    picture = np.hstack([panel(*parts) for parts in panels()])
    save_image(Path(__file__).with_name("analysis.png"), picture)
