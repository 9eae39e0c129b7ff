"""Measures when a second pass is worth it: the NME with a detector's boxes, for several limits.

    python tests/benchmarks/bench_passes.py twin_int8.tflite --root 300w --json passes.json

The model must not have seen a tenth of 300W's training faces (`train --validation 0.1`); these are
the faces measured. A pass is skipped if the corners of its crop are at most the limit apart from
those of the last crop, in sides of a crop: `ALIKE` in `keras_fld.predict.face`.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from keras_fld._internal.files import write_json  # noqa: E402
from keras_fld.data import catalog  # noqa: E402
from keras_fld.evaluation.detectors import FOUND  # noqa: E402
from keras_fld.evaluation.protocol import normalized_errors  # noqa: E402
from keras_fld.geometry.boxes import overlap  # noqa: E402
from keras_fld.predict import face as pending  # noqa: E402
from keras_fld.predict.landmarker import FaceLandmarker  # noqa: E402

LIMITS = (0.0, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, float("inf"))


def errors(landmarker, faces, images, given=False):
    """NME of each face in percent, NaN if none is found; with annotated boxes if `given`."""
    found = []
    for face, image in zip(faces.faces, images, strict=True):
        detected = landmarker.detect(image, boxes=[face.box] if given else None)
        shares = [overlap([x.box], [face.box])[0, 0] for x in detected]
        if max(shares, default=0) < FOUND:
            found.append(np.nan)
            continue
        landmarks = detected[int(np.argmax(shares))].landmarks
        nme = normalized_errors([face], landmarks[None], faces.scheme, ["inter_pupil"])
        found.append(float(nme["inter_pupil"][0]))
    return np.array(found)


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--root", required=True, help="a 300W tree")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args(argv)
    landmarker = FaceLandmarker(args.model, score=None)
    faces = catalog.read("300w", args.root, "train").split(0.1)[1]
    images = [face.image() for face in faces.faces]
    annotated = errors(landmarker, faces, images, given=True)
    rows = []
    for pending.ALIKE in LIMITS:
        found = errors(landmarker, faces, images)
        missed, loss = int(np.isnan(found).sum()), float(np.nanmean(found - annotated))
        rows.append({"limit": str(pending.ALIKE), "missed": missed, "loss": loss})
        print(f"limit {pending.ALIKE:4}  missed {missed}  loss {loss:+.4f}", flush=True)
    if args.json:
        about = {"faces": len(faces), "annotated": float(annotated.mean()), "rows": rows}
        write_json(args.json, about)


if __name__ == "__main__":
    main()
