"""One face in a video: the result for a frame, and the tracker's state."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_fld.geometry.frame import upright_box
from keras_fld.predict.face import roll
from keras_fld.schemes import Scheme


@dataclass(frozen=True)
class TrackedFace:
    """A face in one frame of a video.

    Args:
        id: number of the face, from 1; the same in every frame. If the face is lost and a face soon
            appears in the same place, that face gets the number. Otherwise, numbers are not reused.
        box: face box (x, y, width, height) in frame pixels from which the landmarks were predicted.
        landmarks: (landmarks, 2) float32 frame pixels, smoothed if the tracker smooths.
        raw: (landmarks, 2) float32 frame pixels, as predicted from this frame only.
        scheme: the `Scheme` of the landmarks, or None.
        score: confidence that it is a face, 0 to 1; None if no score was computed.
        angle: as in `DetectedFace`.
    """

    id: int
    box: tuple[float, float, float, float]
    landmarks: np.ndarray
    raw: np.ndarray
    scheme: Scheme | None = field(repr=False)
    score: float | None = None
    angle: float = 0.0


class Track:
    """The state of a face from frame to frame.

    Args:
        number: id of the face.
        smooth: its own `OneEuroFilter`, or None.
    """

    def __init__(self, number, smooth):
        self.id, self.smooth = number, smooth
        self.lost_at: Any = None  # index of the frame in which the face was lost

    def begin(self, face, check_at):
        """Starts with a `DetectedFace`, also after a loss.

        Args:
            face: the first detection.
            check_at: index of the frame in which the detector first verifies it.
        """
        self.face, self.check_at = face, check_at
        self.confirmed, self.misses, self.doubts, self.checks = False, 0, 0, 0
        if self.smooth is not None:
            self.smooth.reset()

    @property
    def box(self):
        """The tight box around the last landmarks of the face rotated upright."""
        return self.place[:4]

    @property
    def face(self):
        """The last `DetectedFace`. `place` is its box and, as a fifth number, its roll."""
        return self._face

    @face.setter
    def face(self, face):
        # Computed once, because it is used several times in each frame.
        self._face, self.place = face, place(face)

    def seen(self, time):
        """Returns the `TrackedFace` of this frame. `time` is in seconds."""
        face = self.face
        landmarks = face.landmarks
        if self.smooth is not None:
            landmarks = self.smooth(landmarks, time, unit=max(self.box[2:])).astype(np.float32)
        about = face.scheme, face.score, face.angle
        return TrackedFace(self.id, face.box, landmarks, face.landmarks, *about)


def place(face):
    """Computes the box and roll of a face's landmarks, which define its next crop: (5,)."""
    angle = roll(face.landmarks, face.scheme, face.angle)
    return np.array([*upright_box(face.landmarks, angle), angle])
