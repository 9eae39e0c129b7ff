"""Faces followed through the frames of a video."""

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


# A box and the landmarks found in it, about one face: still, moved enough for a second pass.
STEADY = 0.85
# A detector's box this far within a tracked face's is a part of that face.
PART = 0.5
# Frames until a new or doubted face is looked for.
SOON = 5
# For landmarks; tests/benchmarks/bench_smoothing.py chooses them.
MIN_CUTOFF, BETA = 0.3, 30.0


class FaceTracker:
    """Follows faces from frame to frame.

    In each frame a face's crop is cut, and turned upright, by its landmarks in the frame before;
    where it has moved far, a second pass follows. The detector searches whole frames now and then
    for new faces, and the surroundings of each tracked face to see whether it is still one.

    A tracker belongs to one video and one thread at a time; several may share a landmarker.

    Args:
        landmarker: a `FaceLandmarker`; its detector may be shown parts of frames. Without one of
            its own, faces are found from a sixth of the frame's longer side on.
        smooth: whether landmarks are smoothed, by the One-Euro filter.
        min_cutoff: of the filter in Hz: lower means less jitter.
        beta: of the filter, in Hz for a speed of one face's size a second: higher, less lag.
        search_every: frames between two searches for new faces; None searches never, and then
            faces begin with `start` alone and are not looked for again.
        search_side: frames are reduced to this longer side in pixels before a search, which is
            where the time goes. None leaves that to the detector.
        check_every: frames between two looks for a tracked face.
        patience: looks in a row that may miss a face, or frames in a row with a low score, before
            it is lost.
        min_score: lowest face score, from 0 to 1, where the landmarker gives one; a good score
            counts as a look that found the face. At 0 scores do not count.
        keep: frames for which a lost face's number is kept for one found in its place.

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
        OneEuroFilter(min_cutoff, beta)  # refuses bad numbers now, not in the first frame
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
        """Faces of the next frame.

        Args:
            frame: (height, width, 3) uint8, or anything that `FaceLandmarker.detect` takes.
            time: of the frame in seconds, later than the one before; None takes 1/30 s more.
            bgr: whether an array's channels are blue, green, red.

        Returns:
            A list of `TrackedFace`, in the order in which they were first seen.

        Raises:
            ValueError: not an image, or a time that is not later.
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
        """Begins to follow faces in given boxes; nothing else happens in this frame.

        Args:
            frame: as `update` takes it.
            boxes: (faces, 4) boxes (x, y, width, height), tight around the landmarks of upright
                faces; the roll is followed from there.
            time: as `update`.
            bgr: as `update`.

        Returns:
            The `TrackedFace` of each box.

        Raises:
            ValueError: as `update`, or a box outside the image.
            RuntimeError: as `update`.
        """
        with self._alone():
            image = self._advance(frame, time, bgr)
            upright = [[*box, 0.0] for box in boxes]
            faces = self.landmarker.detect(image, upright, passes=self.landmarker.passes)
            return [self._begin(face).seen(self._time) for face in faces]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Refuses a second thread while one is inside."""
        if not self._busy.acquire(blocking=False):
            raise RuntimeError(
                "a FaceTracker belongs to one video and one thread at a time: make one for each "
                "video; they may share the landmarker"
            )
        try:
            yield
        finally:
            self._busy.release()

    def _advance(self, frame, time, bgr):
        """Counts the frame and the time; the frame as RGB."""
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
        """Finds every tracked face by its landmarks of the frame before."""
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
        """Takes a face as the track's next; doubts it where it may be none."""
        track.face = face
        # On a face the landmarks stay where they are when the crop is cut by them; elsewhere they
        # wander.
        scored = self._scored(face)
        doubt = not self._certain(track) if scored else steadiness(face) < STEADY
        track.doubts = track.doubts + 1 if doubt else 0
        if scored and track.doubts >= self.patience:
            self._lose(track)
        elif doubt:
            track.check_at = min(track.check_at, self._frame + SOON)

    def _merge(self):
        """Of two tracks that have come to follow one face the later one ends."""
        for later in doubled([track.box for track in self._tracks]):
            del self._tracks[later]

    def _look(self, image):
        """Looks for the tracked faces whose turn it is, each where it should be."""
        for track in [t for t in self._tracks if t.check_at <= self._frame]:
            track.checks += 1
            if self._certain(track) or search.is_at(
                self.landmarker, image, track.box, track.checks
            ):
                self._confirm(track)
            else:
                self._miss(track)

    def _search(self, image):
        """Looks for new faces in the whole frame."""
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
        # Without a face there is nothing to do but to look for one.
        every = cast(int, self.search_every)  # None never comes here
        wait = every if self._tracks else min(every, self.check_every)
        self._search_at = self._frame + wait

    def _first(self, image, box):
        """The face in a detector's box, or None where the landmarks say there is none."""
        if not search.inside(box, image):
            return None
        (face,) = self.landmarker.detect(image, [box], passes=self.landmarker.passes)
        good = not self._scored(face) or cast(float, face.score) >= self.min_score
        return face if good and self._plausible(face, box, image) else None

    def _begin(self, face, track=None):
        """A new track, or a lost one that is found again."""
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
        """A detector that sees nothing twice where it saw a face once was wrong the first time."""
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
        """Whether the face's score counts."""
        return face.score is not None and self.min_score > 0

    def _certain(self, track):
        return self._scored(track.face) and track.face.score >= self.min_score

    def _plausible(self, face, box, image):
        return face is not None and plausible(
            face.landmarks, box[:4], image.shape[:2], self._mean_shape, face.angle
        )
