"""Measures the training speed of TRNet-20 on each backend and setting, in one interleaved run.

    python tests/benchmarks/bench_backends.py --json backends.json

A process for each configuration trains on random faces in memory when its turn comes and sleeps
otherwise, so a machine that slows down slows all of them alike. Configurations whose backend is not
installed are left out:
    tensorflow              Keras on TensorFlow, as `compile` leaves it: the reference
    tensorflow-bfloat16     the policy mixed_bfloat16
    jax                     Keras on JAX
    torch                   Keras on PyTorch
    torch-kernels           `models.torch_forward.TorchForward`, float32
    torch-kernels-bfloat16  the same in bfloat16, which `train` uses for precision "bfloat16"
Printed are medians over the rounds, and of the ratio to the reference in the same round.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

# Name to backend, policy, and whether PyTorch's kernels run it, in bfloat16 or not.
CONFIGURATIONS = {
    "tensorflow": ("tensorflow", "float32", None),
    "tensorflow-bfloat16": ("tensorflow", "mixed_bfloat16", None),
    "jax": ("jax", "float32", None),
    "torch": ("torch", "float32", None),
    "torch-kernels": ("torch", "float32", False),
    "torch-kernels-bfloat16": ("torch", "float32", True),
}
REFERENCE = "tensorflow"


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=10, help="steps of a turn (10)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each configuration (5)")
    parser.add_argument("--batch", type=int, default=64, help="faces in a step (64)")
    parser.add_argument("--threads", type=int, default=2, help="threads of the kernels (2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    parser.add_argument("--work", choices=CONFIGURATIONS, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def work(args):
    """One configuration: trains a turn for each line on standard input, prints its seconds."""
    import keras
    import numpy as np

    from keras_fld import losses, models

    backend, policy, bfloat16 = CONFIGURATIONS[args.work]
    keras.config.set_dtype_policy(policy)
    model = models.TRNet20()
    options = {}
    if backend == "torch":
        import torch

        torch.set_num_threads(args.threads)
    if bfloat16 is not None:
        from keras_fld.models.torch_forward import TorchForward

        model, options = TorchForward(model, bfloat16), {"jit_compile": False}
    model.compile("adamw", loss=losses.ENME(alpha=2.0), **options)
    rng = np.random.default_rng(0)
    faces = args.batch * args.steps
    images = rng.integers(0, 256, (faces, 64, 64, 3), dtype=np.uint8)
    landmarks = rng.uniform(0, 63, (faces, 68, 2)).astype(np.float32)
    for _ in range(2):  # kernels are chosen and compiled
        model.fit(images, landmarks, batch_size=args.batch, verbose=0)
    print("ready", keras.__version__, sys.modules[backend].__version__, flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        model.fit(images, landmarks, batch_size=args.batch, verbose=0)
        print(time.perf_counter() - start, flush=True)


def measure(args):
    """Seconds of every turn, and the versions, by configuration."""
    workers, versions, seconds = {}, {}, {}
    for name, (backend, _, _) in CONFIGURATIONS.items():
        if find_spec(backend) is None:
            continue
        workers[name] = subprocess.Popen(
            [sys.executable, __file__, "--work", name, "--steps", str(args.steps)]
            + ["--batch", str(args.batch), "--threads", str(args.threads)],
            env=os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        answer = workers[name].stdout.readline().split()
        if answer[:1] != ["ready"]:
            raise SystemExit(f"{name}: the process did not start")
        versions[name] = {"keras": answer[1], backend: answer[2]}
        seconds[name] = []
    for _ in range(args.rounds):
        for name, worker in workers.items():
            worker.stdin.write("go\n")
            worker.stdin.flush()
            seconds[name].append(float(worker.stdout.readline()))
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    return seconds, versions


def main(argv=None):
    args = parse(argv)
    if args.work:
        return work(args)
    from bench_training import environment

    from keras_fld._internal.files import write_json

    about = environment()
    seconds, versions = measure(args)
    rows = {}
    for name, times in seconds.items():
        pairs = zip(seconds[REFERENCE], times, strict=True)
        rows[name] = {
            "faces_per_second": args.batch * args.steps / statistics.median(times),
            "ratio": statistics.median(a / b for a, b in pairs),
            "versions": versions[name],
            "seconds_by_round": times,
        }
    print(f"{'configuration':<26}{'faces/s':>8}{'x ' + REFERENCE:>14}")
    for name, row in rows.items():
        print(f"{name:<26}{row['faces_per_second']:>8.1f}{row['ratio']:>14.2f}")
    if args.json:
        settings = {key: getattr(args, key) for key in ("steps", "rounds", "batch", "threads")}
        write_json(args.json, {**about, **settings, "configurations": rows})
    return None


if __name__ == "__main__":
    main()
