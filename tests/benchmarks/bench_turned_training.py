"""Measures on training faces up to which roll one look at a face suffices.

    python tests/benchmarks/bench_turned_training.py --root 300w \
        --json results/detection/turned_training.json

The faces are the last of HELEN's training faces of 300W by name, on which `trnet20_300w_fast` was
not trained. Each is turned in the plane. BlazeFace detects it in one look at the whole picture, and
in all three looks. "first" and "all" count faces that no box overlaps by 0.5, and give the
inter-pupil NME in % of the others' landmarks after up to two passes. The faces are grouped by the
roll at which the first look sees them. UPRIGHT in `detectors.blazeface` is chosen by these rows.
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
from keras_fld.evaluation.detectors import FOUND  # noqa: E402
from keras_fld.evaluation.protocol import normalized_errors  # noqa: E402
from keras_fld.geometry.boxes import overlap  # noqa: E402
from keras_fld.geometry.frame import landmark_box, transform  # noqa: E402
from keras_fld.predict.detectors import blazeface  # noqa: E402
from tests.predict.detectors.turned import turned  # noqa: E402

# HELEN's training faces from this name on were not part of the training.
UNSEEN = "helen/trainset/2302937350"
ANGLES = (0, 10, 20, 30, 40, 50, 60)
# Limits of the groups, in degrees.
GROUPS = (0, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 75)


class Look:
    """BlazeFace on close faces, with one look or with all.

    Args:
        sure: score from which one look suffices, as in `BlazeFace.find`.
    """

    def __init__(self, sure):
        self.detector, self.sure = blazeface.BlazeFace(min_face=blazeface.LARGE), sure

    def __call__(self, image):
        return [face.box for face in self.detect(image)]

    def detect(self, image):
        find = self.detector.find
        self.detector.find = lambda image: find(image, self.sure)
        try:
            return self.detector.detect(image)
        finally:
            self.detector.find = find


def turned_face(face, degrees):
    """The picture of a face turned in the plane, and the `Face` in it."""
    image, matrix = turned(face.image(), degrees)
    points = transform(face.landmarks, matrix)
    return image, replace(face, landmarks=points, box=landmark_box(points))


def error_of(landmarker, image, face):
    """The NME of the landmarks in the box that overlaps a face most, NaN without such a box."""
    boxes = landmarker.find_boxes(image)
    shares = overlap(boxes[:, :4], [face.box])[:, 0]
    if shares.max(initial=0) < FOUND:
        return np.nan
    (seen,) = landmarker.detect(image, [boxes[shares.argmax()]], passes=2)
    errors = normalized_errors([face], seen.landmarks[None], landmarker.scheme, ["inter_pupil"])
    return float(errors["inter_pupil"][0])


def turned_rows(preset, faces):
    """A row for each group of rolls."""
    # Any roll is upright to the first look.
    blazeface.UPRIGHT = np.pi
    once, often = (FaceLandmarker(preset, Look(sure), score=None) for sure in (0.85, 2.0))
    results = []
    for face in faces:
        for degrees in ANGLES:
            image, there = turned_face(face, degrees)
            first = blazeface._seen(image, "short", [blazeface.shared("short").size])
            shares = overlap(first.squares, [there.box])[:, 0]
            if not shares.max(initial=0):
                continue
            angle = abs(np.degrees(first.angles[shares.argmax()]))
            results.append((angle, error_of(once, image, there), error_of(often, image, there)))
    results = np.array(results)
    return [
        group_row(low, high, results[(results[:, 0] >= low) & (results[:, 0] < high), 1:])
        for low, high in zip(GROUPS[:-1], GROUPS[1:], strict=True)
    ]


def group_row(low, high, errors):
    both = ~np.isnan(errors).any(axis=1)
    missed = np.isnan(errors).sum(axis=0).tolist()
    row = {"roll": [low, high], "faces": len(errors)}
    row |= {"missed": dict(zip(("first", "all"), missed, strict=True))}
    row |= {"nme": dict(zip(("first", "all"), errors[both].mean(axis=0).tolist(), strict=True))}
    differences = errors[both, 0] - errors[both, 1]
    row["difference"] = float(differences.mean())
    row["standard_error"] = float(differences.std() / len(differences) ** 0.5)
    print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    return row


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", required=True, help="a 300W tree")
    parser.add_argument("--every", type=int, default=9, help="use every n-th face, turned (9)")
    parser.add_argument("--preset", default="trnet20_300w_fast", choices=zoo.names())
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args(argv)
    faces = catalog.read("300w", args.root, "train").faces
    faces = [face for face in faces if face.name.startswith("helen/") and face.name >= UNSEEN]
    print(f"{len(faces)} faces")
    about = {"preset": args.preset, "every": args.every}
    rows = turned_rows(args.preset, faces[:: args.every])
    if args.json:
        write_json(args.json, {"about": about, "turned": rows})


if __name__ == "__main__":
    main()
