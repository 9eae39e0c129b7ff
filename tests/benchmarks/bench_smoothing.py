"""Measures what One-Euro smoothing does to landmarks: the jitter it takes, the lag it brings.

    python tests/benchmarks/bench_smoothing.py --json results/video/smoothing.json
    python tests/benchmarks/bench_smoothing.py --tune

Generated videos (moving_face.py, 640x480, 30 frames/s): a drawn face that rests for two
seconds and moves for four, with a sensor's noise and a JPEG's loss in every frame, landmarks known
at any time. The preset's int8 model follows it. Measured with smoothing and without:
    jitter      at rest: root mean square change of a landmark's error from frame to frame, in per
                cent of the distance between the outer eye corners
    lag         moving: the delay in ms at which the true path fits the landmarks best, each
                landmark's constant error taken out
    error       mean distance from the true landmarks, in the same per cent, at rest and moving
Drawn faces that the model does not see, its first error being above 10 %, or loses on the way, are
left out and named.
`--tune` prints the figures for a grid of settings, on other faces than those reported: taken was
the one with the least jitter among those that add less than 8 ms of lag, a quarter of a frame.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from keras_fld import FaceLandmarker, zoo  # noqa: E402
from keras_fld._internal.files import write_json
from keras_fld.geometry.frame import landmark_box
from keras_fld.predict.tracking import FaceTracker, OneEuroFilter
from keras_fld.predict.tracking.tracker import BETA, MIN_CUTOFF
from tests.predict.tracking.moving_face import FPS, MovingFace

REPORTED, TUNING = range(8), range(100, 108)
SEEN_PERCENT = 10.0
SECONDS = 6
# The start of the rest, in which a filter settles, is left out.
SETTLED = 15
CUTOFFS, BETAS = (0.3, 0.5, 1.0, 2.0), (3.0, 10.0, 20.0, 30.0, 50.0)


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tune", action="store_true", help="a grid of settings")
    parser.add_argument("--preset", default="trnet20_300w", choices=zoo.names())
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    return parser.parse_args(argv)


def raw_landmarks(landmarker, video):
    """Landmarks of every frame as predicted: (frames, 68, 2); None for a face not seen."""
    tracker, found = FaceTracker(landmarker, smooth=False, search_every=None), []
    for number in range(round(SECONDS * FPS)):
        frame = video.frame(number)
        if number:
            faces = tracker.update(frame, number / FPS)
        else:
            faces = tracker.start(frame, [landmark_box(video.landmarks(0.0))], 0.0)
            if off(video, faces[0].raw) > SEEN_PERCENT:
                return None
        if len(faces) != 1:
            return None
        found.append(faces[0].raw)
    return np.array(found, float)


def off(video, landmarks):
    """Error in the first frame, in per cent of the distance between the outer eye corners."""
    truth = video.landmarks(0.0)
    return (
        100
        * np.linalg.norm(landmarks - truth, axis=1).mean()
        / np.linalg.norm(truth[36] - truth[45])
    )


def smoothed(raw, min_cutoff, beta):
    """The same, as the tracker smooths them."""
    smooth = OneEuroFilter(min_cutoff, beta)
    return np.array([smooth(x, i / FPS, unit=max(landmark_box(x)[2:])) for i, x in enumerate(raw)])


def measure(video, landmarks):
    """Jitter, lag and errors of one video's landmarks."""
    times = np.arange(len(landmarks)) / FPS
    truth = np.array([video.landmarks(t) for t in times])
    eyes = np.linalg.norm(truth[:, 36] - truth[:, 45], axis=1)
    rest = (times <= video.still) & (np.arange(len(times)) >= SETTLED)
    moving = times > video.still + 0.5
    error = landmarks - truth
    change = np.diff(error[rest], axis=0)
    distance = 100 * np.linalg.norm(error, axis=-1).mean(axis=1) / eyes
    return {
        "jitter_percent": 100 * np.sqrt((change**2).sum(axis=-1).mean()) / eyes[rest].mean(),
        "lag_ms": 1000 * lag(video, landmarks[moving], times[moving]),
        "error_at_rest_percent": distance[rest].mean(),
        "error_moving_percent": distance[moving].mean(),
    }


def lag(video, landmarks, times):
    """The delay in seconds at which the true path fits best."""
    delays = np.arange(-0.05, 0.3, 0.002)
    misfits = []
    for delay in delays:
        error = landmarks - np.array([video.landmarks(t - delay) for t in times])
        misfits.append(((error - error.mean(axis=0)) ** 2).mean())
    return float(delays[np.argmin(misfits)])


def mean(rows):
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


def line(name, row):
    return (
        f"{name:<28}{row['jitter_percent']:>9.3f} %{row['lag_ms']:>9.1f} ms"
        f"{row['error_at_rest_percent']:>9.3f} %{row['error_moving_percent']:>9.3f} %"
    )


def main(argv=None):
    options = parse(argv)
    cv2.setNumThreads(1)
    landmarker = FaceLandmarker.from_preset(options.preset, score=None)
    indices = TUNING if options.tune else REPORTED
    videos = [(v, raw_landmarks(landmarker, v)) for v in (MovingFace(i) for i in indices)]
    unseen = [video.index for video, raw in videos if raw is None]
    videos = [(video, raw) for video, raw in videos if raw is not None]
    if unseen:
        print(f"left out, as the model does not see them: faces {unseen}")
    print(f"{'smoothing':<28}{'jitter':>11}{'lag':>12}{'at rest':>11}{'moving':>11}")
    none = mean([measure(video, raw) for video, raw in videos])
    print(line("none", none))
    settings = [(MIN_CUTOFF, BETA)]
    if options.tune:
        settings = [(cutoff, beta) for cutoff in CUTOFFS for beta in BETAS]
    rows = []
    for cutoff, beta in settings:
        row = mean([measure(video, smoothed(raw, cutoff, beta)) for video, raw in videos])
        rows.append({"min_cutoff": cutoff, "beta": beta} | row)
        print(line(f"min_cutoff {cutoff:g}, beta {beta:g}", row))
    if options.json:
        about = {
            "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            "preset": options.preset,
            "faces": [video.index for video, _ in videos],
            "faces_left_out": unseen,
            "frames": round(SECONDS * FPS),
            "noise": MovingFace.noise,
            "jpeg_quality": MovingFace.quality,
            "percent_of": "distance between the outer eye corners",
        }
        write_json(options.json, {"about": about, "none": none, "one_euro": rows})


if __name__ == "__main__":
    main()
