"""Measures how soon tracks end where a face leaves or is covered, with and without the face score.

    python tests/benchmarks/bench_lost_faces.py --root ytf --dataset pts \
        --json results/video/lost_faces.json

Faces of photographs move over moving backgrounds, scikit-image's photographs, at 30 frames/s. From
frame 90 on a face is gone: it vanishes from one frame to the next ("cut"), slides out of the
picture ("out"), a piece of another background slides over all of it ("covered"), or over half of it
("half", and there it is still a face); from 180 to 270 it is there again. "stale" is the number of
frames from where the face is gone until no track is left, its median and its highest; "ghosts"
counts frames in which a track is there though no face has been for 60; "lost" is the share of
frames without a track while the face is in view, half covered included, the first 15 of each time
not counted; "back" is the median number of frames until it is followed again.
"""

import argparse
import statistics
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from keras_fld import FaceLandmarker, FaceTracker, zoo  # noqa: E402
from keras_fld._internal.files import write_json  # noqa: E402
from keras_fld.data import catalog  # noqa: E402

SIZE = 640, 480
GONE, BACK, END = 90, 180, 270
SLIDE = 12  # frames
MODES = "cut", "out", "covered", "half"


def backgrounds():
    """Photographs without a person, larger than a frame."""
    from skimage import data

    images = data.coffee(), data.rocket(), data.stereo_motorcycle()[0], data.chelsea()
    return [cv2.resize(image, (720, 560)) for image in images]


class Scene:
    """A face over a background.

    Args:
        face: a `Face`.
        over, cover: backgrounds.
        mode: one of `MODES`.
        seed: of the motion.
    """

    def __init__(self, face, over, cover, mode, seed):
        self.over, self.cover, self.mode = over, cover, mode
        rng = np.random.default_rng(seed)
        side = rng.uniform(110, 220)  # of the box in the frame
        scale = side / max(face.box[2:])
        image = face.image()
        smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        self.image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=smooth)
        self.center = (face.box[:2] + face.box[2:] / 2) * scale
        rows, columns = np.mgrid[: self.image.shape[0], : self.image.shape[1]]
        away = np.hypot(columns - self.center[0], (rows - self.center[1] + 0.1 * side) / 1.15)
        self.mask = np.clip((0.85 * side - away) / (0.1 * side), 0, 1)[..., None]
        self.side, self.phase = side, rng.uniform(0, 6, 4)
        # A sensor's noise, of which frames take different pieces.
        self.noise = rng.normal(0, 4, (SIZE[1] + 64, SIZE[0] + 64, 3)).astype(np.float32)

    def place(self, number):
        """The face's center in the frame."""
        t = number / 30
        x = 320 + 90 * np.sin(0.9 * t + self.phase[0])
        y = 240 + 40 * np.sin(1.3 * t + self.phase[1])
        if self.mode == "out" and GONE - SLIDE <= number < BACK:
            x += (number - GONE + SLIDE) / SLIDE * (640 + self.side - x)
        return np.array([x, y])

    def visible(self, number):
        return self.mode == "half" or not GONE <= number < BACK

    def frame(self, number):
        """(480, 640, 3) uint8."""
        t = number / 30
        x, y = (int(40 + 39 * np.sin(0.5 * t + phase)) for phase in self.phase[2:])
        picture = self.over[y : y + SIZE[1], x : x + SIZE[0]].astype(np.float32)
        center = self.place(number)
        if not (self.mode == "cut" and GONE <= number < BACK):
            to = np.column_stack([np.eye(2), center - self.center])
            image, mask = (
                cv2.warpAffine(v, to, SIZE) for v in (self.image.astype(np.float32), self.mask)
            )
            picture += mask[..., None] * (image - picture)
        if self.mode in ("covered", "half") and GONE - SLIDE <= number < BACK:
            self._cover(picture, center, min(1, (number - GONE + SLIDE) / SLIDE))
        x, y = 37 * number % 64, 23 * number % 64
        picture += self.noise[y : y + SIZE[1], x : x + SIZE[0]]
        return picture.clip(0, 255).astype(np.uint8)

    def _cover(self, picture, center, share):
        """A part of another background comes up over the face."""
        reach = 1.0 * self.side
        left, right = (int(np.clip(center[0] + v, 0, SIZE[0])) for v in (-reach, reach))
        top = center[1] + (0.1 if self.mode == "half" else -reach) * self.side
        top = int(np.clip(top + (1 - share) * (SIZE[1] - top), 0, SIZE[1]))
        picture[top:, left:right] = self.cover[top : SIZE[1], left:right]


def follow(landmarkers, scene):
    """Name of a landmarker to whether it has a track, frame by frame."""
    trackers = {name: FaceTracker(landmarker) for name, landmarker in landmarkers.items()}
    there = {name: [] for name in trackers}
    for number in range(END):
        frame = scene.frame(number)
        for name, tracker in trackers.items():
            there[name].append(len(tracker.update(frame, number / 30)) > 0)
    return {name: np.array(found) for name, found in there.items()}


def summary(scenes, followed):
    """The figures of a mode's scenes."""
    stale, ghosts, lost, back = [], 0, [], []
    for scene, there in zip(scenes, followed, strict=True):
        away = ~there[GONE:BACK]
        if not scene.visible(GONE):
            stale.append(int(away.argmax()) if away.any() else BACK - GONE)
            ghosts += int(there[GONE + 60 : BACK].sum())
            again = there[BACK:]
            back.append(int(again.argmax()) if again.any() else END - BACK)
        seen = [n for n in range(15, END) if scene.visible(n) and not BACK <= n < BACK + 15]
        lost.append(1 - there[seen].mean())
    row = {"scenes": len(scenes), "lost": float(np.mean(lost))}
    if stale:
        row |= {"stale": statistics.median(stale), "highest_stale": max(stale), "ghosts": ghosts}
        row |= {"back": statistics.median(back)}
    return row


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", required=True, help="faces in photographs")
    parser.add_argument("--dataset", default="pts", help="their format (pts)")
    parser.add_argument("--scenes", type=int, default=24, help="of each mode (24)")
    parser.add_argument("--preset", default="trnet20_300w", choices=zoo.names())
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    options = parser.parse_args(argv)
    faces = catalog.read(options.dataset, options.root, "train").faces
    faces = faces[:: max(1, len(faces) // options.scenes)][: options.scenes]
    pictures, rows = backgrounds(), []
    landmarkers = {
        name: FaceLandmarker.from_preset(options.preset, score=score)
        for name, score in (("with score", True), ("without", None))
    }
    for mode in MODES:
        scenes = [
            Scene(face, pictures[i % 4], pictures[(i + 1 + i // 4 % 3) % 4], mode, i)
            for i, face in enumerate(faces)
        ]
        followed = [follow(landmarkers, scene) for scene in scenes]
        for name in landmarkers:
            found = summary(scenes, [there[name] for there in followed])
            rows.append({"mode": mode, "tracker": name} | found)
            print("  ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    if options.json:
        write_json(options.json, {"preset": options.preset, "rows": rows})


if __name__ == "__main__":
    main()
