"""The tracker on faces that are gray squares, which a stand-in landmarker finds exactly."""

from types import SimpleNamespace

import numpy as np
import pytest

from keras_fld.predict import DetectedFace
from keras_fld.predict.tracking import FaceTracker
from keras_fld.schemes import IBUG68

SIDE = 40


class Squares:
    """Finds squares with different gray values, as a landmarker would find faces.

    If a box shows no square, the landmarks fill the box, like those of a network on a wall.
    """

    def __init__(self, scheme=IBUG68, points=68):
        self.scheme, self.passes, self.box_in_face = scheme, 2, None
        shape = IBUG68.mean_shape if points == 68 else IBUG68.mean_shape[[0, 8, 16, 19, 24]]
        low = shape.min(axis=0)
        self.shape = (shape - low) / np.ptp(shape, axis=0)
        self.detections = self.crops = 0
        self.blind, self.score = False, lambda image, box: None

    def find_boxes(self, image, in_video):
        self.detections += 1
        boxes = np.empty((0, 4)) if self.blind else self.squares(image)
        return np.pad(boxes, ((0, 0), (0, 1)))

    def squares(self, image):
        gray = image[..., 0]
        boxes = []
        for value in np.unique(gray[gray > 50]):
            y, x = np.nonzero(gray == value)
            boxes.append((x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1))
        return np.array(boxes, float).reshape(-1, 4)

    def detect(self, image, boxes, passes=None):
        return [self.face(image, np.array(box[:4], float)) for box in boxes]

    def face(self, image, box):
        self.crops += 1
        x, y, width, height = box
        center = box[:2] + box[2:] / 2
        near = [
            square
            for square in self.squares(image)
            if (np.abs(square[:2] + square[2:] / 2 - center) < box[2:]).all()
        ]
        target = min(near, key=lambda s: np.abs(s[:2] + s[2:] / 2 - center).sum(), default=box)
        landmarks = (self.shape * target[2:] + target[:2]).astype(np.float32)
        return DetectedFace(tuple(box.tolist()), landmarks, self.scheme, self.score(image, box))


def frame(*places, size=(480, 640)):
    """Squares at (x, y), each with a gray value given by its position in the list."""
    image = np.zeros((*size, 3), np.uint8)
    for value, place in enumerate(places):
        if place is not None:
            x, y = (round(v) for v in place)
            image[y : y + SIDE, x : x + SIDE] = 100 + 20 * value
    return image


def tracker(landmarker=None, **options):
    options = {"search_side": None, "smooth": False} | options
    return FaceTracker(landmarker or Squares(), **options)


def places(faces):
    """Upper left corners by id."""
    return {face.id: tuple(face.landmarks.min(axis=0).round().astype(int)) for face in faces}


def test_faces_keep_their_ids_while_they_pass_each_other():
    follow = tracker()
    for i in range(60):
        a, b = (20 + 9 * i, 100), (560 - 9 * i, 145)
        found = places(follow.update(frame(a, b)))
        assert found[1][0] == pytest.approx(a[0], abs=2), i
        assert found[2][0] == pytest.approx(b[0], abs=2), i


def test_a_steady_face_takes_one_pass_and_a_fast_one_two():
    landmarker = Squares()
    follow = tracker(landmarker, search_every=1000, check_every=1000)
    follow.update(frame((100, 100)))
    for expected, x in ((1, 100), (1, 101), (2, 112), (2, 124), (1, 124)):
        landmarker.crops = 0
        (face,) = follow.update(frame((x, 100)))
        assert landmarker.crops == expected and places([face])[1] == (x, 100)
        assert face.box[0] == pytest.approx(x if expected == 2 else 100, abs=1) or x == 124


def test_the_detector_is_asked_now_and_then():
    landmarker = Squares()
    follow = tracker(landmarker, search_every=50, check_every=20)
    asked = []
    for i in range(101):
        before = landmarker.detections
        follow.update(frame((100, 100)))
        if landmarker.detections > before:
            asked.append(i)
    # The search in frame 50 has found the face, too.
    assert asked == [0, 5, 25, 45, 50, 70, 90, 100]


def test_a_new_face_is_found_by_the_next_search():
    follow = tracker(search_every=10)
    for i in range(25):
        faces = follow.update(frame((100, 100), (300, 200) if i >= 3 else None))
        assert [face.id for face in faces] == ([1] if i < 10 else [1, 2])


def test_a_face_that_is_gone_is_lost_and_its_number_is_not_given_again():
    landmarker = Squares()
    follow = tracker(landmarker, search_every=10, check_every=5, patience=3, keep=20)
    for _ in range(10):
        follow.update(frame((100, 100)))
    gone = [len(follow.update(frame())) for _ in range(60)]
    # The landmarks stay on the wall until three consecutive verifications have failed.
    assert gone[0] == 1 and 0 < sum(gone) <= 15 and gone[-1] == 0
    (face,) = [follow.update(frame((100, 100))) for _ in range(10)][-1]
    assert face.id == 2


def test_a_face_that_comes_back_in_time_keeps_its_number():
    follow = tracker(search_every=10, check_every=5, patience=2, keep=100)
    counts = []
    for i in range(80):
        faces = follow.update(frame(None if 20 <= i < 50 else (100, 100)))
        counts.append([face.id for face in faces])
    assert [] in counts and counts[-1] == [1]


def test_landmarks_of_no_face_lose_it_at_once_and_it_is_sought_in_the_same_frame():
    follow = tracker(search_every=1000)
    follow.update(frame((100, 100)))
    detect, calls = follow.landmarker.detect, []

    def wide_at_first(image, boxes, passes=None):
        calls.append(boxes)
        if len(calls) > 1:
            return detect(image, boxes)
        landmarks = Squares().shape * [4 * SIDE, SIDE] + [60, 100]
        return [DetectedFace(tuple(box[:4]), landmarks, IBUG68) for box in boxes]

    follow.landmarker.detect = wide_at_first
    assert places(follow.update(frame((400, 300)))) == {2: (400, 300)}


def test_a_face_that_leaves_the_picture_is_lost():
    follow = tracker(search_every=1000)
    seen = [len(follow.update(frame((max(0, 60 - 6 * i), 100)))) for i in range(5)]
    assert seen == [1] * 5
    landmarks = Squares().shape * SIDE + [-35, 100]
    follow.landmarker.detect = lambda image, boxes, passes=None: [
        DetectedFace(tuple(box[:4]), landmarks, IBUG68) for box in boxes
    ]
    follow.landmarker.blind = True
    assert follow.update(frame()) == []


def test_a_detection_that_is_not_seen_again_ends_soon():
    landmarker = Squares()
    follow = tracker(landmarker, search_every=1000, patience=100)
    follow.update(frame((100, 100)))
    landmarker.blind = True
    counts = [len(follow.update(frame((100, 100)))) for _ in range(12)]
    assert counts == [1] * 9 + [0] * 3


def test_a_score_ends_a_track_and_replaces_the_looks():
    landmarker, good = Squares(), [True]
    landmarker.score = lambda image, box: 0.9 if good[0] else 0.1
    follow = tracker(landmarker, search_every=1000, patience=3)
    (face,) = follow.update(frame((100, 100)))
    assert face.score == 0.9
    landmarker.blind = True
    assert all(follow.update(frame((100, 100))) for _ in range(200))
    good[0] = False
    assert [len(follow.update(frame((100, 100)))) for _ in range(4)] == [1, 1, 0, 0]


def test_a_bad_score_begins_no_track():
    landmarker = Squares()
    landmarker.score = lambda image, box: 0.2
    assert tracker(landmarker).update(frame((100, 100))) == []


def test_what_the_detector_finds_again_and_again_does_not_stay_without_a_score():
    landmarker, score = Squares(), [0.9]
    landmarker.score = lambda image, box: score[0]
    follow = tracker(landmarker, search_every=10, check_every=5)
    assert all(follow.update(frame((100, 100))) for _ in range(20))
    score[0], asked = 0.3, landmarker.detections
    counts = [len(follow.update(frame((100, 100)))) for _ in range(60)]
    assert counts == [1, 1] + [0] * 58 and landmarker.detections > asked + 5
    score[0] = 0.8  # it was a face, and the number of a lost one is kept
    assert [follow.update(frame((100, 100))) for _ in range(20)][-1][0].id == 1


def test_a_short_low_score_ends_nothing_and_at_0_none_counts():
    landmarker, count = Squares(), [0]

    def score(image, box):
        count[0] += 1
        return 0.2 if count[0] % 4 in (1, 2) else 0.9

    landmarker.score = score
    follow = tracker(landmarker, search_every=1000, min_score=0)
    assert all(follow.update(frame((100, 100))) for _ in range(50))
    count[0] = 2
    follow = tracker(landmarker, search_every=1000, patience=3)
    assert {face.id for _ in range(50) for face in follow.update(frame((100, 100)))} == {1}
    landmarker.blind, landmarker.score = True, lambda image, box: 0.9
    follow = tracker(landmarker, search_every=1000, check_every=5, min_score=0)
    landmarker.blind = False
    follow.update(frame((100, 100)))
    landmarker.blind = True
    assert [len(follow.update(frame((100, 100)))) for _ in range(30)][-1] == 0


def test_two_tracks_on_one_face_become_one():
    follow = tracker(search_every=1000)
    follow.update(frame((100, 100), (300, 100)))
    for i in range(1, 21):
        faces = follow.update(frame((100, 100), (300 - 10 * i, 100)))
    assert [face.id for face in faces] in ([1], [2])


def test_given_boxes_are_followed_without_a_detector():
    landmarker = Squares()
    landmarker.blind = True
    follow = tracker(landmarker, search_every=None)
    (face,) = follow.start(frame((100, 100)), [(98, 97, 44, 44)])
    assert face.id == 1
    for i in range(100):
        faces = follow.update(frame((100 + i, 100)))
    assert places(faces) == {1: (199, 100)} and landmarker.detections == 0


@pytest.mark.parametrize(
    "scheme", [None, SimpleNamespace(name="five", mean_shape=None, normalizers={})]
)
def test_any_number_of_landmarks_is_tracked_and_smoothed(scheme):
    follow = tracker(Squares(scheme, points=5), smooth=True)
    for i in range(30):
        (face,) = follow.update(frame((100 + i, 100)))
    assert face.landmarks.shape == face.raw.shape == (5, 2)
    assert face.landmarks.dtype == np.float32
    # Behind the face by less than two frames.
    assert 0 < (face.raw - face.landmarks)[:, 0].mean() < 2


def test_only_what_is_handed_out_is_smoothed():
    plain, smooth = tracker(), tracker(smooth=True, min_cutoff=0.01, beta=0.0)
    for i in range(20):
        (a,) = plain.update(frame((100 + 2 * i, 100)))
        (b,) = smooth.update(frame((100 + 2 * i, 100)))
        np.testing.assert_array_equal(a.landmarks, b.raw)
    assert (b.raw - b.landmarks)[:, 0].mean() > 20


def test_frames_may_be_bgr_and_times_count():
    image = np.zeros((90, 90, 3), np.uint8)
    image[20 : 20 + SIDE, 20 : 20 + SIDE] = (9, 20, 120)  # red in blue, green, red
    assert len(tracker().update(image, bgr=True)) == 1
    assert tracker().update(image) == []
    follow = tracker()
    follow.update(image, 1.0)
    with pytest.raises(ValueError, match=r"time must be later than 1 s. Got: 0.5"):
        follow.update(image, 0.5)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"search_every": 0}, "search_every must be at least 1. Got: 0"),
        ({"search_side": 0}, "search_side must be at least 1"),
        ({"check_every": 0}, "check_every must be at least 1"),
        ({"patience": 0}, "patience must be at least 1"),
        ({"min_score": 1.5}, "min_score must be from 0 to 1. Got: 1.5"),
        ({"keep": -1}, "keep must be at least 0. Got: -1"),
        ({"min_cutoff": 0}, "min_cutoff must be above 0"),
    ],
)
def test_bad_numbers_are_refused(options, rule):
    with pytest.raises(ValueError, match=rule):
        FaceTracker(Squares(), **options)
