"""Runs programs of this machine, and says where to get missing ones."""

import shutil
import subprocess
from pathlib import Path

from benchmark import Problem

TOOLS = {
    "apt-get": "a Debian 12 (bookworm) machine",
    "dpkg": "a Debian 12 (bookworm) machine",
    "qemu-aarch64": "apt-get install qemu-user",
    "gcc": "apt-get install gcc libc6-dev",
}


def check_tools(names):
    """Raises a Problem for the first missing program."""
    for name in names:
        if shutil.which(name) is None:
            raise Problem(f"{name} is needed and not on PATH: {TOOLS[name]}")


def execute(command, **options):
    """Runs a program and returns its output. A Problem contains its last line if it fails."""
    command = list(map(str, command))
    result = subprocess.run(
        command, check=False, capture_output=True, text=True, errors="replace", **options
    )
    if result.returncode:
        said = (result.stderr.strip() or result.stdout.strip()).splitlines()
        why = said[-1] if said else "it printed nothing"
        status = result.returncode
        raise Problem(f"{Path(command[0]).name} ended with status {status}: {why}")
    return result.stdout
