"""The page's tracker on the golden video of tflite/apps, with its faces in place of the networks.

The page's tracker goes by time, and its detector runs beside it, so it is later than Python's. Each
scene is shown until it has settled.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.web.test_geometry import NODE, run_script

pytestmark = pytest.mark.skipif(NODE is None, reason="needs node")

GOLDEN = Path(__file__).parents[2] / "tflite" / "apps" / "golden.json"
SCRIPT = """
import { readFileSync } from "node:fs";
import { overlap } from "./geometry.js";
import { Tracker } from "./tracker.js";
let clock = 0;
Object.defineProperty(globalThis, "performance", { value: { now: () => clock } });
const { frames, width, height, scenes } = JSON.parse(readFileSync("task.json"));
const of = ({ faces }) => faces.map(({ box, angle, landmarks }) => ({ box, angle, landmarks }));
const detector = { find: async (picture) => of(picture) };
// As the network does, it gives a face on a wall, too: that of the place.
const landmarker = {
  find: (detector, picture) => detector.find(picture),
  place: ({ box, angle }) => ({ box, angle }),
  detect: async (picture, place) => of(picture).find(({ box }) => overlap(box, place.box) > 0.3)
    ?? { ...place, landmarks: [] },
};
const tracker = new Tracker(landmarker, detector);
const settled = [];
for (const [place, times] of scenes) {
  for (let i = 0; i < times; i++) {
    clock += 100;
    await tracker.next({ width, height, faces: frames[place].faces });
    await new Promise((resolve) => setImmediate(resolve));
  }
  settled.push(tracker.faces.map(({ id, landmarks }) => ({ id, landmarks })));
}
console.log(JSON.stringify(settled));
"""


def shown(folder, scenes):
    """The tracker's faces at the end of scenes, which are (frame, number of times it is shown)."""
    names = "getGlobalLiteRtPromise, loadAndCompile, loadLiteRt, Tensor"
    litert = ("litert.js", f"export const [{names}] = [];")
    track = json.loads(GOLDEN.read_text("utf-8"))["track"]
    found = run_script(folder, SCRIPT, track | {"scenes": scenes}, [litert])
    return track["frames"], json.loads(found)


def same(found, frame):
    """Whether faces are those of a frame, in any order."""
    one, other = (
        sorted(np.ravel(face["landmarks"]).tolist() for face in faces) for faces in (found, frame)
    )
    return one == other


def test_two_faces_are_followed_while_one_goes_and_one_comes(tmp_path):
    frames, (both, one_came, one_is_back) = shown(tmp_path, [(3, 5), (10, 60), (15, 60)])
    assert same(both, frames[3]["faces"]) and [face["id"] for face in both] == [1, 2]
    assert same(one_came, frames[10]["faces"]) and same(one_is_back, frames[15]["faces"])
    # The face that stays keeps its number, and that of one that is long gone is not used again.
    assert [face["id"] for face in one_came] == [1, 3]
    assert [face["id"] for face in one_is_back] == [3, 4]


def test_a_face_that_is_soon_back_has_its_number_again(tmp_path):
    # The second face is dropped four seconds after the detector has last seen it.
    frames, (both, alone, again) = shown(tmp_path, [(3, 5), (10, 55), (3, 15)])
    assert [face["id"] for face in both] == [1, 2]
    assert [face["id"] for face in alone] == [1, 3]
    assert {face["id"] for face in again} >= {1, 2}
