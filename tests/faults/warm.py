"""A process that has TensorFlow loaded and forks another for each piece of work.

TensorFlow takes seconds to load; so a test that kills work fifty times need not wait for it. Work
is a function of `tests.faults.work`. It ends as the command line does: exit code 2 and one line for
a ValueError.
"""

import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path


class Warm:
    """Starts work in forks of one process.

    Args:
        folder: for the work's output.
    """

    def __init__(self, folder):
        self._folder, self._count = Path(folder), 0
        root = str(Path(__file__).parents[2])
        self._errors = (self._folder / "warm.txt").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.warm"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=root,
            # TMPDIR: a killed process leaves TensorFlow's temporary files behind.
            env={
                **os.environ,
                "PYTHONPATH": root,
                "CUDA_VISIBLE_DEVICES": "",
                "TMPDIR": str(self._folder),
            },
        )

    def start(self, name, **arguments):
        """Starts a function and returns its `Job`."""
        self._count += 1
        log = self._folder / f"{self._count}_{name}.txt"
        return Job(self, self.ask(start=name, arguments=arguments, log=str(log)), log)

    def ask(self, **request):
        print(json.dumps(request, default=str), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, Path(self._errors.name).read_text()
        return json.loads(answer)

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._errors.close()


class Job:
    """A piece of work, used as a `subprocess.Popen`."""

    def __init__(self, warm, pid, log):
        self._warm, self.pid, self._log, self.returncode = warm, pid, log, None

    @property
    def args(self):
        return self.output()

    def output(self):
        """What it has written on standard output and error."""
        return self._log.read_text("utf-8")

    def poll(self):
        if self.returncode is None:
            self.returncode = self._warm.ask(poll=self.pid)
        return self.returncode

    def wait(self):
        while self.poll() is None:
            time.sleep(0.005)
        return self.returncode

    def kill(self):
        if self.poll() is None:
            os.kill(self.pid, 9)


def _main():
    from tests.faults import work

    for line in sys.stdin:
        request = json.loads(line)
        if "poll" in request:
            pid, status = os.waitpid(request["poll"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        else:
            answer = os.fork()
            if not answer:
                _child(getattr(work, request["start"]), request["arguments"], request["log"])
        print(json.dumps(answer), flush=True)


def _child(function, arguments, log):
    handle = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    for standard in (1, 2):
        os.dup2(handle, standard)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    code = 0
    try:
        function(**arguments)
    except ValueError as error:
        print(f"Error: {' '.join(str(error).split())}", file=sys.stderr)
        code = 2
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _main()
