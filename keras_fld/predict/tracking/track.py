"""One face on its way through a video: what the tracker hands out, and what it remembers."""

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
        id: number of the face, from 1; the same in every frame. A face that is lost gives it to
            whoever is soon found in its place, itself or another; else it is never used again.
        box: face box (x, y, width, height) in frame pixels, which the landmarks were predicted
            from.
        landmarks: (landmarks, 2) float32 frame pixels, smoothed where the tracker smooths.
        raw: (landmarks, 2) float32, as predicted from this frame alone.
        scheme: the `Scheme` of the landmarks, or None.
        score: how surely it is a face, 0 to 1; None where nothing judged it.
        angle: as of `DetectedFace`.
    """

    id: int
    box: tuple[float, float, float, float]
    landmarks: np.ndarray
    raw: np.ndarray
    scheme: Scheme | None = field(repr=False)
    score: float | None = None
    angle: float = 0.0


class Track:
    """What is remembered of a face from frame to frame.

    Args:
        number: its id.
        smooth: a `OneEuroFilter` of its own, or None.
    """

    def __init__(self, number, smooth):
        self.id, self.smooth = number, smooth
        self.lost_at: Any = None  # number of a frame, once it is lost

    def begin(self, face, check_at):
        """Starts with a `DetectedFace`, also again after a loss.

        Args:
            face: the first.
            check_at: number of the frame in which the detector looks for it first.
        """
        self.face, self.check_at = face, check_at
        self.confirmed, self.misses, self.doubts, self.checks = False, 0, 0, 0
        if self.smooth is not None:
            self.smooth.reset()

    @property
    def box(self):
        """The tight box around the last landmarks, the face turned upright."""
        return self.place[:4]

    @property
    def face(self):
        """The last `DetectedFace`; `place` is its box and, as a fifth number, its roll."""
        return self._face

    @face.setter
    def face(self, face):
        # Asked for several times a frame.
        self._face, self.place = face, place(face)

    def seen(self, time):
        """The `TrackedFace` of this frame, at a time in seconds."""
        face = self.face
        landmarks = face.landmarks
        if self.smooth is not None:
            landmarks = self.smooth(landmarks, time, unit=max(self.box[2:])).astype(np.float32)
        about = face.scheme, face.score, face.angle
        return TrackedFace(self.id, face.box, landmarks, face.landmarks, *about)


def place(face):
    """The box around a face's landmarks and their roll: what its next crop is cut by, (5,)."""
    angle = roll(face.landmarks, face.scheme, face.angle)
    return np.array([*upright_box(face.landmarks, angle), angle])
