"""Measures how fast augmented faces come, and whether training waits for them.

    python tests/benchmarks/bench_data.py --json data.json
    KERAS_BACKEND=jax python tests/benchmarks/bench_data.py --rounds 3

Two ways of reading the same generated faces, JPEG photographs of about 500x500:
    prepared        from prepared shards, memory-mapped: 5,000 faces/s are wanted
    photographs     decoded each time they are drawn: 1,000 faces/s are wanted
For each, in one run whose parts take turns:
    faces/s         of an epoch of batches with all augmentations, nothing else running
    x training      the same as a multiple of the faces that one training step takes in a second
    waiting         how much longer an epoch of `fit` of TRNet-20 takes on these batches than on one
                    batch that comes again and again, in per cent: under 2 is wanted. Beside the
                    time without data it holds what drawing takes from the processors that train.
    CPU ms          processor time that drawing a batch takes, all threads together: what a machine
                    that is busy otherwise still tells truly

The backend's own data path is measured: tf.data on TensorFlow, `TrainingBatches` elsewhere. Figures
are medians over `--rounds`; the JSON file also has every round, the machine and the versions.
Nothing else should run on the machine meanwhile: its load at the start is in the file.
"""

import argparse
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from bench_training import _count, compiled_model, environment, seconds

from keras_fld._internal.files import write_json
from keras_fld.data import feed, synthetic
from keras_fld.data.crops import training_crops
from keras_fld.data.faces import Face, FaceSet
from keras_fld.data.photographs import training_photographs
from keras_fld.data.prepared.reading import read_prepared
from keras_fld.data.prepared.writing import Part, prepare
from keras_fld.geometry.frame import FaceCrop, landmark_box
from keras_fld.schemes import IBUG68

WANTED = {"prepared": 5000, "photographs": 1000}
WAITING_PERCENT = 2.0
PHOTOGRAPHS = 64  # different ones; the faces of an epoch are theirs again and again
SIDE = 500


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=_count, default=20, help="batches of an epoch (20)")
    parser.add_argument("--rounds", type=_count, default=5, help="turns of each part (5)")
    parser.add_argument("--batch", type=_count, default=64, help="faces in a batch (64)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    return parser.parse_args(argv)


def photographs(folder, count):
    """Generated faces as JPEG files, `count` faces in all."""
    faces = []
    for index in range(count):
        if index < PHOTOGRAPHS:
            drawn = synthetic.draw(index, size=SIDE)
            path = folder / f"{index}.jpg"
            cv2.imwrite(str(path), drawn.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
            box = landmark_box(drawn.landmarks)
            faces.append(Face(path.stem, path, drawn.landmarks, box, path.stem))
        else:
            faces.append(faces[index % PHOTOGRAPHS])
    return FaceSet("drawn", IBUG68, faces)


def run_through(batches):
    """Draws an epoch and throws it away."""
    for _ in batches:
        pass


def repeated(batches, steps):
    """One batch that comes `steps` times, by the same data path as the batches."""
    images, landmarks = (np.asarray(part) for part in next(iter(batches)))
    if hasattr(batches, "prefetch"):
        import tensorflow as tf

        return tf.data.Dataset.from_tensors((images, landmarks)).repeat(steps).prefetch(2)
    import keras

    class Cached(keras.utils.PyDataset):
        def __len__(self):
            return steps

        def __getitem__(self, index):
            return images, landmarks

    return Cached()


def measure(args, folder):
    """Times of all parts, the rounds interleaved."""
    faces = photographs(folder, args.batch * args.steps)
    prepare("drawn", [Part("train", faces, wide=True)], folder / "prepared")
    sources = {
        "prepared": training_crops(read_prepared(folder / "prepared"), FaceCrop()),
        "photographs": training_photographs(faces, FaceCrop()),
    }
    batches = {name: feed.training_batches(data, args.batch) for name, data in sources.items()}
    model = compiled_model(IBUG68.num_landmarks)
    cached = repeated(batches["prepared"], args.steps)
    runs = {"step": partial(model.fit, cached, shuffle=False, verbose=0)}
    for name, data in batches.items():
        runs[f"draw {name}"] = partial(run_through, data)
        runs[f"fit {name}"] = partial(model.fit, data, shuffle=False, verbose=0)
    for run in runs.values():
        run()
    times, processor = ({name: [] for name in runs} for _ in range(2))
    for _ in range(args.rounds):
        for name, run in runs.items():
            start = time.process_time()
            times[name].append(seconds(run))
            processor[name].append(time.process_time() - start)
    return summarize(args, times, processor)


def summarize(args, times, processor):
    """Medians, ratios and shares of the times in seconds."""
    faces, step = args.batch * args.steps, statistics.median(times["step"])
    rows = {}
    for name, wanted in WANTED.items():
        rate = faces / statistics.median(times[f"draw {name}"])
        pairs = zip(times[f"fit {name}"], times["step"], strict=True)
        waiting = statistics.median(100 * (fit - alone) / fit for fit, alone in pairs)
        rows[name] = {
            "faces_per_second": rate,
            "wanted": wanted,
            "ratio_to_training": rate / (faces / step),
            "waiting_percent": waiting,
            "within_limit": rate >= wanted and waiting < WAITING_PERCENT,
            "processor_milliseconds": 1e3
            * statistics.median(processor[f"draw {name}"])
            / args.steps,
        }
    return {
        "step_milliseconds": 1e3 * step / args.steps,
        "waiting_limit_percent": WAITING_PERCENT,
        "sources": rows,
        "seconds_by_round": times,
    }


def table(result):
    """The result as text."""
    lines = [
        f"one training step: {result['step_milliseconds']:.1f} ms",
        "",
        f"{'faces from':<14}{'faces/s':>9}{'wanted':>9}{'x training':>12}{'waiting %':>11}"
        f"{'CPU ms':>9}",
    ]
    for name, row in result["sources"].items():
        lines.append(
            f"{name:<14}{row['faces_per_second']:>9.0f}{row['wanted']:>9}"
            f"{row['ratio_to_training']:>12.1f}{row['waiting_percent']:>11.2f}"
            f"{row['processor_milliseconds']:>9.1f}"
        )
    return "\n".join(lines)


def main(argv=None):
    args = parse(argv)
    with tempfile.TemporaryDirectory() as folder:
        result = measure(args, Path(folder))
    report = {
        **environment(),
        "steps": args.steps,
        "rounds": args.rounds,
        "batch": args.batch,
        "photograph_side": SIDE,
        **result,
    }
    print(table(report))
    if args.json:
        write_json(args.json, report)


if __name__ == "__main__":
    main()
