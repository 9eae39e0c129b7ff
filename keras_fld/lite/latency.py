"""Speed on this machine, the models taking turns; `tflite/benchmark.py` measures other devices."""

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
# Medians this close to the least are as fast: another run may order them otherwise.
_AS_FAST = 1.05


@dataclass(frozen=True)
class Latency:
    """Times of one inference of several models, measured in one run.

    Args:
        rows: one dictionary a model: model, bytes, threads, runs, p50_ms, p90_ms, p99_ms,
            frames_per_second, ratio_to_first, its p50 over the first model's, and license, None
            where it is not known.
        instruction_set: of the processor, such as "AVX2".
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
        """The figures and what they were measured on, for JSON."""
        return {
            "machine": platform.machine(),
            "instruction_set": self.instruction_set,
            "versions": {name: version(name) for name in ("keras-fld", "ai-edge-litert")},
            "models": self.rows,
        }


def benchmark(models: Sequence[str | Path], runs: int = 300, threads: int = 1) -> "Latency":
    """Measures models on this machine.

    Args:
        models: paths of any `.tflite` files, or names of presets; one named twice shows how far to
            trust a ratio, which should then be 1.
        runs: timed runs of each.
        threads: threads of the interpreter.

    Returns:
        A `Latency`: printed, it is the table.

    Raises:
        ValueError: no model, a file is bad, or runs or threads are below 1.

    Examples:
        >>> print(benchmark(["model_float32.tflite", "trnet20_300w"]))
    """
    if not models:
        raise ValueError("one model or more must be given")
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
    """The license that a file states, or None."""
    try:
        about = metadata.read(path)
    except ValueError:  # what the file says of itself is damaged, but it runs
        return None
    return None if about is None else metadata.license_of(about)


class _Timed:
    """Any file, ready to run: what its numbers mean does not matter here."""

    def __init__(self, path, threads=1):
        self._interpreter = open_interpreter(path, threads)
        for given in self._interpreter.get_input_details():
            if np.issubdtype(given["dtype"], np.floating):  # no denormal numbers, which are slow
                middle = np.full(given["shape"], 0.5, given["dtype"])
                self._interpreter.set_tensor(given["index"], middle)

    def run(self):
        self._interpreter.invoke()


def interleaved(files, rounds=20):
    """Median milliseconds of one inference on one thread, the models taking turns.

    Args:
        files: name to path of a `.tflite` file.
        rounds: blocks of 10 runs of each.

    Returns:
        A dictionary of name to milliseconds.

    Examples:
        >>> sorted(interleaved({"int8": "int8.tflite", "float32": "float32.tflite"}))
        ['float32', 'int8']
    """
    times = measure([_Timed(path) for path in files.values()], rounds * _BLOCK)
    return {name: float(np.median(own)) for name, own in zip(files, times, strict=True)}


def fastest(milliseconds: dict[str, float]) -> list[str]:
    """Names of the fastest models, those within 5 % of the fastest included, in their order.

    Args:
        milliseconds: name to median time.

    Examples:
        >>> fastest({"float32": 2.1, "int8": 0.51, "int8_full": 0.50})
        ['int8', 'int8_full']
    """
    least = min(milliseconds.values())
    return [name for name, time in milliseconds.items() if time <= _AS_FAST * least]


def measure(models, runs):
    """Times of one inference each, the models taking turns in blocks.

    Taking turns keeps their ratio right while the machine's speed wanders.

    Args:
        models: objects whose `run` is one inference.
        runs: timed runs of each.

    Returns:
        A list of milliseconds for each model, in the order measured.
    """
    times: list[list[float]] = [[] for _ in models]
    for done in range(0, runs, _BLOCK):
        for model, own in zip(models, times, strict=True):
            model.run()  # the model before has emptied the caches
            for _ in range(min(_BLOCK, runs - done)):
                started = time.perf_counter()
                model.run()
                own.append(1000 * (time.perf_counter() - started))
    return times
