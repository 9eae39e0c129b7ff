"""Measures how long finding faces takes, and how soon the first landmarks are there.

    python tests/benchmarks/bench_detection.py --json detection.json
    taskset -c 1 python tests/benchmarks/bench_detection.py

On one photograph with a face and on one without (both generated, 640x480), one thread:
    haar, haar-frontal      OpenCV's cascades, with and without profiles where no face is frontal
    landmarks               one pass of the preset's int8 file in a given box
    first result            a new process: import, model, detection, landmarks; under 1 s is wanted
Times are wall times beside the process's own CPU time, medians over `--rounds`; where other work
shares the core the second is what a free core would take.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from keras_fld import FaceLandmarker, zoo
from keras_fld._internal.files import write_json
from keras_fld.data import synthetic
from keras_fld.predict.detectors import open_detector

FIRST_RESULT = """
import json, os, sys, time
import numpy as np, cv2
import keras_fld as fld
image = cv2.imread(sys.argv[1])
faces = fld.FaceLandmarker.from_preset(sys.argv[2]).detect(image, bgr=True)
assert not {"keras", "tensorflow"} & set(sys.modules)
print(json.dumps({"cpu": sum(os.times()[:2]), "faces": len(faces)}))
"""


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20, help="turns of each part (20)")
    parser.add_argument("--preset", default="trnet20_300w", choices=zoo.names())
    parser.add_argument("--image", type=Path, help="a photograph instead of the generated one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    return parser.parse_args(argv)


def main(argv=None):
    options = parse(argv)
    cv2.setNumThreads(1)
    images = {"face": _image(options.image), "no face": _noise()}
    landmarker = FaceLandmarker.from_preset(options.preset)
    rows = []
    for what, image in images.items():
        for name in ("haar", "haar-frontal"):
            detector = open_detector(name)
            rows.append({"part": f"{name}, {what}", "faces": len(detector(image))})
            rows[-1] |= _median(lambda d=detector, i=image: d(i), options.rounds)
    box = [(200, 120, 200, 200)]
    rows.append({"part": "landmarks", "faces": 1})
    rows[-1] |= _median(lambda: landmarker.detect(images["face"], box), options.rounds)
    rows.append({"part": "first result"} | _first_result(images["face"], options))
    for row in rows:
        print(
            f"{row['part']:<24}{row['wall_ms']:>9.1f} ms{row['cpu_ms']:>9.1f} ms CPU"
            f"{row['faces']:>4} faces"
        )
    if options.json:
        about = {"preset": options.preset, "load": os.getloadavg()[0], "opencv": cv2.__version__}
        write_json(options.json, {"about": about, "rows": rows})


def _image(path):
    """A photograph in a picture of 640x480."""
    image = synthetic.draw(0, size=360).image[..., ::-1] if path is None else cv2.imread(str(path))
    if image is None:
        raise SystemExit(f"{path}: not an image that can be read")
    scale = min(640 / image.shape[1], 480 / image.shape[0])
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = np.full((480, 640, 3), 128, np.uint8)
    picture[: image.shape[0], : image.shape[1]] = image
    return picture[..., ::-1].copy()


def _noise():
    """Blurred noise: texture at every size, and no face."""
    rng = np.random.default_rng(0)
    layers = [
        cv2.resize(rng.uniform(0, 85, (480 // k, 640 // k, 3)), (640, 480)) for k in (4, 16, 60)
    ]
    return sum(layers).astype(np.uint8)


def _median(call, rounds):
    times = []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall, cpu = (1000 * statistics.median(column) for column in zip(*times, strict=True))
    return {"wall_ms": wall, "cpu_ms": cpu}


def _first_result(image, options):
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "face.png")
        cv2.imwrite(path, image[..., ::-1])
        command = [sys.executable, "-c", FIRST_RESULT, path, options.preset]
        found = []
        for _ in range(max(3, options.rounds // 4)):
            start = time.perf_counter()
            answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            found.append((time.perf_counter() - start, answer["cpu"]))
    wall, cpu = (1000 * statistics.median(column) for column in zip(*found, strict=True))
    return {"wall_ms": wall, "cpu_ms": cpu, "faces": answer["faces"]}


if __name__ == "__main__":
    main()
