"""Speed of files with the instructions that a processor has, and with fewer of them.

    keras-fld export --preset trnet20_300w --all --out files
    python tests/benchmarks/bench_instructions.py files/model_float32.tflite files/model_int8.tflite
    python tests/benchmarks/bench_instructions.py pfld.onnx keras_fld/zoo/*_int8.tflite

XNNPACK and ONNX Runtime, which runs .onnx files, choose their kernels by what the instruction CPUID
tells. Here, they are copied, and each CPUID in the copies becomes a trap, whose handler leaves out
AVX512 and VNNI. Linux on x86-64, gcc and objdump are needed. Times are processor time of one
thread, the files taking turns, relative to the first.
"""

import argparse
import ctypes
import importlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from keras_fld._internal.files import write_json  # noqa: E402
from keras_fld._internal.processor import instruction_set  # noqa: E402

# Instruction sets from the best on, to what is left out of them.
LEVELS = {"all": 0, "AVX512": 1, "AVX2": 2}
# Of each package the library that asks for instructions.
LIBRARIES = {
    "ai_edge_litert": "libpywrap_litert_common.so",
    "onnxruntime": "capi/onnxruntime_pybind11_state*.so",
}
CPUID, TRAP = b"\x0f\xa2", b"\xcc\x90"
HANDLER = r"""
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <ucontext.h>
#define BIT(n) (1u << (n))
static int level;
int asked;
static void trap(int number, siginfo_t *about, void *context) {
  greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
  uint32_t a, b, c, d, leaf = r[REG_RAX], part = r[REG_RCX];
  __cpuid_count(leaf, part, a, b, c, d);
  if (leaf == 7 && part == 0) {
    c &= ~BIT(11); /* AVX512-VNNI */
    if (level == 2) {
      b &= ~(BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31));
      c &= ~(BIT(1) | BIT(6) | BIT(12) | BIT(14));
      d &= ~(BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25));
    }
    asked++;
  }
  if (leaf == 7 && part == 1) { /* AVX-VNNI, bfloat16 and newer */
    a &= ~(BIT(4) | BIT(5) | BIT(21) | BIT(23));
    d &= ~(BIT(4) | BIT(5) | BIT(8) | BIT(10) | BIT(19));
  }
  r[REG_RAX] = a; r[REG_RBX] = b; r[REG_RCX] = c; r[REG_RDX] = d;
  r[REG_RIP] += 1; /* the second byte of CPUID */
}
void handle(int wanted) {
  struct sigaction action = {0};
  level = wanted;
  action.sa_sigaction = trap;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGTRAP, &action, 0);
}
"""


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def handler_of(folder, level):
    """Starts to handle traps. The library must live as long as the process."""
    source, compiled = folder / "handler.c", folder / "handler.so"
    source.write_text(HANDLER)
    output_of("gcc", "-O1", "-shared", "-fPIC", source, "-o", compiled)
    handler = ctypes.CDLL(str(compiled))
    handler.handle(level)
    return handler


def masked(package, folder):
    """Copies a package to a folder, with traps for each CPUID."""
    (place,) = importlib.util.find_spec(package).submodule_search_locations
    copy = Path(shutil.copytree(place, folder / package))
    (library,) = copy.glob(LIBRARIES[package])
    code, sections = bytearray(library.read_bytes()), output_of("objdump", "-h", library)
    address, offset = re.search(r" \.text +\w+ +(\w+) +\w+ +(\w+)", sections).groups()
    listing = output_of("objdump", "-d", "-j", ".text", "--no-show-raw-insn", library)
    for place in re.findall(r"^\s*([0-9a-f]+):\s+cpuid", listing, re.M):
        at = int(place, 16) - int(address, 16) + int(offset, 16)
        if code[at : at + 2] != CPUID:
            sys.exit(f"Error: {library.name} cannot be masked")
        code[at : at + 2] = TRAP
    library.write_bytes(code)


def opened(path):
    """A function that runs a file on random pixels, after its first run."""
    rng = np.random.default_rng(0)
    if path.endswith(".onnx"):
        onnxruntime = importlib.import_module("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        (given,) = session.get_inputs()
        shape = [side if isinstance(side, int) else 1 for side in given.shape]
        run = partial(session.run, None, {given.name: rng.random(shape, np.float32)})
    else:
        litert = importlib.import_module("ai_edge_litert.interpreter")
        interpreter = litert.Interpreter(path, num_threads=1)
        interpreter.allocate_tensors()
        (given,) = interpreter.get_input_details()
        pixels = rng.integers(0, 256, given["shape"]).astype(given["dtype"])
        interpreter.set_tensor(given["index"], pixels)
        run = interpreter.invoke
    run()
    return run


def measure(runs, rounds, block=5):
    """Milliseconds of each file's inference, one row a file."""
    times = np.empty((len(runs), rounds))
    for turn in range(rounds):
        for row, run in enumerate(runs):
            run()
            start = time.process_time()
            for _ in range(block):
                run()
            times[row, turn] = 1000 * (time.process_time() - start) / block
    return times


def opened_with(level, paths, folder):
    """The functions that run the files with the instructions of a level."""
    if not LEVELS[level]:
        return [opened(path) for path in paths]
    handler = handler_of(folder, LEVELS[level])
    asked, runs = ctypes.c_int.in_dll(handler, "asked"), []
    sys.path.insert(0, str(folder))
    for path in paths:
        package = "onnxruntime" if path.endswith(".onnx") else "ai_edge_litert"
        if not (folder / package).exists():
            masked(package, folder)
            asked.value = 0
        runs.append(opened(path))
        if not asked.value:
            sys.exit(f"Error: {package} has not asked for the instructions")
    return runs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--level", choices=LEVELS, help="one level only, in this process, as JSON")
    args = parser.parse_args()
    if args.level:
        with tempfile.TemporaryDirectory() as folder:
            times = measure(opened_with(args.level, args.files, Path(folder)), args.rounds)
        ratios = np.median(times / times[0], axis=1)
        print(json.dumps([np.median(times, axis=1).tolist(), ratios.tolist()]))
        return
    rows = []
    for level in LEVELS:  # a process for each, as kernels are chosen once
        found = output_of(sys.executable, __file__, *args.files, "--level", level)
        for path, ms, ratio in zip(args.files, *json.loads(found.splitlines()[-1]), strict=True):
            rows.append({"level": level, "file": Path(path).name, "ms": ms, "ratio": ratio})
            print(f"{level:8}{ms:8.3f} ms{ratio:7.2f}  {Path(path).name}", flush=True)
    if args.json:
        write_json(args.json, {"instructions": instruction_set(), "rows": rows})


if __name__ == "__main__":
    main()
