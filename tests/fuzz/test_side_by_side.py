"""Readers that are fuzzed at the same time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.fuzz import side_by_side
from tests.interrupts import heed_interrupts

# Notes that it begins, waits until as many as are wanted have begun, and notes that it ends.
_NOTED = """
import sys, time
path, wanted, key = sys.argv[1:]
with open(path, "a") as note:
    print("+", end="", file=note, flush=True)
    end = time.monotonic() + 60
    while open(path).read().count("+") < int(wanted) and time.monotonic() < end:
        time.sleep(0.02)
    note.write("-")
print(key, file=sys.stderr)
sys.exit(3)
"""


@pytest.mark.parametrize("jobs", [1, 2])
def test_so_many_run_at_the_same_time_and_each_is_told_of(tmp_path, jobs):
    note = tmp_path / "note"
    commands = {key: [sys.executable, "-c", _NOTED, note, str(jobs), key] for key in "abcd"}
    told = []
    side_by_side.run(commands, jobs, lambda *what: told.append(what))
    assert sorted(told) == [(key, 3, f"{key}\n") for key in "abcd"]
    present = np.cumsum([1 if sign == "+" else -1 for sign in note.read_text()])
    assert len(present) == 8 and max(present) == jobs


def test_no_job_is_refused():
    with pytest.raises(ValueError, match="jobs must be at least 1. Got: 0"):
        side_by_side.run({}, 0, print)


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_an_interrupt_ends_all(tmp_path):
    """Also one that the parent alone gets, as from a program that ends it."""
    sleeper = "import os, sys, time; open(sys.argv[1] + str(os.getpid()), 'w'); time.sleep(300)"
    parent = (
        "import sys; from tests.fuzz import side_by_side\n"
        f"command = [sys.executable, '-c', {sleeper!r}, sys.argv[1]]\n"
        "side_by_side.run(dict.fromkeys('abc', command), 2, print)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", parent, f"{tmp_path}/"],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.DEVNULL,
        preexec_fn=heed_interrupts,
    )
    try:
        end = time.monotonic() + 60
        while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    finally:
        process.kill()
    children = [int(path.name) for path in tmp_path.iterdir()]
    assert len(children) == 2
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)
