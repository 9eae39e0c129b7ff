"""Debian's arm64 packages, in the versions pinned by packages.txt; unpacked, not installed.

Debian's mirrors do not keep old versions. After an update, run `python tflite/arm/debian.py` to
rewrite packages.txt. Instruction counts may then differ because of new library versions.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark import Problem  # noqa: E402
from programs import check_tools, execute  # noqa: E402

PACKAGES = Path(__file__).with_name("packages.txt")
_COMMENT = (
    "# The aarch64 side's Debian packages: versions and contents are fixed, as the wheels' are.\n"
)


def pinned():
    """Name of each package in packages.txt to its version and SHA-256."""
    lines = [line for line in PACKAGES.read_text("utf-8").splitlines() if "==" in line]
    parts = [line.replace(" --hash=sha256:", "==").split("==") for line in lines]
    return {name: (version, checksum) for name, version, checksum in parts}


def unpack(folder):
    """Unpacks the packages into `folder/base`; returns name to version.

    Raises:
        Problem: apt does not have them, or one has other contents.
    """
    wanted = pinned()
    with tempfile.TemporaryDirectory(dir=folder) as debs:
        try:
            found = download(debs, [f"{name}:arm64={wanted[name][0]}" for name in wanted])
        except Problem as error:
            raise Problem(
                f"apt has not all of the arm64 packages of Debian 12 (bookworm) that {PACKAGES} "
                f"fixes; python {__file__} writes those of today: {error}"
            ) from None
        for name, (version, checksum, deb) in found.items():
            if (version, checksum) != wanted.get(name):
                raise Problem(
                    f"{PACKAGES}: {name} must be {wanted.get(name)}. Got: {(version, checksum)}"
                )
            execute(["dpkg", "-x", deb, folder / "base"])
    return {name: version for name, (version, _) in wanted.items()}


def download(folder, names):
    """Downloads arm64 packages with a private apt: name to version, SHA-256 and path."""
    with tempfile.TemporaryDirectory(dir=folder) as state:
        state = Path(state)
        for part in ("lists", "cache/archives"):
            (state / part / "partial").mkdir(parents=True)
        (state / "status").touch()  # nothing is installed
        settings = {
            "APT::Architecture": "arm64",
            "APT::Architectures": "arm64",
            "Acquire::Languages": "none",
            "APT::Sandbox::User": "",  # apt's own user cannot enter the temporary folders of root
            "Dir::State": state,
            "Dir::State::lists": state / "lists",
            "Dir::State::status": state / "status",
            "Dir::Cache": state / "cache",
        }
        lines = [f'{name} "{value}";' for name, value in settings.items()]
        (state / "apt.conf").write_text("\n".join(lines) + "\n")
        environment = {**os.environ, "APT_CONFIG": str(state / "apt.conf"), "LC_ALL": "C"}
        # Sources that have no arm64, or do not answer, do no harm while Debian's do.
        subprocess.run(["apt-get", "update"], check=False, capture_output=True, env=environment)
        execute(["apt-get", "download", *names], cwd=folder, env=environment)
    found = {}
    for deb in sorted(Path(folder).glob("*.deb")):
        shown = execute(["dpkg-deb", "--show", "--showformat=${Package} ${Version}", deb])
        name, version = shown.split()
        found[name] = version, hashlib.sha256(deb.read_bytes()).hexdigest(), deb
    return found


def pin():
    """Rewrites packages.txt with the current versions."""
    check_tools(["apt-get", "dpkg"])
    with tempfile.TemporaryDirectory() as folder:
        found = download(folder, [f"{name}:arm64" for name in pinned()])
    lines = [f"{name}=={found[name][0]} --hash=sha256:{found[name][1]}\n" for name in pinned()]
    PACKAGES.write_text(_COMMENT + "".join(lines), "utf-8")


if __name__ == "__main__":
    try:
        pin()
    except Problem as problem:
        sys.exit(f"debian.py: {problem}")
