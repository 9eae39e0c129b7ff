import platform
import subprocess
from pathlib import Path

import pytest

from keras_fld._internal import processor
from keras_fld._internal.processor import UNKNOWN, instruction_set, named

# What Linux prints of some processors, as far as it matters.
X86 = "fpu sse2 ssse3 sse4_1 sse4_2 avx f16c fma"
LINUX = {
    "AVX512-VNNI": f"flags\t\t: {X86} avx2 avx512f avx512dq avx512bw avx512vl avx_vnni avx512_vnni",
    "AVX-VNNI": f"flags\t\t: {X86} avx2 avx_vnni",
    "AVX512": f"flags\t\t: {X86} avx2 avx512f avx512dq avx512cd avx512bw avx512vl",
    "AVX2": f"flags\t\t: {X86} avx2",
    "AVX": f"flags\t\t: {X86}",
    "SSE4.1": "flags\t\t: fpu sse2 sse4_1",
    "SSE2": "flags\t\t: fpu sse2",
    "NEON i8mm": "Features\t: fp asimd evtstrm asimddp i8mm bf16",
    "NEON dotprod": "Features\t: fp asimd evtstrm asimdhp asimddp",
    "NEON": "Features\t: fp asimd evtstrm crc32",
    UNKNOWN: "isa\t\t: rv64imafdc",
}
MAC = {
    "NEON i8mm": "hw.optional.arm.FEAT_DotProd: 1\nhw.optional.arm.FEAT_I8MM: 1",
    "NEON dotprod": "hw.optional.arm.FEAT_DotProd: 1\nhw.optional.arm.FEAT_I8MM: 0",
    "AVX2": "machdep.cpu.features: FPU SSE2 SSE4.1 AVX1.0\n"
    "machdep.cpu.leaf7_features: BMI1 AVX2 BMI2",
    "AVX": "machdep.cpu.features: FPU SSE2 SSE4.1 AVX1.0",
    UNKNOWN: "",
}


@pytest.mark.parametrize("name", LINUX)
def test_linux_names_it_by_its_flags(name):
    text = f"processor\t: 0\nmodel name\t: AVX512-VNNI-9000\n{LINUX[name]}\n"
    assert named(processor._flags_of_linux(text)) == name


@pytest.mark.parametrize("name", MAC)
def test_a_mac_names_it_by_its_features(name):
    assert named(processor._flags_of_mac(MAC[name])) == name


def test_only_flags_of_all_cores_count():
    text = f"{LINUX['NEON dotprod']}\n\n{LINUX['NEON']}\n"
    assert named(processor._flags_of_linux(text)) == "NEON"


def test_this_machine_has_the_reported_flags():
    found = instruction_set()
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        assert isinstance(found, str) and found
        return
    cpu = Path("/proc/cpuinfo").read_text("utf-8", "replace").split()
    assert found in LINUX and set(LINUX[found].split()[2:]) - {"avx_vnni", "fma", "f16c"} <= {
        *cpu,
        ":",
    }


def test_without_sysctl_the_set_is_unknown(monkeypatch):
    def missing(*arguments, **options):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(subprocess, "run", missing)
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert instruction_set() == UNKNOWN
