"""Measures what small faces cost: the NME on 300W's common test faces, photographs reduced.

    python tests/benchmarks/bench_small_faces.py --root 300w --json results/small_faces.json

Each photograph is reduced until the face box's longer side has so many pixels, by the mean of the
pixels that fall together, and the preset's int8 file predicts in the box.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from keras_fld import zoo  # noqa: E402
from keras_fld._internal.files import write_json
from keras_fld.data import catalog  # noqa: E402
from keras_fld.predict.lite_model import LiteModel  # noqa: E402

SIZES = (128, 96, 64, 48, 32, 24, 16)


def reduced(image, box, size):
    """An image and a box so reduced that the box's longer side has at most `size` pixels."""
    factor = min(1.0, size / max(box[2:]))
    width, height = (max(1, round(side * factor)) for side in image.shape[1::-1])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    x, y = width / image.shape[1], height / image.shape[0]
    return small, np.multiply(box, (x, y, x, y)), np.array((x, y))


def measure(preset, root):
    """Size of the face box in pixels to the NME in per cent; 0 for the photographs as they are."""
    model, faces = LiteModel(zoo.lite_file(preset)), catalog.read("300w", root, "common")
    found = {}
    for size in (0, *SIZES):
        crops, truth, matrices = [], [], []
        for face in faces.faces:
            image, box, scale = face.image(), face.box, np.ones(2)
            if size:
                image, box, scale = reduced(image, box, size)
            crops.append(model.frame.crop(image, box))
            matrices.append(model.frame.matrix(box))
            # Pixel centers are at whole numbers, so a reduction moves them by half a pixel.
            truth.append((face.landmarks + 0.5) * scale - 0.5)
        truth = np.stack(truth)
        moved = [p @ m[:, :2].T + m[:, 2] for p, m in zip(truth, matrices, strict=True)]
        distances = np.linalg.norm(model.predict(np.stack(crops)) - moved, axis=-1).mean(axis=1)
        pupils = faces.scheme.distance(np.stack(moved), "inter_pupil")
        found[size] = 100 * float(np.mean(distances / pupils))
        print(f"{preset} {size or 'as they are'}: {found[size]:.3f} %", flush=True)
    return {"preset": preset, "faces": len(faces), "nme_by_box_side": found}


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", required=True, help="a 300W tree")
    parser.add_argument("--presets", nargs="+", default=["trnet20_300w", "trnet20_free"])
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args(argv)
    report = {"presets": [measure(preset, args.root) for preset in args.presets]}
    if args.json:
        write_json(args.json, report)


if __name__ == "__main__":
    main()
