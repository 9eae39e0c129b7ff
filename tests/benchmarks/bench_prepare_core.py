"""Measures what preparing a face costs one core, for the size of a cluster.

    python tests/benchmarks/bench_prepare_core.py --json results/benchmarks/prepare_core.json

Generated faces are written as JPEG photographs of 500x500 and prepared by one process: a photograph
is read and decoded for each face. Seconds are the processor's, which other work beside it does not
change much. The rest is arithmetic for `--faces` faces on `--cores` cores.
"""

import argparse
import platform
import tempfile
import time
from pathlib import Path

import cv2

from keras_fld._internal.files import write_json
from keras_fld.data import synthetic
from keras_fld.data.faces import Face, FaceSet
from keras_fld.data.prepared.writing import FACES_PER_SHARD, Part, prepare
from keras_fld.geometry.frame import landmark_box
from keras_fld.schemes import IBUG68


def measure(photographs, folder):
    """Processor seconds and bytes of a face, as a dictionary."""
    cv2.setNumThreads(1)
    faces = []
    for index in range(photographs):
        drawn = synthetic.draw(index, size=500)
        path = folder / f"{index}.jpg"
        cv2.imwrite(str(path), drawn.image[..., ::-1])
        points = drawn.landmarks
        faces.append(Face(str(index), path, points, landmark_box(points), str(index)))
    part = Part("train", FaceSet("generated", IBUG68, faces), wide=True)
    start = time.process_time()
    manifest = prepare("generated", [part], folder / "out")
    seconds = time.process_time() - start
    size = sum(shard["bytes"] for shard in manifest["splits"]["train"]["shards"])
    return {"seconds_per_face": seconds / photographs, "bytes_per_face": size / photographs}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photographs", type=int, default=256)
    parser.add_argument("--faces", type=int, default=10_000_000)
    parser.add_argument("--cores", type=int, default=64)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="keras_fld_") as folder:
        one = measure(args.photographs, Path(folder))
    hours = one["seconds_per_face"] * args.faces / 3600
    result = {
        "photographs": args.photographs,
        **one,
        "faces": args.faces,
        "shards": -(-args.faces // FACES_PER_SHARD),
        "terabytes": one["bytes_per_face"] * args.faces / 1e12,
        "core_hours": hours,
        "cores": args.cores,
        "hours": hours / args.cores,
    }
    print(*(f"{key}: {value:,.6g}" for key, value in result.items()), sep="\n")
    if args.json:
        write_json(
            args.json, {"python": platform.python_version(), "opencv": cv2.__version__, **result}
        )


if __name__ == "__main__":
    main()
