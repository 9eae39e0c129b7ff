"""The tracker, which follows faces through the frames of a video."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

from keras_fld._internal.images import as_rgb
from keras_fld.geometry.boxes import covered, doubled, overlap, pairs
from keras_fld.predict.landmarker import FaceLandmarker
from keras_fld.predict.tracking import search
from keras_fld.predict.tracking.one_euro import OneEuroFilter
from keras_fld.predict.tracking.plausibility import mean_shape, plausible, steadiness
from keras_fld.predict.tracking.track import Track, TrackedFace, place

if TYPE_CHECKING:
    import PIL.Image


# Overlap of the crop's box and the landmarks' box below which a face has moved or is in doubt.
STEADY = 0.85
# A detection with this fraction of its area inside a tracked face is a part of that face.
PART = 0.5
# Number of frames after which a new or doubtful face is verified.
SOON = 5
# Chosen with tests/benchmarks/bench_smoothing.py.
MIN_CUTOFF, BETA = 0.3, 30.0


class FaceTracker:
    """Tracks faces from frame to frame.

    In each frame, the crop's box and roll are computed from the landmarks of the previous frame. If
    a face has moved far, a second pass follows. The detector periodically searches whole frames for
    new faces, and the surroundings of each tracked face to verify it.

    Use one tracker for each video, in one thread at a time. Several trackers can share a
    landmarker.

    Args:
        landmarker: a `FaceLandmarker`. Its detector is also applied to parts of frames. By default,
            faces of at least a sixth of the frame's longer side are detected.
        smooth: whether to smooth the landmarks with the One-Euro filter.
        min_cutoff: the filter's cutoff at rest in Hz. A lower value reduces jitter.
        beta: increase of the cutoff in Hz for a speed of one face size per second. A higher value
            reduces lag.
        search_every: number of frames between two searches for new faces. With None, there are no
            searches, only faces passed to `start` are tracked, and they are not verified.
        search_side: longer side in pixels to which frames are reduced before a search. Smaller
            values are faster. None uses the detector's own size.
        check_every: number of frames between two verifications of a tracked face.
        patience: number of consecutive failed verifications, or of consecutive frames with a low
            score, after which a face is lost.
        min_score: lowest face score, from 0 to 1, if the landmarker computes one. A face with a
            higher score counts as verified. 0 ignores the score.
        keep: number of frames for which the number of a lost face is kept for a face that appears
            in the same place.

    Raises:
        ValueError: a number is out of range.

    Examples:
        >>> tracker = FaceTracker(FaceLandmarker.from_preset("trnet20_300w"))
        >>> for time, frame in frames:
        ...     for face in tracker.update(frame, time):
        ...         print(face.id, face.landmarks.shape)
    """

    def __init__(
        self,
        landmarker: FaceLandmarker,
        smooth: bool = True,
        min_cutoff: float = MIN_CUTOFF,
        beta: float = BETA,
        search_every: int | None = 90,
        search_side: int | None = 320,
        check_every: int = 15,
        patience: int = 3,
        min_score: float = 0.5,
        keep: int = 60,
    ) -> None:
        numbers = {
            "search_every": search_every,
            "search_side": search_side,
            "check_every": check_every,
            "patience": patience,
        }
        for name, value in numbers.items():
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1. Got: {value}")
        if not 0 <= min_score <= 1:
            raise ValueError(f"min_score must be from 0 to 1. Got: {min_score}")
        if keep < 0:
            raise ValueError(f"keep must be at least 0. Got: {keep}")
        OneEuroFilter(min_cutoff, beta)  # reports invalid values now, not in the first frame
        self.landmarker = landmarker
        self._smoothing = (min_cutoff, beta) if smooth else None
        self.search_every, self.search_side = search_every, search_side
        self.check_every, self.patience = check_every, patience
        self.min_score, self.keep = min_score, keep
        self._mean_shape = mean_shape(landmarker.scheme)
        self._tracks: list[Track] = []
        self._lost: list[Track] = []
        self._time: float | None = None
        self._frame, self._ids, self._search_at = -1, 0, 0
        self._busy = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_busy"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _busy=threading.Lock())

    def update(
        self,
        frame: "np.ndarray | str | Path | PIL.Image.Image",
        time: float | None = None,
        bgr: bool = False,
    ) -> list[TrackedFace]:
        """Finds the faces in the next frame.

        Args:
            frame: (height, width, 3) uint8, or any image that `FaceLandmarker.detect` accepts.
            time: time of the frame in seconds, later than that of the previous frame; None adds
                1/30 s.
            bgr: whether the channels of an array are in the order blue, green, red.

        Returns:
            A list of `TrackedFace`, in the order in which the faces were first detected.

        Raises:
            ValueError: the image is invalid, or the time is not later.
            RuntimeError: another thread is using the tracker.
        """
        with self._alone():
            image = self._advance(frame, time, bgr)
            self._follow(image)
            self._merge()
            if self.search_every is not None:
                self._look(image)
                if self._frame >= self._search_at:
                    self._search(image)
            return [track.seen(self._time) for track in self._tracks]

    def start(
        self,
        frame: "np.ndarray | str | Path | PIL.Image.Image",
        boxes: Iterable[np.ndarray | Sequence[float]],
        time: float | None = None,
        bgr: bool = False,
    ) -> list[TrackedFace]:
        """Starts tracking faces in given boxes. Other faces are ignored in this frame.

        Args:
            frame: as in `update`.
            boxes: (faces, 4) boxes (x, y, width, height), tight around the landmarks of upright
                faces. From here on, the roll is followed.
            time: as in `update`.
            bgr: as in `update`.

        Returns:
            The `TrackedFace` of each box.

        Raises:
            ValueError: as in `update`, or a box is outside the image.
            RuntimeError: as in `update`.
        """
        with self._alone():
            image = self._advance(frame, time, bgr)
            upright = [[*box, 0.0] for box in boxes]
            faces = self.landmarker.detect(image, upright, passes=self.landmarker.passes)
            return [self._begin(face).seen(self._time) for face in faces]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Raises an error if a second thread enters."""
        if not self._busy.acquire(blocking=False):
            raise RuntimeError(
                "a FaceTracker can be used for one video and in one thread at a time: create one "
                "for each video; they can share the landmarker"
            )
        try:
            yield
        finally:
            self._busy.release()

    def _advance(self, frame, time, bgr):
        """Advances frame number and time, and returns the frame as RGB."""
        if time is None:
            time = 0.0 if self._time is None else self._time + 1 / 30
        if self._time is not None and not time > self._time:
            raise ValueError(f"time must be later than {self._time:g} s. Got: {time:g}")
        color = isinstance(frame, np.ndarray) and frame.ndim == 3 and frame.shape[2] == 3
        if bgr and color and frame.dtype == np.uint8 and frame.size:
            frame, bgr = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), False
        image = as_rgb(frame, bgr)
        self._frame, self._time = self._frame + 1, float(time)
        return image

    def _follow(self, image):
        """Updates every tracked face from its landmarks in the previous frame."""
        tracks = list(self._tracks)
        places = [track.place for track in tracks]
        faces = search.landmarks_in(self.landmarker, image, places)
        good = [self._plausible(*pair, image) for pair in zip(faces, places, strict=True)]
        moved = [i for i, face in enumerate(faces) if good[i] and steadiness(face) < STEADY]
        closer = [place(faces[i]) for i in moved]
        second = search.landmarks_in(self.landmarker, image, closer)
        for i, face in zip(moved, second, strict=True):
            faces[i], good[i] = face, self._plausible(face, places[i], image)
        for track, face, kept in zip(tracks, faces, good, strict=True):
            if kept:
                self._judge(track, face)
            else:
                self._lose(track)

    def _judge(self, track, face):
        """Updates a track with a face, and decides whether the face is in doubt."""
        track.face = face
        # On a face, the landmarks stay where they are if the crop is cut by them; elsewhere they
        # drift.
        scored = self._scored(face)
        doubt = not self._certain(track) if scored else steadiness(face) < STEADY
        track.doubts = track.doubts + 1 if doubt else 0
        if scored and track.doubts >= self.patience:
            self._lose(track)
        elif doubt:
            track.check_at = min(track.check_at, self._frame + SOON)

    def _merge(self):
        """If two tracks follow the same face, ends the later one."""
        for later in doubled([track.box for track in self._tracks]):
            del self._tracks[later]

    def _look(self, image):
        """Verifies the tracked faces that are due, each in its surroundings."""
        for track in [t for t in self._tracks if t.check_at <= self._frame]:
            track.checks += 1
            if self._certain(track) or search.is_at(
                self.landmarker, image, track.place, track.checks
            ):
                self._confirm(track)
            else:
                self._miss(track)

    def _search(self, image):
        """Searches the whole frame for new faces."""
        found = search.find(self.landmarker, image, self.search_side)
        boxes = np.array([track.box for track in self._tracks]).reshape(-1, 4)
        for row, column in pairs(overlap(found[:, :4], boxes), search.SAME):
            self._confirm(self._tracks[column])
            found[row] = np.nan
        found = found[~np.isnan(found).any(axis=1)]
        found = found[covered(found[:, :4], boxes) < PART]
        self._lost = [t for t in self._lost if self._frame - t.lost_at <= self.keep]
        lost = pairs(overlap(found[:, :4], [track.box for track in self._lost]), search.SAME)
        returning = {row: self._lost[column] for row, column in lost}
        for row, box in enumerate(found):
            face = self._first(image, box)
            if face is not None:
                self._begin(face, returning.get(row))
        self._merge()
        # Without any face, search more often.
        every = cast(int, self.search_every)  # not None here
        wait = every if self._tracks else min(every, self.check_every)
        self._search_at = self._frame + wait

    def _first(self, image, box):
        """Returns the face in a detector's box, or None if the landmarks are not plausible."""
        if not search.inside(box, image):
            return None
        (face,) = self.landmarker.detect(image, [box], passes=self.landmarker.passes)
        good = not self._scored(face) or cast(float, face.score) >= self.min_score
        return face if good and self._plausible(face, box, image) else None

    def _begin(self, face, track=None):
        """Starts a new track, or resumes a lost one."""
        if track is None:
            self._ids += 1
            smoothing = self._smoothing and OneEuroFilter(*self._smoothing)
            track = Track(self._ids, smoothing)
        else:
            self._lost.remove(track)
        track.begin(face, self._frame + SOON)
        self._tracks = sorted([*self._tracks, track], key=lambda other: other.id)
        return track

    def _confirm(self, track):
        track.confirmed, track.misses = True, 0
        track.check_at = self._frame + self.check_every

    def _miss(self, track):
        """Counts a failed verification. A new face is lost after two: the detection was wrong."""
        track.misses += 1
        track.check_at = self._frame + (self.check_every if track.confirmed else SOON)
        if track.misses >= (self.patience if track.confirmed else 2):
            self._lose(track)

    def _lose(self, track):
        self._tracks.remove(track)
        track.lost_at = self._frame
        self._lost.append(track)
        if self.search_every is not None:
            self._search_at = self._frame

    def _scored(self, face):
        """Whether the face has a score, and scores are not ignored."""
        return face.score is not None and self.min_score > 0

    def _certain(self, track):
        return self._scored(track.face) and track.face.score >= self.min_score

    def _plausible(self, face, box, image):
        return face is not None and plausible(
            face.landmarks, box[:4], image.shape[:2], self._mean_shape, face.angle
        )
