"""Latency of models on this machine; `tflite/benchmark.py` measures it on other devices."""

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from keras_fld import zoo
from keras_fld._internal.processor import instruction_set
from keras_fld.predict import metadata
from keras_fld.predict.described_file import open_interpreter

_BLOCK = 10
# Medians within this factor of the lowest count as equal: another run may order them differently.
_AS_FAST = 1.05


@dataclass(frozen=True)
class Latency:
    """Latency of several models, measured in one run.

    Args:
        rows: one dictionary for each model: model, bytes, threads, runs, p50_ms, p90_ms, p99_ms,
            frames_per_second, ratio_to_first (its p50 divided by the first model's) and license
            (None if unknown).
        instruction_set: the processor's instruction set, such as "AVX2".
    """

    rows: list[dict]
    instruction_set: str

    def __str__(self):
        wide = 2 + max(5, *(len(row["model"]) for row in self.rows))
        head = f"{'model':<{wide}}{'bytes':>12}{'threads':>9}"
        head += f"{'p50 ms':>9}{'p90 ms':>9}{'p99 ms':>9}{'frames/s':>10}{'vs first':>10}"
        lines = [head]
        for row in self.rows:
            times = "".join(f"{row[name]:>9.3f}" for name in ("p50_ms", "p90_ms", "p99_ms"))
            lines.append(
                f"{row['model']:<{wide}}{row['bytes']:>12,}{row['threads']:>9}{times}"
                f"{row['frames_per_second']:>10.0f}{row['ratio_to_first']:>10.2f}"
            )
        lines.append(f"instruction set: {self.instruction_set}")
        return "\n".join(lines)

    def as_dict(self):
        """The figures, the machine and the versions, for JSON."""
        return {
            "machine": platform.machine(),
            "instruction_set": self.instruction_set,
            "versions": {name: version(name) for name in ("keras-fld", "ai-edge-litert")},
            "models": self.rows,
        }


def benchmark(models: Sequence[str | Path], runs: int = 300, threads: int = 1) -> "Latency":
    """Measures the latency of models on this machine.

    Args:
        models: paths of `.tflite` files, or names of presets. Name a model twice to see the
            measurement error: the ratio of the two should be 1.
        runs: timed runs of each model.
        threads: threads of the interpreter.

    Returns:
        A `Latency`, which prints as a table.

    Raises:
        ValueError: there is no model, a file is bad, or runs or threads are below 1.

    Examples:
        >>> print(benchmark(["model_float32.tflite", "trnet20_300w"]))
    """
    if not models:
        raise ValueError("models must name at least one .tflite file or preset. Got: none")
    for name, value in (("runs", runs), ("threads", threads)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1. Got: {value}")
    paths = [zoo.lite_file(x) if x in zoo.names() else Path(x) for x in models]
    for path in paths:
        if path.suffix != ".tflite":
            known = ", ".join(zoo.names())
            raise ValueError(f"a model must end in .tflite or be a preset ({known}). Got: {path}")
    times = measure([_Timed(path, threads) for path in paths], runs)
    rows, first = [], float(np.median(times[0]))
    for path, own in zip(paths, times, strict=True):
        p50, p90, p99 = (float(p) for p in np.percentile(own, [50, 90, 99]))
        rows.append(
            {
                "model": path.name,
                "bytes": path.stat().st_size,
                "threads": threads,
                "runs": len(own),
                "p50_ms": p50,
                "p90_ms": p90,
                "p99_ms": p99,
                "frames_per_second": 1000 / p50,
                "ratio_to_first": p50 / first,
                "license": _license(path),
            }
        )
    return Latency(rows, instruction_set())


def _license(path):
    """The license in the metadata of a file, or None."""
    try:
        about = metadata.read(path)
    except ValueError:  # the metadata are damaged, but the file runs
        return None
    return None if about is None else metadata.license_of(about)


class _Timed:
    """A `.tflite` file to time, with any input and output."""

    def __init__(self, path, threads=1):
        self._interpreter = open_interpreter(path, threads)
        for given in self._interpreter.get_input_details():
            if np.issubdtype(given["dtype"], np.floating):  # not denormal, which is slow
                middle = np.full(given["shape"], 0.5, given["dtype"])
                self._interpreter.set_tensor(given["index"], middle)

    def run(self):
        self._interpreter.invoke()


def interleaved(files, rounds=20):
    """Median latency of models on one thread. The models take turns.

    Args:
        files: name to path of a `.tflite` file.
        rounds: blocks of 10 runs of each model.

    Returns:
        Name to milliseconds, as a dictionary.

    Examples:
        >>> sorted(interleaved({"int8": "int8.tflite", "float32": "float32.tflite"}))
        ['float32', 'int8']
    """
    times = measure([_Timed(path) for path in files.values()], rounds * _BLOCK)
    return {name: float(np.median(own)) for name, own in zip(files, times, strict=True)}


def fastest(milliseconds: dict[str, float]) -> list[str]:
    """Names of the models within 5 % of the fastest, in their order.

    Args:
        milliseconds: name to median time.

    Examples:
        >>> fastest({"float32": 2.1, "int8": 0.51, "int8_full": 0.50})
        ['int8', 'int8_full']
    """
    least = min(milliseconds.values())
    return [name for name, time in milliseconds.items() if time <= _AS_FAST * least]


def measure(models, runs):
    """Times single inferences of models, which take turns in blocks.

    Taking turns keeps the ratios right when the speed of the machine drifts.

    Args:
        models: objects whose `run` performs one inference.
        runs: timed runs of each model.

    Returns:
        One list of milliseconds for each model, in the order measured.
    """
    times: list[list[float]] = [[] for _ in models]
    for done in range(0, runs, _BLOCK):
        for model, own in zip(models, times, strict=True):
            model.run()  # warm-up, because the previous model has filled the caches
            for _ in range(min(_BLOCK, runs - done)):
                started = time.perf_counter()
                model.run()
                own.append(1000 * (time.perf_counter() - started))
    return times
