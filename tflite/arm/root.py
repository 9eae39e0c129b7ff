"""An aarch64 folder tree with Python, numpy and the LiteRT interpreter, for QEMU's user emulation.

Debian packages are downloaded with this machine's apt (`debian.py`), wheels with this Python's pip.
`packages.txt` and `requirements.txt` pin their contents. Nothing is installed on the machine.
"""

import hashlib
import json
import platform
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import debian
from programs import check_tools, execute

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
PYTHON = "3.11"
PLATFORMS = [f"manylinux{tag}_aarch64" for tag in ("2014", "_2_17", "_2_27", "_2_28")]
# XNNPACK chooses its kernels by QEMU's -cpu and by the part number and features in /proc/cpuinfo.
# Without this file, the interpreter crashes.
BASIC = "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"
CPUS = {
    "cortex-a53": ("0xd03", BASIC),
    "cortex-a72": ("0xd08", BASIC),
    "cortex-a76": ("0xd0b", f"{BASIC} atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp"),
}


def key():
    """A checksum of the pinned versions. If it changes, the root is rebuilt."""
    return hashlib.sha256(debian.PACKAGES.read_bytes() + REQUIREMENTS.read_bytes()).hexdigest()


def is_built(folder):
    """Whether the folder contains an up-to-date root."""
    about = Path(folder) / "about.json"
    return about.is_file() and json.loads(about.read_text("utf-8"))["key"] == key()


def build(folder, say=print):
    """Builds the root in a folder, unless it exists already.

    Args:
        folder: folder for `about.json`, `base` with the unpacked files, and one folder per CPU.
        say: function that shows a message to the user.

    Returns:
        The content of `about.json`: all versions.

    Raises:
        Problem: a tool, package or wheel is missing or has the wrong content.
    """
    folder = Path(folder).resolve()
    if not is_built(folder):
        check_tools(["apt-get", "dpkg"])
        folder.parent.mkdir(parents=True, exist_ok=True)
        say(f"building the aarch64 root in {folder}: about 25 MB of downloads")
        with tempfile.TemporaryDirectory(prefix=".arm.", dir=folder.parent) as new:
            new = Path(new)
            about = {
                "key": key(),
                "machine": platform.freedesktop_os_release()["PRETTY_NAME"],
                "packages": debian.unpack(new),
                "wheels": unpack_wheels(new),
            }
            for cpu in CPUS:
                add_cpu(new, cpu)
            (new / "about.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            # The temporary folder's own name goes with it; what is left for it to remove is empty.
            folder.mkdir()
            for item in new.iterdir():
                item.rename(folder / item.name)
    return json.loads((folder / "about.json").read_text("utf-8"))


def unpack_wheels(folder):
    """Unpacks the wheels into `folder/base/wheels`; returns name to version."""
    wheels = folder / "wheels"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", wheels]
    command += ["--require-hashes", "--requirement", REQUIREMENTS, "--only-binary=:all:"]
    command += ["--python-version", PYTHON, "--implementation", "cp"]
    command += [f"--platform={tag}" for tag in PLATFORMS]
    execute(command)
    for wheel in wheels.iterdir():
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / "base" / "wheels")
    shutil.rmtree(wheels)
    lines = [line.split()[0] for line in REQUIREMENTS.read_text().splitlines() if "==" in line]
    return dict(line.split("==") for line in lines)


def add_cpu(folder, cpu):
    """Adds a view of the root for a CPU: the same files, with a /proc that describes the CPU."""
    part, features = CPUS[cpu]
    view = folder / cpu
    for name in ("proc", "sys/devices/system/cpu"):
        (view / name).mkdir(parents=True)
    lines = [
        "processor\t: 0",
        "BogoMIPS\t: 50.00",
        f"Features\t: {features}",
        "CPU implementer\t: 0x41",
        "CPU architecture: 8",
        "CPU variant\t: 0x0",
        f"CPU part\t: {part}",
        "CPU revision\t: 4",
    ]
    (view / "proc" / "cpuinfo").write_text("\n".join(lines) + "\n\n")
    for name in ("possible", "present", "online"):
        (view / "sys/devices/system/cpu" / name).write_text("0\n")
    for name in ("lib", "usr", "wheels"):
        (view / name).symlink_to(Path("..") / "base" / name)


def compile_plugin(folder):
    """Compiles `count.c` into the folder; returns the library's path."""
    check_tools(["gcc"])
    library = Path(folder) / "count.so"
    execute(["gcc", "-O2", "-shared", "-fPIC", "-o", library, HERE / "count.c"])
    return library
