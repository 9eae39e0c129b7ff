"""The page's crops and reduced pictures against Python's, byte by byte."""

import json
import shutil
import subprocess

import cv2
import numpy as np
import pytest

from keras_fld.data import synthetic
from keras_fld.geometry.frame import FaceCrop, compose, crop_shift, landmark_box, warp
from keras_fld.predict.detectors.blazeface.tiles import sides, tiles
from keras_fld.schemes.face_box import BoxInFace
from keras_fld.web.files import PAGE

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="needs node")

SCRIPT = """
import { readFileSync, writeFileSync } from "node:fs";
import { frameMatrix, warp } from "./geometry.js";
import { levelSides, tiles } from "./tiles.js";
const { width, height, frame, places, size, smallest } = JSON.parse(readFileSync("task.json"));
const data = new Uint8ClampedArray(readFileSync("photo.rgba"));
const photo = { width, height, data, read(x, y, w, h) {
  const part = new Uint8ClampedArray(4 * w * h);
  for (let v = 0; v < h; v++) {
    const from = 4 * ((y + v) * width + x);
    part.set(data.subarray(from, from + 4 * w), 4 * v * w);
  }
  return part;
} };
writeFileSync("crops.rgb", Buffer.concat(places.map(
  ({ box, angle }) => warp(photo, frameMatrix(frame, box, angle), frame.size))));
const sides = levelSides(Math.max(width, height), size, smallest);
const found = [...tiles(photo, size, sides)];
writeFileSync("tiles.rgb", Buffer.concat(found.map(({ pixels }) => pixels)));
writeFileSync("tiles.json", JSON.stringify(found.map(({ toPhoto, low, high }) =>
  [...toPhoto, ...low, ...high].map(String))));
"""

FRAME = FaceCrop()


def run_script(folder, script, task, instead=()):
    """Runs a module beside the page's, with a task in task.json; returns what it prints.

    `instead` are pairs of a module's name and the text that replaces it.
    """
    for path in PAGE.glob("*.js"):
        shutil.copy(path, folder)
    (folder / "package.json").write_text('{"type": "module"}', "utf-8")
    for name, text in (*instead, ("script.js", script)):
        (folder / name).write_text(text, "utf-8")
    (folder / "task.json").write_text(json.dumps(task), "utf-8")
    result = subprocess.run(
        [NODE, "script.js"], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def run(folder, image, frame=FRAME, places=(), size=192, smallest=1.0):
    """What the page makes of an image, in files in the folder."""
    height, width = image.shape[:2]
    task = {
        "width": width,
        "height": height,
        "frame": {"size": frame.size, "margin": frame.margin},
        "places": [{"box": list(map(float, box)), "angle": angle} for box, angle in places],
        "size": size,
        "smallest": smallest,
    }
    np.dstack([image, np.full((height, width), 255, np.uint8)]).tofile(folder / "photo.rgba")
    run_script(folder, SCRIPT, task)


def same(pixels, expected):
    difference = np.abs(pixels.astype(int) - expected)
    # None at all with OpenCV 4.14 on x86-64; other builds of it may round a tie elsewhere.
    return difference.max() <= 1 and (difference > 0).mean() < 1e-3


def upright(frame, box, angle):
    """Photograph to crop pixels of a face that is turned about its box's center."""
    cos, sin = np.cos(angle), np.sin(angle)
    center = np.array([box[0] + box[2] / 2, box[1] + box[3] / 2])
    turn = np.array([[cos, sin], [-sin, cos]])
    return compose(frame.matrix(box), np.column_stack([turn, center - turn @ center]))


@pytest.mark.parametrize(("size", "frame"), [(700, FRAME), (333, FaceCrop(112, 1.3))])
def test_crops_are_pythons(tmp_path, size, frame):
    face = synthetic.draw(5, size=size)
    rng = np.random.default_rng(size)
    tight = landmark_box(face.landmarks)
    boxes = [tight + rng.normal(0, 5, 4) for _ in range(6)]
    boxes += [(-50, -40, 200, 300), (size - 80, size - 60, 150, 150), (40, 50, 12.5, 9)]
    boxes += [(0, 0, size, size), (3 * size, 0, 50, 50), (-2 * size, -size, 4 * size, 4 * size)]
    places = [(box, angle) for box in boxes for angle in (0.0, 0.5, -2.3, np.pi)]
    run(tmp_path, face.image, frame, places)
    crops = np.fromfile(tmp_path / "crops.rgb", np.uint8)
    crops = crops.reshape(-1, frame.size, frame.size, 3)
    assert len(crops) == len(places)
    for (box, angle), crop in zip(places, crops, strict=True):
        assert same(crop, warp(face.image, upright(frame, box, angle), frame.size)), (box, angle)
        if not angle:
            assert same(crop, frame.crop(face.image, box))


# Three levels of tiles; halved; a sixth; narrow; enlarged.
@pytest.mark.parametrize(
    ("shape", "size", "smallest"),
    [
        ((701, 1003), 192, 0.03),
        ((512, 512), 192, 0.03),
        ((576, 768), 128, 1.0),
        ((600, 90), 192, 0.03),
        ((100, 80), 192, 0.03),
        ((110, 84), 128, 1.0),
    ],
)
def test_tiles_are_pythons(tmp_path, shape, size, smallest):
    image = cv2.resize(synthetic.draw(5, size=512).image, shape[::-1])
    run(tmp_path, image, size=size, smallest=smallest)
    expected = list(tiles(image, size, sides(image, size, smallest)))
    shown = np.fromfile(tmp_path / "tiles.rgb", np.uint8).reshape(-1, size, size, 3)
    found = json.loads((tmp_path / "tiles.json").read_text("utf-8"))
    assert len(shown) == len(found) == len(expected)
    for tile, pixels, numbers in zip(expected, shown, found, strict=True):
        wanted = [*tile.to_photo.ravel(), *tile.low, *tile.high]
        assert list(map(float, numbers)) == pytest.approx(wanted, abs=1e-9)
        assert same(pixels, tile.image)


SHIFTS = """
import { readFileSync } from "node:fs";
import { cropShift, frameMatrix } from "./geometry.js";
const { frame, places } = JSON.parse(readFileSync("task.json"));
const [crop, other] = places.map(({ box, angle }) => frameMatrix(frame, box, angle));
console.log(cropShift(crop, other, frame.size));
"""


@pytest.mark.parametrize("seed", range(3))
def test_the_shift_between_crops_is_pythons(tmp_path, seed):
    rng = np.random.default_rng(seed)
    places = [(rng.uniform(20, 90, 4).tolist(), float(rng.normal())) for _ in range(2)]
    task = {
        "frame": {"size": FRAME.size, "margin": FRAME.margin},
        "places": [{"box": box, "angle": angle} for box, angle in places],
    }
    shift = float(run_script(tmp_path, SHIFTS, task))
    crop, other = (FRAME.matrix(box, angle) for box, angle in places)
    assert shift == pytest.approx(crop_shift(crop, other, FRAME.size))


PART = """
import { readFileSync } from "node:fs";
import { inFace } from "./geometry.js";
const { place, part } = JSON.parse(readFileSync("task.json"));
console.log(JSON.stringify(inFace(place, part)));
"""


@pytest.mark.parametrize("angle", [0.0, 0.7, -2.3])
def test_the_box_of_landmarks_in_a_face_is_pythons(tmp_path, angle):
    part, box = [0.28, 0.2, 0.45, 0.5], [30.0, -20.0, 120.0, 160.0]
    task = {"place": {"box": box, "angle": angle}, "part": part}
    found = json.loads(run_script(tmp_path, PART, task))
    expected = BoxInFace(*part).of_faces([*box, angle])[0, :4]
    np.testing.assert_allclose(found, expected)
