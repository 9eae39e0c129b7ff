"""Compares the processor time from a photograph to landmarks with that of MediaPipe's FaceMesh.

MediaPipe holds NumPy and OpenCV back, so it gets an environment of its own:

    python -m venv mediapipe
    mediapipe/bin/pip install mediapipe==0.10.21 ai-edge-litert click google-crc32c imagesize \
        scikit-image
    mediapipe/bin/python tests/benchmarks/bench_mediapipe.py --root whole/faces.json \
        --json results/detection/mediapipe.json

Both get the same 640x480 pictures in one process, pinned to one core, taking turns, so the ratio
holds where other work slows the machine. The order is drawn anew for each turn. FaceMesh runs as
for single photographs (static_image_mode), detector and 468 landmarks; the package finds faces and
their 68 landmarks in up to two passes, with the face score and without, and in one. Times are CPU
time of the whole process.

The pictures are scikit-image's astronaut and, with --root, the photographs with one annotated face:
those whose face takes a fifth of the picture's longer side or more, where BlazeFace needs no tiles
by default, and the others. Only those count in which both find exactly one face. "ratio" is the
median over the pictures of the package's time by FaceMesh's, each a median over --rounds.
"""

import argparse
import os
import random
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

import keras_fld  # noqa: E402
from keras_fld._internal.files import write_json  # noqa: E402
from keras_fld._internal.images import read_image  # noqa: E402
from keras_fld.data import catalog  # noqa: E402
from keras_fld.predict.detectors.blazeface import CLOSE  # noqa: E402

SIZE = 640, 480
DETECTORS = "blazeface", "blazeface-short"


def fitted(image):
    """A photograph in a picture of 640x480, gray around it."""
    scale = min(SIZE[0] / image.shape[1], SIZE[1] / image.shape[0])
    size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    picture = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
    picture[: size[1], : size[0]] = cv2.resize(image, size, interpolation=smooth)
    return picture


def photographs(root):
    """The photographs with one annotated face: name of a set to its pictures."""
    faces: dict[Path, list] = {}
    for face in catalog.read("own", root, "train").faces:
        faces.setdefault(face.source, []).append(face)
    sets: dict[str, list] = {"close faces": [], "smaller faces": []}
    for path, annotated in faces.items():
        if len(annotated) == 1:
            image = read_image(path)
            scale = min(SIZE[0] / image.shape[1], SIZE[1] / image.shape[0])
            close = scale * max(annotated[0].box[2:]) >= CLOSE * max(SIZE)
            sets["close faces" if close else "smaller faces"].append(fitted(image))
    return sets


def face_mesh():
    """FaceMesh as a function of a picture that returns its faces."""
    import mediapipe

    mesh = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True)
    return lambda picture: mesh.process(picture).multi_face_landmarks or []


def timed(calls, picture, rounds):
    """Name to the median CPU time in ms; None where one of them does not find a single face."""
    times = {name: [] for name in calls}
    order, rng = list(calls.items()), random.Random(0)
    for turn in range(rounds + 1):
        # What ran before decides what the caches hold, so each follows each of the others.
        rng.shuffle(order)
        for name, call in order:
            start = time.process_time()
            faces = call(picture)
            if len(faces) != 1:
                return None
            if turn:  # the first warms up
                times[name].append(1000 * (time.process_time() - start))
    return {name: statistics.median(found) for name, found in times.items()}


def summary(found, names):
    """Rows of the medians over pictures, each beside FaceMesh's."""
    rows = []
    for name in names:
        ratios = [times[name] / times["FaceMesh"] for times in found]
        row = {"name": name, "cpu_ms": statistics.median(times[name] for times in found)}
        rows.append(row | {"ratio": statistics.median(ratios), "highest_ratio": max(ratios)})
    return rows


def about(options):
    """What the figures depend on."""
    info = Path("/proc/cpuinfo")
    flags = info.read_text().split() if info.exists() else []
    packages = ("mediapipe", "ai-edge-litert", "numpy", "opencv-contrib-python")
    return {
        "keras_fld": keras_fld.__version__,
        **{name: version(name) for name in packages},
        "avx512_vnni": "avx512_vnni" in flags,
        "preset": options.preset,
        "rounds": options.rounds,
        "load": os.getloadavg()[0],
    }


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, help="faces.json of whole photographs")
    parser.add_argument("--preset", default="trnet20_300w")
    parser.add_argument("--rounds", type=int, default=9, help="turns at each picture (9)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    options = parser.parse_args(argv)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    from skimage.data import astronaut

    calls = {"FaceMesh": face_mesh()}
    for detector in DETECTORS:
        for score in (True, None):
            landmarker = keras_fld.FaceLandmarker.from_preset(
                options.preset, detector=detector, score=score
            )
            calls[detector if score else f"{detector}, no score"] = landmarker.detect
    quick = keras_fld.FaceLandmarker.from_preset(options.preset, passes=1, score=None)
    calls["blazeface, no score, one pass"] = quick.detect
    sets = {"astronaut": [fitted(astronaut())]}
    if options.root:
        sets |= photographs(options.root)
    result = {"about": about(options)}
    for kind, pictures in sets.items():
        found = [timed(calls, picture, options.rounds) for picture in pictures]
        found = [times for times in found if times is not None]
        result[kind] = {"pictures": len(pictures), "counted": len(found)}
        print(f"{kind}: {len(found)} of {len(pictures)} pictures")
        if found:
            result[kind]["rows"] = summary(found, calls)
        for row in result[kind].get("rows", []):
            print(f"  {row['name']:<30}{row['cpu_ms']:>8.2f} ms CPU  ratio{row['ratio']:>6.2f}")
    if options.json:
        write_json(options.json, result)


if __name__ == "__main__":
    main()
