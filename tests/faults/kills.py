"""Killing work at random moments and starting it again."""

import os
import time
from pathlib import Path

import numpy as np

from keras_fld._internal.files import read_json, write_json

# How often each kind of work is killed; `make kills` asks for more.
KILLS = int(os.environ.get("KERAS_FLD_KILLS", "2"))
SEED = int(os.environ.get("KERAS_FLD_KILL_SEED", "0"))
# Where to note what was survived.
NOTES = os.environ.get("KERAS_FLD_KILL_NOTES")


def kill_and_go_on(what, start, new_folder, seconds, partly, whole):
    """Kills work until `KILLS` kills have hit it, then lets it finish.

    Every second kill is aimed: it comes as soon as some file is being written.

    Args:
        what: the kind of work, in a word.
        start: function of a folder that starts the work there and returns its process, with
            `poll`, `wait` and `kill` as of `subprocess.Popen`.
        new_folder: function that gives an empty folder, as work that ended before its kill begins
            anew.
        seconds: how long the work takes; the other kills come at a random moment of it.
        partly: function of a folder that checks what a kill left.
        whole: function of a folder that checks what finished work left.

    Returns:
        How many kills came while a file was being written.
    """
    rng, folder, hits, aimed, finished = np.random.default_rng(SEED), new_folder(), 0, 0, 1
    while hits < KILLS:
        process = start(folder)
        wanted = hits % 2 == 0
        if _die(process, folder, seconds, wanted, rng):
            hits += 1
            aimed += any(folder.rglob(".unfinished.*"))
            partly(folder)
        else:
            assert process.wait() == 0, process.args
            whole(folder)
            folder, finished = new_folder(), finished + 1
    process = start(folder)
    assert process.wait() == 0, process.args
    whole(folder)
    if NOTES:
        notes = read_json(NOTES) if Path(NOTES).exists() else {}
        notes[what] = {"kills": hits, "while_writing": aimed, "finished": finished}
        write_json(NOTES, notes)
    return aimed


def _die(process, folder, seconds, aimed, rng):
    """Kills a process; whether it was still at work."""
    if aimed:
        skip, seen = rng.integers(0, 6), set()
        while process.poll() is None and len(seen) <= skip:
            seen |= {path.name for path in folder.rglob(".unfinished.*")}
    else:
        end = time.monotonic() + rng.uniform(0, seconds)
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.002)
    process.kill()
    return process.wait() < 0
