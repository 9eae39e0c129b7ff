"""Measures how long finding faces takes, and how soon the first landmarks are there.

    python tests/benchmarks/bench_detection.py --json detection.json
    taskset -c 1 python tests/benchmarks/bench_detection.py
    python tests/benchmarks/bench_detection.py --root faces.json --sheet other.png

On one photograph with a face and on one without (both generated, 640x480), one thread:
    blazeface, -short       at the whole picture and at tiles, and at the whole alone
    haar, haar-frontal      OpenCV's cascades, with and without profiles where no face is frontal
    landmarks               one pass of the preset's int8 file in a given box
    first result            a new process: import, model, detection, landmarks; under 1 s is wanted
Times are wall times beside the process's own CPU time, medians over `--rounds`; where other work
shares the core the second is what a free core would take.

With --root, whole photographs with annotated faces instead, every detector at one photograph after
the other: annotated faces that no box overlaps by 0.5, boxes, those that overlap no annotated face
by 0.3, CPU time for each photograph, and end to end the mean NME of the found faces, inter-pupil in
%, of the landmarks that the preset finds in the box that overlaps most. A last row has the NME in
the annotated boxes, as they are, and turned upright by the annotated eyes as a detector's are.
Where not all faces are
annotated, such a box may show a face: --sheet draws those of `blazeface`, to be looked at and
counted.
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
from keras_fld._internal.images import read_image, save_image
from keras_fld.data import catalog, synthetic
from keras_fld.evaluation.detectors import ELSEWHERE, FOUND
from keras_fld.evaluation.protocol import normalized_errors
from keras_fld.geometry.boxes import overlap
from keras_fld.geometry.frame import FaceCrop, upright_box
from keras_fld.predict.detectors import YuNetDetector, open_detector
from keras_fld.predict.face import roll

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
    parser.add_argument("--root", type=Path, help="faces.json of whole photographs")
    parser.add_argument("--yunet", type=Path, help="a YuNet file, for comparison")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="draw the other boxes there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    return parser.parse_args(argv)


def main(argv=None):
    options = parse(argv)
    cv2.setNumThreads(1)
    rows = _photographs(options) if options.root else _parts(options)
    if options.json:
        about = {"preset": options.preset, "load": os.getloadavg()[0], "opencv": cv2.__version__}
        write_json(options.json, {"about": about, "rows": rows})


def _photographs(options):
    """A row for each detector on whole photographs."""
    detectors = {name: name for name in ("blazeface", "blazeface-short", "haar")}
    if options.yunet:
        detectors["yunet"] = options.yunet
        detectors["yunet at 1024"] = YuNetDetector(options.yunet, max_side=1024)
    landmarkers = {
        name: FaceLandmarker(options.preset, detector, score=None)
        for name, detector in detectors.items()
    }
    faces = catalog.read("own", options.root, "train")
    photographs: dict[Path, list] = {}
    for face in faces.faces:
        photographs.setdefault(face.source, []).append(face)
    found = {name: [] for name in detectors}
    cuts, given = [], []
    for path, annotated in photographs.items():
        image = read_image(path)
        given += annotated_boxes(landmarkers["blazeface"], image, annotated)
        for name, landmarker in landmarkers.items():
            start = time.process_time()
            boxes = landmarker.find_boxes(image)
            spent = 1000 * (time.process_time() - start)
            shares = overlap(boxes[:, :4], [face.box for face in annotated])
            other = boxes[shares.max(axis=1, initial=0) < ELSEWHERE]
            errors = end_to_end(landmarker, image, boxes, shares, annotated)
            found[name].append((errors, len(boxes), len(other), spent))
            if name == "blazeface":
                cuts += [FaceCrop(96, 2.0).crop(image, box[:4], box[4]) for box in other]
    if options.sheet:
        _draw_sheet(cuts, options.sheet)
    print(f"{len(faces)} faces in {len(photographs)} photographs")
    rows = [_row(name, *zip(*numbers, strict=True)) for name, numbers in found.items()]
    plain, upright = np.mean(given, axis=0).tolist()
    print(f"annotated boxes {plain:.3f} % NME, turned upright {upright:.3f}")
    return [*rows, {"boxes": "annotated", "faces": len(given), "nme": plain, "upright": upright}]


def annotated_boxes(landmarker, image, annotated):
    """The NME of each annotated face in its own box, and in its box turned upright."""
    plain, upright = [face.box for face in annotated], []
    for face in annotated:
        angle = roll(face.landmarks, landmarker.scheme, 0.0)
        upright.append([*upright_box(face.landmarks, angle), angle])
    errors = []
    for boxes in (plain, upright):
        seen = np.stack([face.landmarks for face in landmarker.detect(image, boxes)])
        found = normalized_errors(annotated, seen, landmarker.scheme, ["inter_pupil"])
        errors.append(found["inter_pupil"])
    return list(zip(*errors, strict=True))


def end_to_end(landmarker, image, boxes, shares, annotated):
    """(faces,) inter-pupil NME in % of annotated faces through a detector's boxes, NaN if missed.

    Args:
        landmarker: a `FaceLandmarker`.
        image: (height, width, 3) uint8 RGB.
        boxes: (n, 5) as of `FaceLandmarker.find_boxes`.
        shares: (n, faces) overlap of these with the annotated boxes.
        annotated: `Face`s.
    """
    errors = np.full(len(annotated), np.nan)
    found = np.flatnonzero(shares.max(axis=0, initial=0) >= FOUND)
    if len(found):
        best = boxes[shares[:, found].argmax(axis=0)]
        seen = landmarker.detect(image, best, passes=landmarker.passes)
        wrong = normalized_errors(
            [annotated[i] for i in found],
            np.stack([face.landmarks for face in seen]),
            landmarker.scheme,
            ["inter_pupil"],
        )
        errors[found] = wrong["inter_pupil"]
    return errors


def _row(name, errors, boxes, other, times):
    errors = np.concatenate(errors)
    row = {"detector": name, "faces": len(errors), "missed": int(np.isnan(errors).sum())}
    row |= {"boxes": sum(boxes), "other": sum(other), "nme": float(np.nanmean(errors))}
    row |= {"cpu_ms": statistics.median(times), "slowest_cpu_ms": max(times)}
    print(
        f"{name:<18}{row['missed']:>5} missed{row['boxes']:>6} boxes{row['other']:>5} other"
        f"{row['nme']:>8.3f} % NME"
        f"{row['cpu_ms']:>9.1f} ms CPU, median{row['slowest_cpu_ms']:>9.1f} at most"
    )
    return row


def _draw_sheet(cuts, path, columns=12):
    """The cuts as a picture, numbered along the rows from 0."""
    sheet = np.zeros((-(-len(cuts) // columns) * 96, columns * 96, 3), np.uint8)
    for i, cut in enumerate(cuts):
        y, x = (96 * place for place in divmod(i, columns))
        sheet[y : y + 96, x : x + 96] = cut
        cv2.putText(sheet, str(i), (x + 2, y + 12), 0, 0.4, (255, 255, 0))
    save_image(path, sheet)


def _parts(options):
    """A row for each part of the way to landmarks, on generated pictures."""
    images = {"face": _image(options.image), "no face": _noise()}
    landmarker = FaceLandmarker.from_preset(options.preset)
    rows = []
    for what, image in images.items():
        for name in ("blazeface", "blazeface-short", "haar", "haar-frontal"):
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
    return rows


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
