"""Runs models with the LiteRT interpreter: on this machine, or as aarch64 inside QEMU.

    python guest.py jobs.json outputs.npz

A job is a model with inputs. The script runs each input once and keeps the outputs. It then repeats
the last input `COUNTED` times between two marks, so that `count.c` can count the instructions, and
does the same without an inference, to subtract the overhead.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

MARK = 0x51515100
START, END = 1, 2
COUNTED = 3


def mark(number):
    """A system call without effect, because no process has that number."""
    try:
        os.getpriority(os.PRIO_PROCESS, MARK + number)
    except ProcessLookupError:
        return


def nothing():
    """An empty call, to measure its overhead."""


def run(job):
    """Outputs of a job: tensor index to one array over all inputs."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=job["model"], num_threads=1)
    interpreter.allocate_tensors()
    details = interpreter.get_output_details()
    outputs = {detail["index"]: [] for detail in details}
    for image in np.load(job["inputs"]):
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[None])
        interpreter.invoke()
        for index, values in outputs.items():
            values.append(interpreter.get_tensor(index).copy())
    for call in (nothing, interpreter.invoke):
        for _ in range(COUNTED):
            mark(START)
            call()
            mark(END)
    return {index: np.stack(values) for index, values in outputs.items()}


def main(jobs, path):
    arrays = {}
    for number, job in enumerate(json.loads(Path(jobs).read_text("utf-8"))):
        outputs = run(job)
        if job["keep"]:
            arrays |= {f"{number}/{index}": array for index, array in outputs.items()}
    np.savez(path, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
