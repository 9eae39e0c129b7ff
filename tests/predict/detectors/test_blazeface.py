import hashlib
import importlib.util
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_fld.geometry.boxes import overlap
from keras_fld.geometry.frame import invert, transform
from keras_fld.predict.detectors import blazeface, box_map, open_detector
from keras_fld.predict.detectors.blazeface import LARGE, BlazeFace
from keras_fld.predict.detectors.blazeface.grid import on_grid, turn_on_grid
from keras_fld.predict.detectors.blazeface.network import Faces, Network, shared
from keras_fld.predict.detectors.blazeface.tiles import sides, tiles
from tests.predict.detectors.turned import turned

ROOT = Path(__file__).parents[3]
# Measured on the photograph: brows to chin; eyes, tip of the nose, mouth and ears.
BOX = np.array([181, 87, 88, 91])
POINTS = np.array([[203, 102], [246, 104], [226, 126], [224, 145], [181, 112], [270, 115]])


@pytest.fixture(scope="module")
def astronaut():
    """A public-domain photograph with one face, from scikit-image's wheel."""
    return pytest.importorskip("skimage.data").astronaut()


def test_the_files_are_the_checked_release():
    spec = importlib.util.spec_from_file_location("vendor", ROOT / "tflite/blazeface/vendor.py")
    vendor = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(vendor)
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.TARGET.glob("*.tflite")
    }
    assert found == vendor.checksums() and len(found) == 2


@pytest.mark.parametrize("name", ["short", "full"])
def test_a_network_puts_box_and_points_where_the_face_is(astronaut, name):
    network = Network(name)
    scale = network.size / len(astronaut)
    small = cv2.resize(astronaut, (network.size,) * 2, interpolation=cv2.INTER_AREA)
    face = network.find(small, 0.5).best()[:1]
    assert len(face) == 1 and 0.5 <= face.scores[0] <= 1
    assert overlap(face.squares / scale, [BOX])[0, 0] > 0.5
    # The face is some 25 pixels wide here.
    np.testing.assert_allclose(face.points[0, 1:], POINTS * scale, atol=2.5)
    assert len(network.find(np.zeros_like(small), 0.3)) == 0


def test_faces_turn_with_the_image(astronaut):
    detector = BlazeFace(LARGE)
    (upright,) = detector.detect(astronaut)
    assert overlap([upright.box], [BOX])[0, 0] > 0.7 and upright.score > 0.8
    np.testing.assert_allclose(upright.points[:4], POINTS[:4], atol=8)
    for degrees in (-60, -30, 45):
        image, matrix = turned(astronaut, degrees)
        (found,) = detector.detect(image)
        assert np.degrees(found.angle - upright.angle) == pytest.approx(degrees, abs=6)
        np.testing.assert_allclose(found.points, transform(upright.points, matrix), atol=8)
        # The box rotated about its center is that of the upright face.
        center = transform(upright.box[:2] + upright.box[2:] / 2, matrix)
        np.testing.assert_allclose(found.box[:2] + found.box[2:] / 2, center, atol=6)
        np.testing.assert_allclose(found.box[2:], upright.box[2:], rtol=0.12)


def test_any_turn_is_found_only_where_it_is_asked_for(astronaut):
    plain, every = BlazeFace(LARGE), BlazeFace(LARGE, turns=True)
    (upright,) = every.detect(astronaut)
    for quarter in (1, 2, 3):
        image = np.ascontiguousarray(np.rot90(astronaut, quarter))
        (found,) = every.detect(image)
        back = transform(found.points, blazeface._back(astronaut, quarter))
        np.testing.assert_allclose(back, upright.points, atol=4)
        away = np.exp(1j * (found.angle - upright.angle)) - (-1j) ** quarter
        assert abs(away) < 0.1
    upside_down = np.rot90(astronaut, 2)
    assert not any(overlap(plain(upside_down), every(upside_down)).ravel() > 0.5)


def test_small_faces_are_found_in_tiles_and_once(astronaut):
    """The face at 30 pixels of a picture of 1024, at four places, one in a tile's corner."""
    small = cv2.resize(astronaut[20:280, 90:350], (84, 84), interpolation=cv2.INTER_AREA)
    image = np.full((700, 1024, 3), 110, np.uint8)
    corners = np.array([[0, 0], [285, 200], [500, 350], [940, 616]])
    for x, y in corners:
        image[y : y + 84, x : x + 84] = small
    expected = [
        [*((BOX[:2] - [90, 20]) * 84 / 260 + corner), *(BOX[2:] * 84 / 260)] for corner in corners
    ]
    assert overlap(BlazeFace(LARGE)(image), expected).max(initial=0) < 0.3
    for detector in (BlazeFace(), BlazeFace(min_face=30)):
        found = overlap(detector(image), expected)
        assert found.shape == (4, 4) and (found.max(axis=0) > 0.6).all()


@pytest.fixture
def looks(monkeypatch):
    """The networks that were run, in order."""
    native, run = Network.find, []

    def find(self, image, threshold):
        run.append({128: "short", 192: "full"}[self.size])
        return native(self, image, threshold)

    monkeypatch.setattr(Network, "find", find)
    return run


def test_a_close_face_is_found_at_one_look(astronaut, looks):
    portrait = astronaut[:300, 80:380]
    (face,) = BlazeFace().detect(portrait)
    assert looks == ["short"]
    assert overlap([face.box + [80, 0, 0, 0]], [BOX])[0, 0] > 0.7
    # In the second pass, it is the same face.
    again = BlazeFace().find(portrait, sure=1.1)
    assert len(again) == 1 and looks.count("full") > 1
    assert overlap(BlazeFace().find(portrait).squares, again.squares)[0, 0] > 0.8
    looks.clear()
    BlazeFace(turns=True).find(portrait)
    assert looks.count("full") >= 4
    looks.clear()
    assert len(BlazeFace()(astronaut)) == 1  # a sixth of the picture is not close
    assert looks.count("full") > 1


def test_small_faces_beside_a_close_one_are_found_where_they_are_asked_for(astronaut, looks):
    image = np.full((600, 800, 3), 110, np.uint8)
    image[:, :600] = cv2.resize(astronaut[:300, 80:380], (600, 600))
    image[100:184, 700:784] = cv2.resize(
        astronaut[20:280, 90:350], (84, 84), interpolation=cv2.INTER_AREA
    )
    small = [*((BOX[:2] - [90, 20]) * 84 / 260 + [700, 100]), *(BOX[2:] * 84 / 260)]
    assert len(BlazeFace()(image)) == 1 and "full" not in looks
    for min_face in (0.03, 25):
        large, found = BlazeFace(min_face)(image)
        assert overlap([found], [small])[0, 0] > 0.6 and large[2] > 150


def test_tiles_cover_a_photograph_and_lead_back_to_it():
    rows, columns = np.mgrid[:500, :1000]
    image = np.stack([columns // 4, rows // 4, 255 * np.ones_like(rows)], axis=-1).astype(np.uint8)
    assert sides(image, 192, 0.03) == [667, 333, 192]
    assert sides(image, 192, 0.2) == [192]
    assert sides(image[:100, :150], 192, 0.001) == [192]  # finer levels show nothing new
    seen = np.zeros(image.shape[:2], int)
    for tile in tiles(image, 192, [667]):
        assert tile.image.shape == (192, 192, 3)
        x, y = transform([96.0, 96], tile.to_photo)
        np.testing.assert_allclose(tile.image[96, 96, :2], [x / 4, y / 4], atol=1)
        low, high = transform([[0, 0], [191, 191]], tile.to_photo).round().astype(int)
        seen[max(low[1], 0) : high[1] + 1, max(low[0], 0) : high[0] + 1] += 1
    assert seen.min() >= 1
    (whole,) = tiles(image, 192, [192])
    assert np.isinf([whole.low, whole.high]).all()
    assert not whole.image[:47].any() and whole.image[49:143].all(axis=(0, 1))[2]
    np.testing.assert_allclose(transform([95.5, 95.5], whole.to_photo), [499.5, 249.5], atol=1e-9)


def test_squares_points_and_angles_move_together():
    points = np.array([[[5.0, 5], [3, 4], [7, 4], [5, 5], [5, 7], [1, 4], [9, 4]]])
    faces = Faces(points, np.array([8.0]), np.array([0.9]))
    assert faces.squares.tolist() == [[1, 1, 8, 8]] and faces.angles.tolist() == [0]
    quarter = np.array([[0.0, -2, 10], [2, 0, 0]])  # clockwise in an image, and twice the size
    moved = faces.moved(quarter)
    assert moved.angles[0] == pytest.approx(np.pi / 2) and moved.sides.tolist() == [16]
    np.testing.assert_allclose(
        blazeface.features(moved)[2], blazeface.features(faces)[2], atol=1e-12
    )
    np.testing.assert_allclose(moved.moved(invert(quarter)).points, points)
    fitted = box_map.shipped("blazeface")
    (box,), (other,) = blazeface.tight_boxes(faces, fitted), blazeface.tight_boxes(moved, fitted)
    np.testing.assert_allclose(other[2:], 2 * box[2:])
    np.testing.assert_allclose(
        other[:2] + other[2:] / 2, transform(box[:2] + box[2:] / 2, quarter), atol=1e-9
    )
    both = Faces.joined([faces, Faces(points, np.array([7.0]), np.array([0.95])), moved])
    assert both.best().scores.tolist() == [0.95, 0.9] and len(Faces.joined([])) == 0
    assert both.apart(faces).scores.tolist() == [0.9]
    assert len(both.apart(moved)) == 2 and len(both.apart(Faces.joined([]))) == 3


def test_what_runtimes_differ_by_is_rounded_away(astronaut, monkeypatch):
    images = [turned(astronaut, degrees)[0] for degrees in (-50, 0, 30)]
    found = [BlazeFace().detect(image) for image in images]
    native, rng = Network.find, np.random.default_rng(0)

    def find(self, image, threshold):
        """Like the real network, in another runtime."""
        faces = native(self, image, threshold)
        points, sides = (v + rng.uniform(-4e-6, 4e-6, v.shape) for v in (faces.points, faces.sides))
        return replace(faces, points=points, sides=sides)

    monkeypatch.setattr(Network, "find", find)
    for image, (face,) in zip(images, found, strict=True):
        (other,) = BlazeFace().detect(image)
        assert np.abs(other.points - face.points).max() > 0
        assert other.box.tolist() == face.box.tolist() and other.angle == face.angle


def test_the_grid_is_a_share_of_the_face_and_never_upright():
    values = np.linspace(-50, 3000, 999)
    for side, step in ((20.0, 1 / 32), (64.0, 1 / 8), (127.0, 1 / 8), (1000.0, 1)):
        rounded = on_grid(values, side)
        assert np.abs(rounded - values).max() <= step / 2
        assert not (rounded % step).any() and step <= side / 512
    angles = np.linspace(-np.pi, np.pi, 999)
    assert np.abs(turn_on_grid(angles) - angles).max() <= 1 / 512
    assert np.abs(turn_on_grid(angles)).min() == 1 / 512


def test_threads_share_a_detector(astronaut):
    detector = BlazeFace(LARGE)
    images = [np.roll(astronaut, 8 * i, axis=1) for i in range(8)]
    alone = [detector(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(detector, images))
    for one, other in zip(alone, together, strict=True):
        assert len(one) == 1
        np.testing.assert_array_equal(one, other)
    assert shared("short") is shared("short")


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (37, 2000)])
def test_pictures_of_any_shape_are_searched(shape):
    assert BlazeFace(turns=True)(np.full((*shape, 3), 90, np.uint8)).shape == (0, 4)


def test_names_open_it():
    assert open_detector("blazeface").min_face is None
    assert open_detector("blazeface-short").min_face == LARGE
    assert open_detector("blazeface-turned").turns
    assert open_detector("blazeface-turned", 40).turns
    assert open_detector("blazeface-turned", 40).min_face == 40
