"""Processor time a frame of reading, tracking and writing a video, beside OpenCV's.

    python tests/benchmarks/bench_video_files.py --json results/benchmarks/video_files.json

A generated film of 640x480 (moving_face.py), H.264. Each part is measured by itself, in turns
within one process: the processor time of all its threads, the median of the rounds. "file to file"
is what `keras-fld predict clip.mp4` does for each frame: read, track, draw, write.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from keras_fld import FaceLandmarker  # noqa: E402
from keras_fld._internal.files import write_json
from keras_fld.predict.media import VideoFile, VideoWriter
from keras_fld.predict.output.overlay import draw_tracked
from keras_fld.predict.tracking import FaceTracker
from tests.predict.tracking.moving_face import FPS, MovingFace

SIZE = (640, 480)


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=240, help="of the film (240)")
    parser.add_argument("--rounds", type=int, default=5, help="turns; the median counts (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    return parser.parse_args(argv)


def opencv_frames(path):
    capture = cv2.VideoCapture(str(path))
    while (got := capture.read())[0]:
        yield cv2.cvtColor(got[1], cv2.COLOR_BGR2RGB)
    capture.release()


def pyav_frames(path):
    for _, _, frame in VideoFile(path):
        yield frame


class OpenCVWriter:
    def __init__(self, path):
        codec = cv2.VideoWriter_fourcc(*"mp4v")
        self.writer = cv2.VideoWriter(str(path), codec, FPS, SIZE)

    def write(self, _, frame):
        self.writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))

    def close(self):
        self.writer.release()


def pyav_writer(path):
    return VideoWriter(path, SIZE, FPS)


def written(frames, open_writer, path, tracker=None):
    """Writes frames, with their landmarks where there is a tracker."""
    writer = open_writer(path)
    for number, frame in enumerate(frames):
        if tracker is not None:
            frame = draw_tracked(frame, tracker.update(frame, number / FPS))
        writer.write(number / FPS, frame)
    writer.close()


def main(argv=None):
    options = parse(argv)
    cv2.setNumThreads(1)
    landmarker = FaceLandmarker.from_preset("trnet20_300w")
    face = MovingFace(4, still=0.5)
    frames = [face.frame(number) for number in range(options.frames)]
    with tempfile.TemporaryDirectory() as folder:
        film, out = Path(folder) / "film.mp4", Path(folder)
        written(frames, pyav_writer, film)

        def track():
            tracker = FaceTracker(landmarker)
            for number, frame in enumerate(frames):
                tracker.update(frame, number / FPS)

        parts = {
            "read, OpenCV": lambda: [None for _ in opencv_frames(film)],
            "read": lambda: [None for _ in pyav_frames(film)],
            "track": track,
            "write, OpenCV (MPEG-4)": lambda: written(frames, OpenCVWriter, out / "a.mp4"),
            "write (H.264)": lambda: written(frames, pyav_writer, out / "b.mp4"),
            "write .webm (VP9)": lambda: written(frames, pyav_writer, out / "b.webm"),
            "file to file, OpenCV": lambda: written(
                opencv_frames(film), OpenCVWriter, out / "c.mp4", FaceTracker(landmarker)
            ),
            "file to file": lambda: written(
                pyav_frames(film), pyav_writer, out / "d.mp4", FaceTracker(landmarker)
            ),
        }
        times = {name: [] for name in parts}
        for _ in range(options.rounds):
            for name, part in parts.items():
                start = time.process_time()
                part()
                times[name].append(1000 * (time.process_time() - start) / len(frames))
        rows = {name: float(np.median(values)) for name, values in times.items()}
        sizes = {path.name: path.stat().st_size for path in sorted(out.glob("[ab].*"))}
    for name, value in rows.items():
        print(f"{name:26}{value:6.2f} ms a frame")
    print(", ".join(f"{name} {size / 1e6:.2f} MB" for name, size in sizes.items()))
    if options.json:
        about = {
            "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "size": SIZE,
            "frames": options.frames,
            "rounds": options.rounds,
            "cores": os.cpu_count(),
            "opencv": cv2.__version__,
            "av": __import__("av").__version__,
        }
        write_json(options.json, {"about": about, "cpu_ms": rows, "bytes": sizes})


if __name__ == "__main__":
    main()
