"""An Android device, accessed with adb."""

import shutil
import subprocess


class Problem(Exception):
    """An error that the user can fix, with a one-line message."""


STATES = {  # of `adb devices`, where it is not "device"
    "unauthorized": "unlock it, answer the question about USB debugging, and run this again",
    "authorizing": "answer the question about USB debugging on it, and run this again",
    "offline": "unplug it and plug it in again, or: adb kill-server",
    "no permissions": "its USB device may not be opened: set up udev rules, or: adb kill-server",
    "recovery": "start it normally",
    "sideload": "start it normally",
    "bootloader": "start it normally",
}


class Device:
    """A connected device.

    Args:
        adb: path of the adb program, or its name.
        serial: serial number of the device; None takes the only connected one.

    Raises:
        Problem: adb is missing, the device is missing or not ready, or the choice is ambiguous.
    """

    def __init__(self, adb="adb", serial=None):
        self.adb = shutil.which(adb)
        if self.adb is None:
            raise Problem(
                f"adb must be installed (Android's platform-tools; Debian: apt install adb), or "
                f"named with --adb. Got: {adb}"
            )
        self.serial = self._choose(serial)

    def shell(self, command, timeout=60):
        """Runs a command on the device and returns its output."""
        return self._run("-s", self.serial, "shell", command, timeout=timeout)

    def push(self, path, target):
        self._run("-s", self.serial, "push", str(path), target, timeout=600)

    def pull(self, source, path):
        self._run("-s", self.serial, "pull", source, str(path), timeout=600)

    def _choose(self, serial):
        devices = {}
        for line in self._run("devices").splitlines():
            if "\t" in line:  # others are its title and messages of the server
                name, state = line.split("\t", 1)
                devices[name] = state.strip()
        if serial is not None and serial not in devices:
            raise Problem(f"--serial must be one of {', '.join(devices) or 'none'}. Got: {serial}")
        if not devices:
            raise Problem(
                "adb must see a device: connect one by USB and allow USB debugging in its "
                "developer options. Got: none"
            )
        ready = [name for name, state in devices.items() if state == "device"]
        if serial is None and len(ready) > 1:
            raise Problem(f"one of several devices must be chosen: --serial {' | '.join(ready)}")
        chosen = serial or (ready or list(devices))[0]
        state = devices[chosen]
        if state != "device":
            advice = next((a for s, a in STATES.items() if state.startswith(s)), "see adb devices")
            raise Problem(f"device {chosen} is {state}: {advice}")
        return chosen

    def _run(self, *arguments, timeout=60):
        try:
            done = subprocess.run(
                [self.adb, *arguments],
                check=False,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            raise Problem(f"adb {arguments[-1][:60]}: no answer in {timeout} seconds") from None
        except OSError as error:
            raise Problem(f"{self.adb}: {error.strerror}") from None
        if done.returncode:
            # adb's progress goes to stdout, its errors to stderr; the device's own come in both.
            lines = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
            said = [line for line in lines if not line.startswith("* daemon")] or lines
            raise Problem(f"adb {_what(arguments)}: {' '.join(said)}")
        return done.stdout.replace("\r\n", "\n")


def _what(arguments):
    """The descriptive part of a command line."""
    words = arguments[2:] if arguments[0] == "-s" else arguments
    return " ".join(words)[:100]
