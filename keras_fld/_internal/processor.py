"""The instruction set of this machine's processor, which determines the speed of int8."""

import platform
import subprocess
from pathlib import Path

UNKNOWN = "unknown"

# Instruction sets for which XNNPACK has separate int8 kernels, fastest first, and the flags with
# which Linux or macOS report them, in lower case.
_SETS = (
    ("AVX512-VNNI", ({"avx512_vnni", "avx512vl"}, {"avx512vnni", "avx512vl"})),
    ("AVX-VNNI", ({"avx_vnni"},)),
    ("AVX512", ({"avx512f", "avx512bw", "avx512dq", "avx512vl"},)),
    ("AVX2", ({"avx2"},)),
    ("AVX", ({"avx"}, {"avx1.0"})),
    ("SSE4.1", ({"sse4_1"}, {"sse4.1"})),
    ("SSE2", ({"sse2"},)),
    ("NEON i8mm", ({"i8mm"}, {"feat_i8mm"})),
    ("NEON dotprod", ({"asimddp"}, {"feat_dotprod"})),
    ("NEON", ({"asimd"}, {"neon"}, {"advsimd"})),
)


def instruction_set() -> str:
    """Returns the fastest instruction set for int8 that this processor supports.

    XNNPACK may use another one, because it can be built without some of its kernels.

    Returns:
        A name such as "AVX2", "AVX512-VNNI" or "NEON dotprod"; "unknown" if the operating system
        does not report it.

    Examples:
        >>> instruction_set()
        'AVX2'
    """
    if platform.system() == "Darwin":
        return named(_flags_of_mac(_sysctl()))
    try:
        return named(_flags_of_linux(Path("/proc/cpuinfo").read_text("utf-8", "replace")))
    except OSError:  # Windows and others
        return UNKNOWN


def named(flags: set[str]) -> str:
    """Returns the first instruction set whose flags are all present, or "unknown".

    Args:
        flags: flags of the processor, in lower case.
    """
    for name, kinds in _SETS:
        if any(kind <= flags for kind in kinds):
            return name
    return UNKNOWN


def _flags_of_linux(text):
    """The flags that all cores share. The big and little cores of a phone may differ."""
    lines = (line.partition(":") for line in text.splitlines())
    cores = [set(value.lower().split()) for key, _, value in lines if _is_flags(key)]
    return set.intersection(*cores) if cores else set()


def _is_flags(key):
    return key.strip().lower() in ("flags", "features")


def _flags_of_mac(text):
    """The names whose value is 1, and the words in the lists of features."""
    flags = set()
    for line in text.lower().splitlines():
        key, _, value = line.partition(":")
        if key.endswith("features"):
            flags |= set(value.split())
        elif value.strip() == "1":
            flags.add(key.rpartition(".")[2])
    return flags


def _sysctl():
    """The output of sysctl about the processor; empty if sysctl is missing."""
    command = ["sysctl", "hw.optional", "machdep.cpu"]
    try:
        found = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError:
        return ""
    return found.stdout
