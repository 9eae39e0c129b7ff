"""Measures how far the crops that a detector leads to are from those of the annotated boxes.

    python tests/benchmarks/bench_detector_jitter.py --root 300w \
        --json results/detection/jitter.json

300W's training faces, every fifth. A crop is that of `FaceCrop`, turned upright by the detector's
angle, or by the annotated eyes. "x" and "y" are the shift of its center in sides of the annotated
crop, along the upright face; "scale" is the logarithm of its side by the annotated one's; "roll" is
in degrees. Of each the mean, the standard deviation and the quantiles, over the faces found. "first
pass" is the crop cut by the box; "second pass" the one cut by the landmarks of the first.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from keras_fld import FaceLandmarker, zoo  # noqa: E402
from keras_fld._internal.files import write_json  # noqa: E402
from keras_fld.data import catalog  # noqa: E402
from keras_fld.evaluation.detectors import ELSEWHERE  # noqa: E402
from keras_fld.geometry.boxes import overlap  # noqa: E402
from keras_fld.geometry.frame import upright_box  # noqa: E402
from keras_fld.predict.face import roll  # noqa: E402

DETECTORS = "blazeface", "blazeface-short"
NUMBERS = "x", "y", "scale", "roll"
QUANTILES = 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99


def away(place, face, scheme):
    """x, y, scale and roll of a crop's place (5,) against the annotated face's."""
    angle = roll(face.landmarks, scheme, 0.0)
    box = upright_box(face.landmarks, angle)
    side = max(box[2:])
    shift = (place[:2] + place[2:4] / 2 - box[:2] - box[2:] / 2) @ [1, 1j] * np.exp(-1j * angle)
    turn = np.degrees(np.angle(np.exp(1j * (place[4] - angle))))
    return shift.real / side, shift.imag / side, np.log(max(place[2:4]) / side), turn


def measure(landmarker, faces):
    """(found, 2, 4) of the first and the second pass, and how many are missed."""
    margin, rows = landmarker.frame.margin, []
    for face in faces:
        image = face.image()
        boxes = landmarker.find_boxes(image)
        shares = overlap(boxes[:, :4], [face.box])[:, 0]
        if shares.max(initial=0) >= ELSEWHERE:
            first = boxes[shares.argmax()]
            (seen,) = landmarker.detect(image, [first], passes=1)
            angle = roll(seen.landmarks, landmarker.scheme, seen.angle)
            places = first, np.array([*upright_box(seen.landmarks, angle), angle])
            rows.append([away(place, face, landmarker.scheme) for place in places])
    # A crop's side is the box's by the margin.
    return np.array(rows) / [margin, margin, 1, 1], len(faces) - len(rows)


def summary(values):
    """Mean, standard deviation and quantiles."""
    found = {"mean": float(values.mean()), "sd": float(values.std())}
    levels = np.quantile(values, QUANTILES).tolist()
    return found | {f"{100 * q:g} %": level for q, level in zip(QUANTILES, levels, strict=True)}


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", required=True, help="a 300W tree")
    parser.add_argument("--every", type=int, default=5, help="take every so many-th face (5)")
    parser.add_argument("--preset", default="trnet20_300w", choices=zoo.names())
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    faces = catalog.read("300w", options.root, "train").faces[:: options.every]
    rows = []
    for detector in DETECTORS:
        landmarker = FaceLandmarker(options.preset, detector, score=None)
        values, missed = measure(landmarker, faces)
        for place, name in enumerate(("first pass", "second pass")):
            row = {"detector": detector, "crop": name, "faces": len(values), "missed": missed}
            columns = values[:, place].T
            row |= {k: summary(v) for k, v in zip(NUMBERS, columns, strict=True)}
            rows.append(row)
            print(detector, name, f"{len(values)} faces, {missed} missed")
            for k in NUMBERS:
                print(f"  {k:<6}", "  ".join(f"{n} {v:.3f}" for n, v in row[k].items()))
    if options.json:
        write_json(options.json, {"preset": options.preset, "every": options.every, "rows": rows})


if __name__ == "__main__":
    main()
