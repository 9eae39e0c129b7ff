"""What BlazeFace's passes make of what the networks find; the networks find what they are told."""

import math
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from keras_fld.predict.detectors import blazeface, box_map
from keras_fld.predict.detectors.blazeface import LARGE, BlazeFace
from keras_fld.predict.detectors.blazeface.network import Faces
from keras_fld.predict.detectors.blazeface.tiles import sides, tiles

# Of an upright face of side 1 around the origin: center, eyes, nose, mouth, ears.
FACE = np.array([[0, 0], [-0.2, -0.15], [0.2, -0.15], [0, 0], [0, 0.2], [-0.4, -0.1], [0.4, -0.1]])


def face(x, y, side=40.0, score=0.9, roll=0.0):
    c, s = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    points = FACE @ np.array([[c, s], [-s, c]]) * side + [x, y]
    return Faces(points[None], np.array([side]), np.array([score]))


MIDDLE = (63.5, 63.5)  # of the short network's input


class Told:
    """A network that finds what it is told, look by look, and then nothing."""

    def __init__(self, name, size, looks):
        self.name, self.size, self.looks, self.answers = name, size, looks, []

    def find(self, image, threshold):
        assert image.shape == (self.size, self.size, 3) and threshold == 0.3
        self.looks.append((self.name, image.copy()))
        return Faces.joined([self.answers.pop(0)] if self.answers else [])


class Networks:
    def __init__(self):
        self.looks = []
        self.short, self.full = Told("short", 128, self.looks), Told("full", 192, self.looks)

    def tell(self, short=(), full=()):
        self.looks.clear()
        self.short.answers, self.full.answers = list(short), list(full)

    def names(self):
        return [name for name, _ in self.looks]


@pytest.fixture
def networks(monkeypatch):
    found = Networks()
    monkeypatch.setattr(blazeface, "shared", lambda name: getattr(found, name))
    return found


def picture(height=128, width=128):
    """A picture whose red and green are the coordinates."""
    rows, columns = np.indices((height, width))
    return np.stack([columns, rows, 0 * rows], axis=-1).astype(np.uint8)


# The first pass.


@pytest.mark.parametrize(
    ("change", "final"),
    [
        ({}, True),
        ({"side": 25.6}, True),  # a fifth of the picture
        ({"side": 25.5}, False),
        ({"score": 0.85}, True),
        ({"score": 0.849}, False),
        ({"roll": 29.9}, True),
        ({"roll": -29.9}, True),
        ({"roll": 30.1}, False),
        ({"roll": -30.1}, False),
    ],
)
def test_a_close_sure_and_upright_face_is_final_at_the_first_look(networks, change, final):
    given = face(60, 70, **change)
    networks.tell([given])
    found = BlazeFace().find(picture())
    assert (networks.names() == ["short"]) == final == (len(found) == 1)
    if final:
        np.testing.assert_allclose(found.points, given.points)


def test_its_boxes_are_those_of_whole_faces():
    assert BlazeFace.whole_faces


def test_what_is_sure_is_not_below_the_threshold_and_can_be_chosen(networks):
    for detector, sure, final in [
        (BlazeFace(threshold=0.89), 0.85, True),
        (BlazeFace(threshold=0.91), 0.85, False),
        (BlazeFace(), 0.9, True),
        (BlazeFace(), 0.91, False),
        (BlazeFace(turns=True), 0.85, False),
    ]:
        networks.tell([face(60, 70)])
        detector.find(picture(), sure)
        assert (networks.names() == ["short"]) == final


def test_others_beside_a_close_face_are_judged_and_none_is_sought_in_tiles(networks):
    close, other = face(40, 40), face(100, 100, side=20, score=0.4)
    networks.tell([Faces.joined([close, other]), face(*MIDDLE, side=80, score=0.8)])
    found = BlazeFace().find(picture())
    assert networks.names() == ["short"] * 3
    assert found.scores.tolist() == [0.9, 0.8]
    np.testing.assert_allclose(found.points[0], close.points[0])
    np.testing.assert_allclose(found.points[1, 0], [100, 100], atol=0.1)


@pytest.mark.parametrize(
    ("min_face", "side", "in_tiles"),
    [
        (None, 128, True),
        (0.15, 128, True),
        (LARGE, 128, False),
        (0.16, 128, False),
        (20, 128, False),
        (19, 128, True),
        (20, 129, True),
        (1, 128, True),  # a pixel, no fraction
        (0.999, 128, False),
    ],
)
def test_tiles_are_searched_for_faces_below_a_sixth_of_the_picture(
    networks, min_face, side, in_tiles
):
    assert len(BlazeFace(min_face).find(picture(side, side))) == 0
    assert ("full" in networks.names()) == in_tiles


def test_a_small_face_asked_for_is_sought_beside_a_close_one_which_stays_as_it_is(networks):
    again = face(62 * 1.5, 68 * 1.5, side=70, score=0.95)
    networks.tell([face(60, 70)], [again])
    found = BlazeFace(0.03).find(picture())
    assert networks.names() == ["short", "full"]  # what overlaps with the close face is not judged
    assert found.scores.tolist() == [0.9]


def test_by_default_faces_from_3_hundredths_of_the_picture_are_sought(networks):
    image = np.zeros((700, 1024, 3), np.uint8)
    BlazeFace().find(image)
    expected = sum(1 for _ in tiles(image, 192, sides(image, 192, 0.03)))
    assert networks.names() == ["short", *["full"] * expected]


@pytest.mark.parametrize(
    ("tile", "x", "whole"),
    [(0, 171.5, True), (0, 171.6, False), (1, 19.5, True), (1, 19.4, False)],
)
def test_a_face_that_a_tile_cuts_is_left_to_its_neighbor(networks, tile, x, whole):
    image = np.zeros((192, 320, 3), np.uint8)
    nothing = Faces.joined([])
    networks.tell([], [*[nothing] * tile, face(x, 96)])
    BlazeFace(20).find(image)
    assert networks.names().count("short") == (2 if whole else 1)


# Rotated pictures.


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_face_in_a_rotated_picture_is_judged_where_it_is_in_the_photograph(networks, turn):
    image = picture(96, 128)
    rotated = np.rot90(image, turn)
    x, y = 30, 40
    # A tile is a square with the picture in its middle.
    height, width = rotated.shape[:2]
    seen = face(x + (128 - width) // 2, y + (128 - height) // 2, side=30)
    nothing = Faces.joined([])
    networks.tell([*[nothing] * turn, seen, *[nothing] * (3 - turn)])
    networks.short.answers += [face(*MIDDLE, side=80, score=0.8)] * 2
    (found,) = BlazeFace(LARGE, turns=True).detect(image)
    assert networks.names() == ["short"] * 6
    away = found.points - rotated[y, x, :2]
    eyes = away[1] - away[0]
    assert np.abs(away).max() < 20 and np.abs(away[2]).max() < 0.2  # the tip of the nose
    assert np.degrees(math.atan2(eyes[1], eyes[0])) % 360 == pytest.approx(90 * turn, abs=0.5)
    assert abs(np.exp(1j * found.angle) - 1j**turn) < 0.01
    for look, (_, tile) in enumerate(networks.looks[1:4], 1):
        shown = np.rot90(image, look)
        top, left = ((128 - side) // 2 for side in shown.shape[:2])
        assert (tile[top : 128 - top, left : 128 - left] == shown).all()


def test_every_rotation_is_searched_in_tiles_too(networks):
    BlazeFace(turns=True).find(picture())
    assert networks.names() == ["short", "full", *["short", "full"] * 3]


# The second and the third pass.


def judged(networks, *answers, score=0.5, roll=0.0):
    """What is found of a proposal if the networks see this in its crop."""
    networks.tell([face(60.0, 70.0, score=score, roll=roll), *answers])
    return BlazeFace(LARGE).find(picture())


@pytest.mark.parametrize("roll", [0.0, 50.0, -120.0])
def test_a_proposal_is_seen_upright_enlarged_and_then_with_some_margin(networks, roll):
    found = judged(networks, face(*MIDDLE, side=128 / 1.5, score=0.8), roll=roll)
    angle = math.radians(roll)
    right, down = np.array(
        [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
    )
    # The third pass sees the face of the second, which is the proposal again.
    for (_, crop), margin in zip(networks.looks[1:], (1.5, 2.0), strict=True):
        step = 40 * margin / 128
        for u, v in ((63, 63), (100, 60), (60, 100), (30, 40)):
            expected = [60, 70] + step * ((u - 63.5) * right + (v - 63.5) * down)
            np.testing.assert_allclose(crop[v, u, :2], expected, atol=1.2)
    np.testing.assert_allclose(found.points, face(60, 70, roll=roll).points, atol=0.3)


@pytest.mark.parametrize(("score", "kept"), [(0.7, True), (0.699, False)])
def test_the_second_pass_decides_by_the_threshold(networks, score, kept):
    assert len(judged(networks, face(*MIDDLE, score=score), score=0.99, roll=40)) == kept


@pytest.mark.parametrize(
    ("away", "kept"), [((21.2, 0), 1), ((21.5, 0), 0), ((0, -21.2), 1), ((9, 21.5), 0)]
)
def test_only_a_face_in_the_middle_of_the_crop_is_the_proposal(networks, away, kept):
    seen = face(*np.add(MIDDLE, away), side=30, score=0.8)
    assert len(judged(networks, seen)) == kept
    beside = face(*np.add(MIDDLE, (-40, 0)), side=30, score=0.9)
    found = judged(networks, Faces.joined([beside, seen]))
    assert found.scores.tolist() == [0.8] * kept


def test_the_best_face_in_the_middle_is_the_proposal(networks):
    two = [face(*np.add(MIDDLE, (x, 0)), side=20, score=s) for x, s in ((15, 0.8), (-15, 0.9))]
    found = judged(networks, Faces.joined(two))
    assert found.scores.tolist() == [0.9] and found.points[0, 0, 0] < 60


@pytest.mark.parametrize(("away", "kept"), [(15.9, True), (16.0, False)])
def test_the_third_pass_gives_the_points_and_the_second_the_score(networks, away, kept):
    second, third = face(*MIDDLE, 128 / 1.5, 0.8), face(63.5 + away, 63.5, 70, 0.95)
    found = judged(networks, second, third)
    assert found.scores.tolist() == [0.8]
    x = 60 + away * 40 * 2 / 128 if kept else 60
    np.testing.assert_allclose(found.points[0, 0], [x, 70], atol=0.1)
    assert found.sides[0] == pytest.approx(70 * 40 * 2 / 128 if kept else 40, abs=0.1)


def test_what_turns_out_to_be_one_face_is_one(networks):
    two = Faces.joined([face(50, 70, score=0.5), face(85, 70, score=0.4)])
    left, right = face(63.5 + 20, 63.5, 80, 0.8), face(63.5 - 20, 63.5, 80, 0.9)
    networks.tell([two, left, right])
    found = BlazeFace(LARGE).find(picture())
    assert len(networks.looks) == 5 and found.scores.tolist() == [0.9]


def test_faces_come_with_their_points_the_best_first_and_boxes_the_largest_first(networks):
    small, large = face(30, 30, 30, 0.95), face(90, 90, 60, 0.9, roll=20)
    networks.tell([Faces.joined([large, small])])
    first, second = BlazeFace(LARGE).detect(picture())
    assert [first.score, second.score] == [0.95, 0.9]
    np.testing.assert_allclose(second.points, large.points[0, 1:])
    assert math.degrees(second.angle) == pytest.approx(20, abs=0.2)
    with pytest.raises(FrozenInstanceError):
        first.score = 1.0
    networks.tell([Faces.joined([large, small])])
    boxes = BlazeFace(LARGE)(picture())
    np.testing.assert_allclose(boxes, [second.box, first.box])
    assert (np.abs(boxes[0, :2] + boxes[0, 2:] / 2 - 90) < 20).all()
    assert BlazeFace(LARGE).detect(np.zeros((9, 9, 3), np.uint8)) == []


def test_a_box_is_that_of_the_face_turned_upright_about_the_center_of_its_square():
    rng = np.random.default_rng(0)
    places = [(30.0, 40.0, 20.0, 0.9, 0.0), (50, 60, 35, 0.8, 70), (90, 20, 50, 0.7, -160)]
    faces = Faces.joined([face(*place) for place in places])
    faces = replace(faces, points=faces.points + rng.normal(0, 1, faces.points.shape))
    fitted = box_map.BoxMap(rng.normal(0, 0.3, (13, 4)) + [0, 0, 0.5, 1])
    boxes = blazeface.tight_boxes(faces, fitted)
    zeros, units, seen = blazeface.features(faces)
    assert zeros.tolist() == [[0, 0]] * 3 and units.tolist() == [20, 35, 50]
    for i, (center, *points) in enumerate(faces.points):
        c, s = np.cos(faces.angles[i]), np.sin(faces.angles[i])
        turn = np.array([[c, -s], [s, c]])
        away = (np.array(points) - center) @ turn
        np.testing.assert_allclose(blazeface.upright(faces, faces.points[:, 1:])[i], away)
        np.testing.assert_allclose(seen[i], away.ravel() / units[i])
        ((x, y, width, height),) = fitted.boxes([[0, 0]], [units[i]], [seen[i]])
        middle = center + turn @ [x + width / 2, y + height / 2]
        expected = [*(middle - [width / 2, height / 2]), width, height]
        np.testing.assert_allclose(boxes[i], expected)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"min_face": 0}, "min_face must be above 0. Got: 0"),
        ({"min_face": float("nan")}, "min_face must be above 0. Got: nan"),
        ({"threshold": 0}, "threshold must be between 0 and 1. Got: 0"),
        ({"threshold": 1}, "threshold must be between 0 and 1. Got: 1"),
        ({"threshold": float("nan")}, "threshold must be between 0 and 1. Got: nan"),
    ],
)
def test_bad_arguments_are_refused(options, rule):
    with pytest.raises(ValueError, match=rule):
        BlazeFace(**options)
