"""Measures memory and time of preparing a large dataset.

    python tests/benchmarks/bench_prepare.py --faces 10000 100000 --json prepare.json

Each number of generated faces is prepared in a process of its own, by two more, into a temporary
folder that needs 110 kB a face. The faces are 200 drawings over and over: drawing takes longer than
preparing. Memory is the most that the process, and any of the two, had resident.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from keras_fld.data import synthetic
from keras_fld.data.faces import Face, FaceSet
from keras_fld.data.prepared.writing import Part, prepare
from keras_fld.geometry.frame import landmark_box
from keras_fld.schemes import IBUG68

_DRAWINGS = {}


def _drawn(index):
    if index not in _DRAWINGS:
        _DRAWINGS[index] = synthetic.draw(index)
    return _DRAWINGS[index]


def _image(index):
    return _drawn(index).image


class Faces(Sequence):
    """Faces first to last, each made when it is asked for."""

    def __init__(self, first, last):
        self.first, self.last = first, last

    def __len__(self):
        return self.last - self.first

    def __getitem__(self, index):
        if isinstance(index, slice):
            start, stop, _ = index.indices(len(self))
            return Faces(self.first + start, self.first + stop)
        if not 0 <= index < len(self):
            raise IndexError(index)
        drawing = (self.first + index) % 200
        points = _drawn(drawing).landmarks
        return Face(
            f"{self.first + index}",
            partial(_image, drawing),
            points,
            landmark_box(points),
            f"{self.first + index}",
        )


def work(count, processes):
    """Prepares that many faces and prints the figures as JSON."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="keras_fld_") as folder:
        faces = FaceSet("generated", IBUG68, Faces(0, count))
        prepare("synthetic", [Part("train", faces, wide=True)], folder, processes=processes)
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
    own, children = (
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    seconds = time.perf_counter() - start
    print(
        json.dumps(
            {
                "faces": count,
                "seconds": seconds,
                "megabytes_written": size / 2**20,
                "resident_megabytes": own,
                "largest_worker_resident_megabytes": children,
            }
        )
    )


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    parser.add_argument("--work", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.work:
        return work(args.work, args.processes)
    rows = []
    for count in args.faces:
        command = [sys.executable, __file__, "--work", str(count)]
        command += ["--processes", str(args.processes)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(
            f"{count:>8} faces: {rows[-1]['seconds']:.0f} s, "
            f"{rows[-1]['resident_megabytes']:.0f} MB, largest worker "
            f"{rows[-1]['largest_worker_resident_megabytes']:.0f} MB"
        )
    if args.json:
        from bench_training import environment

        from keras_fld._internal.files import write_json

        write_json(args.json, {**environment(), "processes": args.processes, "rows": rows})
    return None


if __name__ == "__main__":
    main()
