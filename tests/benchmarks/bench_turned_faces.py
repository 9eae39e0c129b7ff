"""Counts faces that detectors miss when the photograph is turned in the plane.

    python tests/benchmarks/bench_turned_faces.py --root 300w

Every fourth HELEN test face of 300W, turned by so many degrees. A face is found where a box
overlaps the box around its turned landmarks by 0.5; "other" counts boxes that overlap it by less
than 0.3. "angle_off" is the median difference between the angle found and the angle turned by,
the face's own roll included; "nme" is the mean inter-pupil NME in % of the found faces' landmarks.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from keras_fld import FaceLandmarker, zoo  # noqa: E402
from keras_fld._internal.files import write_json  # noqa: E402
from keras_fld.data import catalog  # noqa: E402
from keras_fld.evaluation.detectors import ELSEWHERE, FOUND  # noqa: E402
from keras_fld.geometry.boxes import overlap  # noqa: E402
from keras_fld.geometry.frame import landmark_box, transform  # noqa: E402
from tests.benchmarks.bench_detection import end_to_end  # noqa: E402
from tests.predict.detectors.turned import turned  # noqa: E402

ANGLES = (0, 15, 30, 45, 60, 90, 180)


def measure(landmarker, faces, degrees):
    """The figures of a landmarker's detector at one angle."""
    missed, other, away, errors = 0, 0, [], []
    for face in faces:
        image, matrix = turned(face.image(), degrees)
        points = transform(face.landmarks, matrix)
        face = replace(face, landmarks=points, box=landmark_box(points))
        boxes = landmarker.find_boxes(image)
        shares = overlap(boxes[:, :4], [face.box])
        missed += int(shares.max(initial=0) < FOUND)
        other += int((shares < ELSEWHERE).sum())
        errors += end_to_end(landmarker, image, boxes, shares, [face]).tolist()
        if len(boxes):
            turn = boxes[int(shares.argmax()), 4] - np.radians(degrees)
            away.append(abs(np.degrees(np.angle(np.exp(1j * turn)))))
    row = {"degrees": degrees, "faces": len(faces), "missed": missed, "other": other}
    return row | {"angle_off": float(np.median(away)), "nme": float(np.nanmean(errors))}


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", required=True, help="a 300W tree")
    parser.add_argument("--detectors", nargs="+", default=["blazeface", "blazeface-turned", "haar"])
    parser.add_argument("--angles", type=int, nargs="+", default=ANGLES, help="in degrees")
    parser.add_argument("--preset", default="trnet20_300w", choices=zoo.names())
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args(argv)
    faces = catalog.read("300w", args.root, "common").faces
    faces = [face for face in faces if face.name.startswith("helen/")][::4]
    rows = []
    for name in args.detectors:
        landmarker = FaceLandmarker(args.preset, name, score=None)
        for degrees in args.angles:
            rows.append({"detector": name} | measure(landmarker, faces, degrees))
            print("  ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    if args.json:
        write_json(args.json, {"rows": rows})


if __name__ == "__main__":
    main()
