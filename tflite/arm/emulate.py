"""Runs jobs of `guest.py` on this machine or an emulated CPU: outputs and instruction counts."""

import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import guest
import numpy as np
import programs
import root
from benchmark import Problem


@dataclass(frozen=True)
class Outcome:
    """The result of a job.

    Args:
        outputs: tensor index to its values over all inputs, for jobs that keep them.
        instructions: instructions per inference, including the call from Python, or None if they
            were not counted.
        runs: the counts of single runs.
    """

    outputs: dict
    instructions: int | None = None
    runs: tuple = ()


def job(model, inputs, keep=True):
    """A model file and an array file of inputs, for `on_this_machine` and `on_cpu`."""
    return {"model": str(model), "inputs": str(inputs), "keep": keep}


def on_this_machine(jobs):
    """Runs jobs with this Python's interpreter; returns an `Outcome` for each."""
    with tempfile.TemporaryDirectory(prefix="arm_") as folder:
        outputs = Path(folder) / "outputs.npz"
        programs.execute([sys.executable, root.HERE / "guest.py", _write(jobs, folder), outputs])
        return [Outcome(tensors) for tensors in _read(outputs, len(jobs))]


def on_cpu(jobs, cpu, folder, plugin):
    """Runs jobs as aarch64 on an emulated CPU; returns an `Outcome` for each.

    Args:
        jobs: results of `job`.
        cpu: a key of `root.CPUS`.
        folder: folder of the root.
        plugin: the compiled `count.c`.
    """
    programs.check_tools(["qemu-aarch64"])
    view = Path(folder).resolve() / cpu
    with tempfile.TemporaryDirectory(prefix="arm_") as temporary:
        outputs, log = Path(temporary) / "outputs.npz", Path(temporary) / "log"
        command = ["qemu-aarch64", "-L", view, "-cpu", cpu]
        command += ["-plugin", f"{Path(plugin).resolve()},log={log}"]
        command += [view / "usr" / "bin" / f"python{root.PYTHON}", "-sB", root.HERE / "guest.py"]
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(view / "wheels"),
            "OPENBLAS_NUM_THREADS": "1",
        }
        programs.execute([*command, _write(jobs, temporary), outputs], env=environment)
        counts = read_counts(log.read_text(), len(jobs))
        return [
            Outcome(tensors, min(runs) - min(empty), tuple(runs))
            for tensors, (empty, runs) in zip(_read(outputs, len(jobs)), counts, strict=True)
        ]


def read_counts(text, jobs):
    """Reads the plugin's log.

    Args:
        text: lines "mark instructions".
        jobs: number of jobs.

    Returns:
        For each job, the instructions between two marks: without and with an inference.

    Raises:
        Problem: the marks do not match the number of jobs.

    Example:
        >>> read_counts("1 5\\n2 8\\n" * 3 + "1 5\\n2 105\\n" * 3, jobs=1)
        [([3, 3, 3], [100, 100, 100])]
    """
    try:
        marks = [tuple(map(int, line.split())) for line in text.splitlines()]
        pairs = list(zip(marks[::2], marks[1::2], strict=True))
        spans = [end - start for (first, start), (second, end) in pairs]
        fitting = all(a[0] == guest.START and b[0] == guest.END for a, b in pairs)
    except (IndexError, TypeError, ValueError):
        fitting = False
    each = 2 * guest.COUNTED
    if not fitting or len(spans) != each * jobs:
        raise Problem(f"the plugin's marks must be those of {jobs} jobs. Got: {text[:60]!r}")
    groups = [spans[i : i + each] for i in range(0, len(spans), each)]
    return [(group[: guest.COUNTED], group[guest.COUNTED :]) for group in groups]


def _write(jobs, folder):
    path = Path(folder) / "jobs.json"
    path.write_text(json.dumps(jobs), "utf-8")
    return path


def _read(path, jobs):
    outputs = [{} for _ in range(jobs)]
    with np.load(path) as arrays:
        for name in arrays.files:
            number, index = map(int, name.split("/"))
            outputs[number][index] = arrays[name]
    return outputs
