"""Measures how many frames a second the tracker follows faces in, without decoding and drawing.

    python tests/benchmarks/bench_video.py --json results/benchmarks/video.json
    taskset -c 1 python tests/benchmarks/bench_video.py --faces 1

Generated frames of 640x480 (moving_face.py) lie in memory, blue, green, red as cameras give
them; `FaceTracker.update` takes them with its default settings: conversion to RGB, tracking with a
second pass where a face moves fast, looks and searches of the detector, smoothing. One thread. 200
frames/s are wanted with one face. On a busy machine the wall time tells how busy it is; the
process's own CPU time tells what a free core would take, a little too much where others share its
caches. Both are means over all frames, searches included; the median frame has none.
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
from keras_fld.predict.tracking import FaceTracker
from tests.predict.tracking.moving_face import FPS, MovingFace

WANTED = 200
# Drawn faces that the cascade finds; they move in their own part of the frame.
BACKDROP = MovingFace(3)  # in which it finds nothing
FACES = {1: [(4, (0.5, 0.5), 300)], 2: [(4, (0.25, 0.5), 220), (12, (0.75, 0.5), 220)]}


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, nargs="+", default=[1, 2], choices=[1, 2])
    parser.add_argument("--frames", type=int, default=240, help="of each video (240)")
    parser.add_argument("--rounds", type=int, default=3, help="turns; the median counts (3)")
    parser.add_argument("--preset", default="trnet20_300w", choices=zoo.names())
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    options = parser.parse_args(argv)
    if options.frames < 2 or options.rounds < 1:
        parser.error("--frames must be at least 2 and --rounds at least 1")
    return options


def video(faces, count):
    """Frames in which faces move."""
    moving = [
        MovingFace(
            index, center=center, side=side, still=0.5, reach=0.1 if len(faces) > 1 else 0.17
        )
        for index, center, side in faces
    ]
    frames = []
    for number in range(count):
        picture = BACKDROP.background.copy()
        for face in moving:
            face.paint(picture, number / FPS)
        frames.append(moving[0].photographed(picture, number)[..., ::-1].copy())
    return frames


def follow(landmarker, frames):
    """Wall and CPU seconds of each frame, and the most faces followed at once."""
    tracker, times, counts = FaceTracker(landmarker), [], []
    for number, frame in enumerate(frames):
        wall, cpu = time.perf_counter(), time.process_time()
        faces = tracker.update(frame, number / FPS, bgr=True)
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
        counts.append(len(faces))
    return np.array(times), counts


def main(argv=None):
    options = parse(argv)
    cv2.setNumThreads(1)
    landmarker = FaceLandmarker.from_preset(options.preset)
    rows = []
    for number in options.faces:
        frames = video(FACES[number], options.frames)
        rounds, counts = [], []
        for _ in range(options.rounds):
            times, found = follow(landmarker, frames)
            rounds.append(times)
            counts.append(np.mean(found))
        means = np.median([times.mean(axis=0) for times in rounds], axis=0)
        middle = np.median(np.concatenate(rounds), axis=0)
        rows.append(
            {
                "faces": number,
                "followed": float(np.mean(counts)),
                "frames_per_second": 1 / means[0],
                "frames_per_cpu_second": 1 / means[1],
                "wall_ms": 1000 * means[0],
                "cpu_ms": 1000 * means[1],
                "median_frame_cpu_ms": 1000 * middle[1],
                "slowest_frame_cpu_ms": 1000 * max(times[:, 1].max() for times in rounds),
                "wanted": WANTED if number == 1 else None,
            }
        )
        row = rows[-1]
        print(
            f"{number} face{'s' * (number > 1)} ({row['followed']:.2f} followed): "
            f"{row['frames_per_second']:.0f} frames/s, {row['frames_per_cpu_second']:.0f} a CPU "
            f"second ({row['cpu_ms']:.2f} ms; median frame {row['median_frame_cpu_ms']:.2f} ms, "
            f"slowest {row['slowest_frame_cpu_ms']:.0f} ms)"
        )
    if options.json:
        about = {
            "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "preset": options.preset,
            "size": [640, 480],
            "frames": options.frames,
            "rounds": options.rounds,
            "threads": 1,
            "cores": os.cpu_count(),
            "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            "opencv": cv2.__version__,
        }
        write_json(options.json, {"about": about, "rows": rows})


if __name__ == "__main__":
    main()
