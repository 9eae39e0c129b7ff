"""Measures what training costs on this machine: the losses, and ways to run `fit` faster.

    python tests/benchmarks/bench_training.py --json training.json
    KERAS_BACKEND=jax python tests/benchmarks/bench_training.py --settings default

Two questions, answered in one run whose parts take turns, so that a machine that slows down slows
all of them down alike:
    losses      Time of each loss's value and gradient on (batch, 68, 2) tensors, as a share of one
                training step of TRNet-20 at that batch: under 2 % is the target. It is the time of
                a call by itself, compiled as `fit` compiles and the call included, so the share is
                an upper bound.
    settings    Faces per second of `fit` of TRNet-20 with ENME on random faces in memory:
                default             as `compile` leaves it: XLA on JAX, not on the others' CPU
                jit_compile         jit_compile=True: XLA, on PyTorch torch.compile
                mixed_bfloat16      the policy; a gain only where the processor has bfloat16
                Each is compared with the default of the same round; what does not run is left out.
                Starting a pass is part of its time, a few hundredths of a second: take --steps 10
                or more.

After a warm-up every part runs `--rounds` times, `fit` with `--steps` steps each time. Printed are
medians over the rounds; the JSON file also has every round, the machine and the versions. Nothing
else should run on the machine meanwhile: its load at the start is in the file.
"""

import argparse
import os
import platform
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import numpy as np  # noqa: E402

import keras_fld  # noqa: E402
from keras_fld import losses, models  # noqa: E402
from keras_fld._internal.files import write_json

LIMIT_PERCENT = 2.0
SETTINGS = {
    "default": {},
    "jit_compile": {"jit_compile": True},
    "mixed_bfloat16": {"policy": "mixed_bfloat16"},
}
LOSS_CALLS = 20  # in one round


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=_count, default=10, help="steps of a round's fit (10)")
    parser.add_argument("--rounds", type=_count, default=5, help="turns of each part (5)")
    parser.add_argument("--batch", type=_count, default=64, help="faces in a step (64)")
    parser.add_argument(
        "--settings",
        nargs="+",
        choices=SETTINGS,
        default=list(SETTINGS),
        metavar="NAME",
        help=f"of {', '.join(SETTINGS)} (all); the default is always measured",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result there")
    return parser.parse_args(argv)


def _count(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1. Got: {value}")
    return value


def loss_runner(loss, y_true, y_pred):
    """A function that computes a loss's value and gradient once and waits for them.

    Compiled as `fit` compiles on its own: a graph on TensorFlow, XLA on JAX, eager on PyTorch.
    """
    backend = keras.backend.backend()
    y_true, y_pred = (keras.ops.convert_to_tensor(y) for y in (y_true, y_pred))
    if backend == "tensorflow":
        import tensorflow as tf

        @tf.function
        def both(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = loss(y_true, x)
            return value, tape.gradient(value, x)

        return lambda: both(y_pred)[1].numpy()
    if backend == "jax":
        import jax

        both = jax.jit(jax.value_and_grad(lambda x: loss(y_true, x)))
        return lambda: jax.block_until_ready(both(y_pred))

    def run():
        x = y_pred.detach().requires_grad_(True)
        loss(y_true, x).backward()
        return x.grad

    return run


def compiled_model(num_landmarks, policy="float32", **options):
    """TRNet-20, compiled under a policy."""
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = models.TRNet20(num_landmarks)
        model.compile("adamw", loss=losses.ENME(alpha=2.0), **options)
    finally:
        keras.config.set_dtype_policy(previous)
    return model


def seconds(run, calls=1):
    """Seconds that one call takes, as the mean of some."""
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls


def measure(args):
    """Times of all parts, the rounds interleaved."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    faces = args.batch * args.steps
    images = rng.integers(0, 256, (faces, 64, 64, 3), dtype=np.uint8)
    landmarks = rng.uniform(0, 63, (faces, 68, 2)).astype(np.float32)
    guesses = landmarks + rng.normal(0, 2, landmarks.shape).astype(np.float32)
    loss_runs = {
        name: loss_runner(losses.get(name), landmarks[: args.batch], guesses[: args.batch])
        for name in losses.LOSSES
    }

    def fit_runner(model):
        return lambda: model.fit(images, landmarks, batch_size=args.batch, shuffle=False, verbose=0)

    fit_runs, compiled, left_out = {}, {}, {}
    for name in dict.fromkeys(["default", *args.settings]):
        try:
            model = compiled_model(landmarks.shape[1], **SETTINGS[name])
            run = fit_runner(model)
            run()
            run()  # torch.compile compiles again in the second pass
        except Exception as error:  # whatever a compiler that is not there raises
            if name == "default":
                raise
            left_out[name] = str(error).strip().partition("\n")[0] or type(error).__name__
        else:
            fit_runs[name], compiled[name] = run, model.jit_compile
    for run in loss_runs.values():
        seconds(run, LOSS_CALLS)
    loss_times, fit_times = ({name: [] for name in runs} for runs in (loss_runs, fit_runs))
    for _ in range(args.rounds):
        for name, run in fit_runs.items():
            fit_times[name].append(seconds(run))
        for name, run in loss_runs.items():
            loss_times[name].append(seconds(run, LOSS_CALLS))
    return summarize(args, loss_times, fit_times, compiled, left_out)


def summarize(args, loss_times, fit_times, compiled, left_out):
    """Medians, shares and ratios of the times in seconds."""
    default = fit_times["default"]
    step = statistics.median(default) / args.steps
    rows = {}
    for name, times in loss_times.items():
        share = 100 * statistics.median(times) / step
        rows[name] = {
            "milliseconds": 1e3 * statistics.median(times),
            "percent_of_step": share,
            "within_limit": share < LIMIT_PERCENT,
            "seconds_by_round": times,
        }
    settings = {}
    for name, times in fit_times.items():
        settings[name] = {
            "faces_per_second": args.batch * args.steps / statistics.median(times),
            "ratio_to_default": statistics.median(
                a / b for a, b in zip(default, times, strict=True)
            ),
            "jit_compile": compiled[name],
            "seconds_by_round": times,
        }
    return {
        "step_milliseconds": 1e3 * step,
        "limit_percent": LIMIT_PERCENT,
        "losses": rows,
        "settings": settings,
        "left_out": left_out,
    }


def environment():
    """What machine and versions the figures are of."""
    backend = keras.backend.backend()
    facts = {}
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines():
            key, _, value = (part.strip() for part in line.partition(":"))
            facts.setdefault(key, value)
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "platform": platform.platform(),
        "cpu": facts.get("model name") or platform.processor() or "unknown",
        # What decides whether bfloat16 and int8 have instructions of their own.
        "cpu_flags": [
            flag
            for flag in facts.get("flags", "").split()
            if flag in ("avx2", "avx512f") or flag.startswith(("amx", "avx512_bf16", "avx512_vnni"))
        ],
        "cores": os.cpu_count(),
        "load_at_start": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "backend": backend,
        "versions": {
            "python": platform.python_version(),
            "keras_fld": keras_fld.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
            backend: sys.modules[backend].__version__,
        },
    }


def table(result):
    """The result as text."""
    lines = [f"one training step: {result['step_milliseconds']:.1f} ms", ""]
    lines.append(f"{'loss':<16}{'ms':>8}{'% of step':>12}")
    for name, row in result["losses"].items():
        note = "" if row["within_limit"] else f"   over {result['limit_percent']:g} %"
        lines.append(f"{name:<16}{row['milliseconds']:>8.3f}{row['percent_of_step']:>12.3f}{note}")
    lines += ["", f"{'setting':<16}{'faces/s':>8}{'x default':>12}"]
    for name, row in result["settings"].items():
        lines.append(f"{name:<16}{row['faces_per_second']:>8.1f}{row['ratio_to_default']:>12.2f}")
    lines += [f"{name:<16}left out: {reason}" for name, reason in result["left_out"].items()]
    return "\n".join(lines)


def main(argv=None):
    args = parse(argv)
    report = {
        **environment(),
        "steps": args.steps,
        "rounds": args.rounds,
        "batch": args.batch,
        **measure(args),
    }
    print(table(report))
    if args.json:
        write_json(args.json, report)


if __name__ == "__main__":
    main()
