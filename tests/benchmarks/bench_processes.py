"""Measures how training scales from one process to two, data and step apart.

    KERAS_BACKEND=jax python tests/benchmarks/bench_processes.py --json processes.json

Each process has a core of its own, as if it were a machine, and `--batch` faces in a step, so that
two processes train on twice as many. One and two take turns in:
    data    drawing thirty epochs of augmented faces, nothing else
    step    an epoch of `fit` of TRNet-20 on one batch that comes again and again
    fit     an epoch on the augmented faces, which `train` does
Printed are faces a second of all processes, medians over the rounds, and the ratio of two to one in
the same round: 2 would be perfect. The JSON file also has what the README's plan for many graphics
cards asks for: `data_seconds`, of drawing one face on one core, and `step_seconds`, of a step by
one process. Nothing else should run on the machine meanwhile: its load at the start is in the file.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

PARTS = ("data", "step", "fit")
COUNTS = (1, 2)
# Drawing is quick: one epoch would measure the start of its threads.
EPOCHS_OF_DATA = 30
# Seconds before a turn: the threads of another job's last step spin on the cores for a while.
SETTLING = 2.0


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=10, help="steps of an epoch (10)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each part (5)")
    parser.add_argument("--batch", type=int, default=32, help="faces of a process in a step (32)")
    parser.add_argument("--width", type=float, default=1.0, help="width of TRNet-20 (1.0)")
    parser.add_argument("--cores", help="cores to use, as 0,1 (those that there are)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    parser.add_argument("--work", type=int, metavar="CORE", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def work(args):
    """One process: does the part that each line on standard input names, prints its seconds."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {args.work})
    from keras_fld.training import distributed

    distributed.join()
    import keras
    import numpy as np

    from keras_fld import losses, models
    from keras_fld.data import catalog, crops
    from keras_fld.data.batches import TrainingBatches
    from keras_fld.geometry.frame import FaceCrop

    share = distributed.share()
    faces = catalog.read("synthetic", None, "train", count=args.batch)
    batches = TrainingBatches(
        crops.training_crops(faces, FaceCrop()),
        args.batch * share.processes,
        repeats=np.full(args.batch, share.processes * args.steps),
        share=share,
    )
    first = next(iter(batches))

    class Cached(keras.utils.PyDataset):
        def __len__(self):
            return args.steps

        def __getitem__(self, index):
            return first

    model = models.TRNet20(68, width=args.width)
    model.compile("adamw", loss=losses.ENME(alpha=2.0))
    cached = Cached()
    parts = {
        "data": lambda: [None for _ in range(EPOCHS_OF_DATA) for _ in batches],
        "step": lambda: model.fit(cached, shuffle=False, verbose=0),
        "fit": lambda: model.fit(batches, shuffle=False, verbose=0),
    }
    for part in parts.values():  # compiled
        part()
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        parts[line.strip()]()
        print(time.perf_counter() - start, flush=True)


def started(args, count, cores):
    """The processes of one job, ready."""
    from keras_fld.training.processes import free_address

    address, workers = free_address(), []
    for index in range(count):
        words = [f"--{key}={getattr(args, key)}" for key in ("steps", "batch", "width")]
        place = {"JOB_ADDRESSES": address, "NUM_PROCESSES": count, "PROCESS_ID": index}
        workers.append(
            subprocess.Popen(
                [sys.executable, __file__, f"--work={cores[index]}", *words],
                env=os.environ | {f"KERAS_DISTRIBUTION_{k}": str(v) for k, v in place.items()},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    for index, worker in enumerate(workers):
        if not any(line.strip() == "ready" for line in iter(worker.stdout.readline, "")):
            raise SystemExit(f"process {index} of {count} did not start")
    return workers


def turn(workers, part):
    """Seconds until the last process has done its part."""
    time.sleep(SETTLING)
    for worker in workers:
        worker.stdin.write(part + "\n")
        worker.stdin.flush()
    return max(float(worker.stdout.readline()) for worker in workers)


def main(argv=None):
    args = parse(argv)
    if args.work is not None:
        return work(args)
    os.environ["KERAS_BACKEND"] = "jax"
    from bench_training import environment

    from keras_fld._internal.files import write_json

    about = environment()
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0, 1]
    if args.cores:
        cores = [int(core) for core in args.cores.split(",")]
    if len(cores) < max(COUNTS):
        raise SystemExit(f"{max(COUNTS)} cores are needed, see --cores. Got: {len(cores)}")
    jobs = {count: started(args, count, cores) for count in COUNTS}
    seconds = {count: {part: [] for part in PARTS} for count in COUNTS}
    for _ in range(args.rounds):
        for part in PARTS:
            for count, workers in jobs.items():
                seconds[count][part].append(turn(workers, part))
    for worker in (worker for workers in jobs.values() for worker in workers):
        worker.stdin.close()
    for worker in (worker for workers in jobs.values() for worker in workers):
        worker.wait()
    faces, rows = args.batch * args.steps, {}
    print(f"{'faces/s':<8}" + "".join(f"{count:>10}" for count in COUNTS) + f"{'ratio':>8}")
    for part in PARTS:
        shown = faces * (EPOCHS_OF_DATA if part == "data" else 1)
        rates = {n: n * shown / statistics.median(seconds[n][part]) for n in COUNTS}
        pairs = zip(seconds[1][part], seconds[2][part], strict=True)
        ratio = statistics.median(2 * one / two for one, two in pairs)
        rows[part] = {
            "faces_per_second": rates,
            "ratio": ratio,
            "seconds_by_round": {n: seconds[n][part] for n in COUNTS},
        }
        print(f"{part:<8}" + "".join(f"{rates[n]:>10.1f}" for n in COUNTS) + f"{ratio:>8.2f}")
    if args.json:
        settings = {key: getattr(args, key) for key in ("steps", "rounds", "batch", "width")}
        plan = {
            "data_seconds": statistics.median(seconds[1]["data"]) / faces / EPOCHS_OF_DATA,
            "step_seconds": statistics.median(seconds[1]["step"]) / args.steps,
        }
        command = "python tests/benchmarks/bench_processes.py " + " ".join(argv or sys.argv[1:])
        about = {**about, "command": command, **settings, "cores_used": cores[: max(COUNTS)]}
        write_json(args.json, {**about, **plan, "parts": rows})
    return None


if __name__ == "__main__":
    main()
