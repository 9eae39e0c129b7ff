"""Runs one command in several processes on this machine, which end together.

Each process is started as `python -m keras_fld.cli.child COMMAND`, with environment variables for
`distributed`.
"""

import atexit
import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections import deque

_LINES = 200  # kept of each process's messages


def launch(count, arguments, environment, repeated=str):
    """Runs `keras-fld ARGUMENTS` in `count` processes until all finish or one fails.

    Only process 0 writes standard output and notes.

    Args:
        count: number of processes.
        arguments: the command's words.
        environment: environment variables, to which those of the distribution are added.
        repeated: function that returns, as the end of a sentence, what the same command does after
            a process was killed.

    Raises:
        ValueError: a process failed with a message, which is this error's, or was killed.
        RuntimeError: a process failed because of a bug; the message contains the traceback.
    """
    address = free_address()
    children = []
    ended: queue.SimpleQueue[tuple[int, int, deque[str]]] = queue.SimpleQueue()
    try:
        for index in range(count):
            child = subprocess.Popen(
                [sys.executable, "-m", "keras_fld.cli.child", *arguments],
                env=environment
                | {
                    "KERAS_DISTRIBUTION_JOB_ADDRESSES": address,
                    "KERAS_DISTRIBUTION_NUM_PROCESSES": str(count),
                    "KERAS_DISTRIBUTION_PROCESS_ID": str(index),
                    # One GPU for each process, if there are any.
                    "JAX_LOCAL_DEVICE_IDS": str(index),
                },
                stdin=subprocess.PIPE,  # closes when this process ends in any way
                stdout=None if index == 0 else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
            children.append(child)
            threading.Thread(target=_watch, args=(index, child, ended), daemon=True).start()
        for _ in children:
            # The first to exit caused the failure; the rest only report the lost connection.
            index, code, lines = ended.get()
            if code:
                raise _failure(f"process {index} of {count}", code, lines, repeated)
    finally:
        for child in children:
            child.kill()
        for child in children:
            child.wait()


def free_address():
    """Returns HOST:PORT with a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def _watch(index, child, ended):
    lines: deque[str] = deque(maxlen=_LINES)
    for line in child.stderr:
        if index == 0 and line.startswith("note: "):
            sys.stderr.write(line)
        else:
            lines.append(line)
    ended.put((index, child.wait(), lines))


def _failure(process, code, lines, repeated):
    told = [line for line in lines if line.startswith("Error: ")]
    if code == 2 and told:
        return ValueError(told[-1].removeprefix("Error: ").strip())
    if code < 0:
        return ValueError(f"{process} was ended by {signal.Signals(-code).name}{repeated()}")
    return RuntimeError(f"{process} ended with exit code {code}:\n{''.join(lines)}")


@contextlib.contextmanager
def leaving_at_once():
    """On an error, ends this process without JAX's shutdown, which waits for the other processes.

    They are in the middle of a step that needs this process, so the shutdown would take minutes.
    """
    try:
        yield
    except BaseException as error:
        expected = isinstance(error, (ValueError, ImportError, OSError))
        code = 2 if expected else 130 if isinstance(error, KeyboardInterrupt) else 1
        atexit.register(_leave, code)  # runs before functions registered earlier, such as JAX's
        raise


def _leave(code):
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
