"""What interlacing costs the landmarks, with and without FFmpeg's deinterlacing.

    python tests/benchmarks/bench_interlaced.py --json results/video/interlaced.json

Drawn faces that move (moving_face.py), 50 half pictures a second woven into 25 frames, as H.264;
the same films without interlacing beside them. The error is that of the tracker's unsmoothed
landmarks from the truth at the time of the first half picture, in percent of the distance between
the eyes.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

import av  # noqa: E402

from keras_fld import FaceLandmarker
from keras_fld._internal.files import write_json
from keras_fld.predict.media import VideoFile
from keras_fld.predict.tracking import FaceTracker
from tests.predict.media.films import FPS, film
from tests.predict.tracking.moving_face import MovingFace

FACES, FRAMES = (4, 12, 20, 28), 90


def half(face, number, field=0):
    """A picture at the time of a field, whose noise is its own."""
    picture = face.background.copy()
    face.paint(picture, (number + field / 2) / FPS)
    return face.photographed(picture, 2 * number + field)


def woven(face, number):
    picture = half(face, number)
    picture[1::2] = half(face, number, 1)[1::2]
    return picture


def as_stored(path):
    """Frames as they are stored, both fields at once."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def deinterlaced(path):
    for _, _, frame in VideoFile(path):
        yield frame


def error(landmarker, face, frames):
    """Percent of the eyes' distance, and processor ms a frame."""
    tracker, errors, start = FaceTracker(landmarker, smooth=False), [], time.process_time()
    for number, frame in enumerate(frames):
        truth = face.landmarks(number / FPS)
        for found in tracker.update(frame, number / FPS)[:1]:
            off = np.linalg.norm(found.raw - truth, axis=1).mean()
            errors.append(100 * off / np.linalg.norm(truth[36] - truth[45]))
    assert len(errors) > 0.9 * FRAMES, "the face was lost"
    return np.mean(errors), 1000 * (time.process_time() - start) / FRAMES


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    options = parser.parse_args(argv)
    landmarker, rows = FaceLandmarker.from_preset("trnet20_300w"), {}
    with tempfile.TemporaryDirectory() as folder:
        for index in FACES:
            face = MovingFace(index, still=0.3, side=260, noise=3.0, quality=None, reach=0.25)
            mixed, whole = Path(folder) / "mixed.mp4", Path(folder) / "whole.mp4"
            options_of = {"crf": "18"}
            film(whole, FRAMES, picture=lambda n, face=face: half(face, n), **options_of)
            film(
                mixed,
                FRAMES,
                picture=lambda n, face=face: woven(face, n),
                field="tff",
                flags="+ildct",
                **options_of,
            )
            for name, frames in (
                ("not interlaced", deinterlaced(whole)),
                ("as stored", as_stored(mixed)),
                ("deinterlaced", deinterlaced(mixed)),
            ):
                rows.setdefault(name, []).append(error(landmarker, face, frames))
    rows = {name: np.mean(values, axis=0) for name, values in rows.items()}
    for name, (percent, cpu) in rows.items():
        print(f"{name:16}{percent:6.2f} %{cpu:7.2f} ms a frame")
    if options.json:
        found = {name: {"percent": p, "cpu_ms": cpu} for name, (p, cpu) in rows.items()}
        write_json(options.json, {"faces": FACES, "frames": FRAMES, "rows": found})


if __name__ == "__main__":
    main()
