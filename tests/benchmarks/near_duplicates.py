"""Looks for photographs of 300W's common test faces among faces that a model was trained on.

    python tests/benchmarks/near_duplicates.py --root 300w --also mtfl=mtfl --also pts=ytf \\
        --sheet pairs.png --json results/near_duplicates.json

Every face is aligned by its eyes, nose and mouth corners, in gray, and compared with every test
face by normalized correlation: 1 is the same picture. The same photograph in another size or
compression has 0.95 and more; the sheet shows the most similar pairs, the test face left.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from keras_fld import schemes  # noqa: E402
from keras_fld._internal.files import write_json
from keras_fld._internal.images import save_image
from keras_fld.analysis import aligned_crop  # noqa: E402
from keras_fld.data import catalog  # noqa: E402

SIDE, MARGIN, LIMIT, SHOWN = 48, 2.2, 0.95, 24


def pictures(faces):
    """(faces, SIDE, SIDE, 3) uint8 aligned crops."""
    found = []
    for face in faces.faces:
        points = schemes.convert(face.landmarks[None], faces.scheme, "mtfl5")[0]
        found.append(aligned_crop(face.image(), points, "mtfl5", SIDE, MARGIN)[0])
    return np.stack(found)


def vectors(images):
    """Gray crops, a little blurred, as vectors whose products are their correlations."""
    gray = [cv2.GaussianBlur(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY), (3, 3), 0) for x in images]
    flat = np.stack(gray).reshape(len(gray), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", required=True, help="a 300W tree")
    parser.add_argument("--also", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--sheet", type=Path, help="PNG of the most similar pairs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    options = parser.parse_args(argv)
    sources = [("300w", options.root), *(pair.split("=", 1) for pair in options.also)]
    test = catalog.read("300w", options.root, "common")
    shown = pictures(test)
    wanted, rows, pairs = vectors(shown), [], []
    for name, root in sources:
        faces = catalog.read(name, root, catalog.get(name).train, skip_bad=True)
        images = pictures(faces)
        likeness = wanted @ vectors(images).T
        best = likeness.max(axis=1)
        above = np.argwhere(likeness > LIMIT)
        rows.append(
            {
                "dataset": name,
                "faces": len(faces),
                "limit": LIMIT,
                "test_faces_above": len(set(above[:, 0].tolist())),
                "most_similar": float(best.max()),
            }
        )
        print(rows[-1], flush=True)
        for index in np.argsort(-best)[:SHOWN]:
            other = int(likeness[index].argmax())
            pairs.append((float(best[index]), np.hstack([shown[index], images[other]])))
    if options.sheet:
        pairs.sort(key=lambda pair: -pair[0])
        tiles = [picture for _, picture in pairs[: 2 * SHOWN]]
        lines = [np.hstack(tiles[i : i + 8]) for i in range(0, len(tiles) // 8 * 8, 8)]
        save_image(options.sheet, np.vstack(lines))
    if options.json:
        write_json(options.json, {"test_faces": len(test), "datasets": rows})


if __name__ == "__main__":
    main()
