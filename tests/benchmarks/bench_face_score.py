"""Counts what the face score drops of what the default detector finds in whole photographs.

    python tests/benchmarks/bench_face_score.py --root whole/faces.json --sheet other.png
    python tests/benchmarks/bench_face_score.py --root whole/faces.json --not-faces \
        --json results/detection/face_score.json

A found face is dropped when its score is below 0.5. By the box around its landmarks it is annotated
(overlap with an annotated box of 0.5 or more), other (below 0.3) or between. An other one may be a
face that nobody annotated: --sheet draws them, numbered, with the face score and the detector's,
and --not-faces takes the numbers of those that show no face; without numbers all do. Times are CPU
time a face of `FaceLandmarker.detect` in the found boxes, two passes, with and without a score;
and a frame of `FaceTracker` on bench_video.py's video of one face, where a good score saves looks
of the detector.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import cv2
import numpy as np

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from bench_detection import _draw_sheet  # noqa: E402
from bench_video import FACES, follow, video  # noqa: E402

from keras_fld import FaceLandmarker, zoo  # noqa: E402
from keras_fld._internal.files import write_json  # noqa: E402
from keras_fld._internal.images import read_image  # noqa: E402
from keras_fld.data import catalog  # noqa: E402
from keras_fld.evaluation.detectors import ELSEWHERE, FOUND  # noqa: E402
from keras_fld.geometry.boxes import overlap  # noqa: E402
from keras_fld.geometry.frame import FaceCrop, landmark_box  # noqa: E402
from keras_fld.predict.detectors import BlazeFace  # noqa: E402

THRESHOLD = 0.5
KINDS = "annotated", "between", "other"


def tracked(scored, plain):
    """CPU time in ms of a tracked frame, the mean of a video, with and without a score."""
    frames = video(FACES[1], 240)
    rounds = [[follow(it, frames)[0][:, 1].mean() for it in (scored, plain)] for _ in range(3)]
    return 1000 * np.median(rounds, axis=0)


def measure(root, scored, plain):
    """Kinds and scores of the faces, pictures of the others, and times a face."""
    detector = BlazeFace()
    annotated: dict[Path, list] = {}
    for face in catalog.read("own", root, "train").faces:
        annotated.setdefault(face.source, []).append(face.box)
    rows, cuts, times = [], [], []
    for path, boxes in annotated.items():
        image = read_image(path)
        found = detector.detect(image)
        places = [[*face.box, face.angle] for face in found]
        faces, spent = _timed(scored, image, places)
        _, without = _timed(plain, image, places)
        if found:
            times.append((spent / len(found), without / len(found)))
        for face, detection in zip(faces, found, strict=True):
            share = overlap([landmark_box(face.landmarks)], boxes).max()
            kind = KINDS[0 if share >= FOUND else 1 if share >= ELSEWHERE else 2]
            rows.append((kind, face.score))
            if kind == "other":
                cuts.append(_cut(image, face, detection))
    return rows, cuts, np.median(times, axis=0)


def _timed(landmarker, image, places):
    """The faces, and the median CPU time in ms of three calls."""
    times = []
    for _ in range(3):
        start = time.process_time()
        faces = landmarker.detect(image, places, passes=2)
        times.append(1000 * (time.process_time() - start))
    return faces, statistics.median(times)


def _cut(image, face, detection):
    """A picture of a face, its score and the detector's below."""
    frame = FaceCrop(96, 1.6)
    cut = frame.crop(image, detection.box, detection.angle)
    text = f"{face.score:.2f} {detection.score:.2f}"
    return cv2.putText(cut, text, (2, 92), 0, 0.4, (255, 255, 0))


def counts(kinds, dropped):
    """Kind to faces found and dropped."""
    return {
        kind: {"found": int((kinds == kind).sum()), "dropped": int(dropped[kinds == kind].sum())}
        for kind in dict.fromkeys(kinds.tolist())
    }


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True, help="faces.json of photographs")
    parser.add_argument("--preset", default="trnet20_300w", choices=zoo.names())
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="draw the others there")
    parser.add_argument(
        "--not-faces", type=int, nargs="*", metavar="N", help="others that show no face"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    scored, plain = (
        FaceLandmarker.from_preset(options.preset, score=score) for score in (True, None)
    )
    rows, cuts, times = measure(options.root, scored, plain)
    kinds, scores = (np.array(column) for column in zip(*rows, strict=True))
    if options.not_faces is not None:
        others = np.flatnonzero(kinds == "other")
        kinds = kinds.astype("<U16")
        kinds[others] = "unannotated face"
        kinds[others[options.not_faces]] = "no face"
    result = {"preset": options.preset, "faces": counts(kinds, scores < THRESHOLD)}
    names = "with_score", "without"
    result["cpu_ms_a_face"] = dict(zip(names, times.tolist(), strict=True))
    frames = tracked(scored, plain).tolist()
    result["cpu_ms_a_tracked_frame"] = dict(zip(names, frames, strict=True))
    for name, value in result.items():
        print(f"{name}: {value}")
    if options.sheet:
        _draw_sheet(cuts, options.sheet)
    if options.json:
        write_json(options.json, result)


if __name__ == "__main__":
    main()
