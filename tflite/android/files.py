"""The files copied to the device: models and benchmark_model."""

import struct
from pathlib import Path

from device import Problem

# TFLite's names of the prebuilt binaries, and the processor in the ELF header.
BINARIES = {
    "arm64-v8a": "android_aarch64_benchmark_model",
    "armeabi-v7a": "android_arm_benchmark_model",
}
MACHINES = {183: "arm64-v8a", 40: "armeabi-v7a", 62: "x86_64", 3: "x86"}


def check_model(path):
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise Problem(f"{path}: {error.strerror}") from None
    if head[4:] != b"TFL3":
        raise Problem(f"{path}: not a TFLite file: bytes 4 to 8 must be b'TFL3'. Got: {head[4:]}")


def find_binary(path, abis):
    """Finds the benchmark_model for a device.

    Args:
        path: the value of --binary, or None.
        abis: ABIs of the device, best first.
    """
    if path is None:
        names = [BINARIES[abi] for abi in abis if abi in BINARIES]
        if not names:
            raise Problem(
                f"no ready-made benchmark_model is published for {', '.join(abis)}: build one as "
                "README.md says and name it with --binary"
            )
        here = Path(__file__).resolve().parent
        path = next((here / name for name in names if (here / name).exists()), here / names[0])
    try:
        with path.open("rb") as file:
            head = file.read(20)
    except OSError as error:
        raise Problem(
            f"{path}: {error.strerror}: README.md says where benchmark_model comes from"
        ) from None
    if head[:4] != b"\x7fELF" or len(head) < 20:
        raise Problem(
            f"{path}: benchmark_model must be a program for Android (ELF). Got: {head[:4]}"
        )
    machine = struct.unpack_from("<H", head, 18)[0]
    abi = MACHINES.get(machine, f"ELF machine {machine}")
    if abi not in abis:
        raise Problem(
            f"{path}: it must be for one of {', '.join(abis)}, which the device runs. Got: {abi}"
        )
    return path
