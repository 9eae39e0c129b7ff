"""Running commands, some of them at the same time."""

import subprocess
import tempfile
import time
from pathlib import Path


def run(commands, jobs, ended):
    """Runs commands; what interrupts this ends those that still run.

    Args:
        commands: a key, which can name a file, to the words of each command.
        jobs: how many run at the same time.
        ended: function of a key, the exit code and what was printed on standard error, called when
            a command has ended.

    Raises:
        ValueError: `jobs` is below 1.
    """
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1. Got: {jobs}")
    waiting, running = list(commands.items()), {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    key, command = waiting.pop(0)
                    running[key] = _start(command, Path(folder, key))
                time.sleep(0.05)
                for key in [key for key, process in running.items() if process.poll() is not None]:
                    said = Path(folder, key).read_text("utf-8", errors="replace")
                    ended(key, running.pop(key).returncode, said)
        finally:
            for process in running.values():
                process.kill()
                process.wait()


def _start(command, errors):
    # A file, as a pipe that nobody empties would hold the command up.
    with errors.open("wb") as file:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=file)
