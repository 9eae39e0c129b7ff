"""The page's crops against `keras_fld.geometry.frame`, byte by byte."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from keras_fld.data import synthetic
from keras_fld.geometry.frame import FaceCrop, landmark_box
from keras_fld.web.files import PAGE

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="needs node")

SCRIPT = """
import { readFileSync, writeFileSync } from "node:fs";
import { frameMatrix, warp } from "./geometry.mjs";
const { size, frame, boxes } = JSON.parse(readFileSync("task.json"));
const all = new Uint8ClampedArray(readFileSync("photo.rgba"));
const photo = { width: size, height: size, read(x, y, width, height) {
  const part = new Uint8ClampedArray(4 * width * height);
  for (let v = 0; v < height; v++) {
    const from = 4 * ((y + v) * size + x);
    part.set(all.subarray(from, from + 4 * width), 4 * v * width);
  }
  return part;
} };
writeFileSync("crops.rgb", Buffer.concat(boxes.map(
  (box) => warp(photo, frameMatrix(frame, box), frame.size))));
"""


@pytest.mark.parametrize(("size", "frame"), [(700, FaceCrop()), (333, FaceCrop(112, 1.3))])
def test_crops_are_pythons(tmp_path, size, frame):
    face = synthetic.draw(5, size=size)
    rng = np.random.default_rng(size)
    tight = landmark_box(face.landmarks)
    boxes = [tight + rng.normal(0, 5, 4) for _ in range(6)]
    boxes += [(-50, -40, 200, 300), (size - 80, size - 60, 150, 150), (40, 50, 12.5, 9)]
    boxes += [(0, 0, size, size), (3 * size, 0, 50, 50), (-2 * size, -size, 4 * size, 4 * size)]
    shutil.copy(PAGE / "geometry.js", tmp_path / "geometry.mjs")
    (tmp_path / "crop.mjs").write_text(SCRIPT, "utf-8")
    (tmp_path / "task.json").write_text(
        json.dumps(
            {
                "size": size,
                "frame": {"size": frame.size, "margin": frame.margin},
                "boxes": np.array(boxes, float).tolist(),
            }
        )
    )
    np.dstack([face.image, np.full((size, size), 255, np.uint8)]).tofile(tmp_path / "photo.rgba")
    result = subprocess.run([NODE, "crop.mjs"], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    crops = np.fromfile(tmp_path / "crops.rgb", np.uint8)
    crops = crops.reshape(-1, frame.size, frame.size, 3).astype(int)
    assert len(crops) == len(boxes)
    for box, crop in zip(boxes, crops, strict=True):
        difference = np.abs(crop - frame.crop(face.image, box))
        # None at all with OpenCV 4.14 on x86-64; other builds of it may round a tie elsewhere.
        assert difference.max() <= 1 and (difference > 0).mean() < 1e-3
