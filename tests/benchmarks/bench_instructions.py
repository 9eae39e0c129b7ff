"""Speed of the modes with the instructions that a processor has, and with fewer of them.

    keras-fld export --preset trnet20_300w --all --out files
    python tests/benchmarks/bench_instructions.py files/model_float32.tflite files/model_int8.tflite

XNNPACK chooses its kernels by what the instruction CPUID tells. Here each CPUID of LiteRT's library
becomes a trap, whose handler leaves out AVX512 and VNNI. Linux on x86-64, gcc and objdump are
needed. Times are processor time of one thread, the files taking turns, relative to the first.
"""

import argparse
import ctypes
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ai_edge_litert.interpreter as litert
import numpy as np

# Instruction sets from the best on, to what is left out of them.
LEVELS = {"all": 0, "AVX512": 1, "AVX2": 2}
LIBRARY = Path(litert.__file__).with_name("libpywrap_litert_common.so")
HANDLER = r"""
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>
#define BIT(n) (1u << (n))
static int level;
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
  }
  if (leaf == 7 && part == 1) { /* AVX-VNNI, bfloat16 and newer */
    a &= ~(BIT(4) | BIT(5) | BIT(21) | BIT(23));
    d &= ~(BIT(4) | BIT(5) | BIT(8) | BIT(10) | BIT(19));
  }
  r[REG_RAX] = a; r[REG_RBX] = b; r[REG_RCX] = c; r[REG_RDX] = d;
  r[REG_RIP] += 1; /* the second byte of CPUID */
}
int mask(uint64_t start, const uint64_t *places, int count, int wanted) {
  struct sigaction action = {0};
  int done = 0;
  level = wanted;
  action.sa_sigaction = trap;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGTRAP, &action, 0);
  for (int i = 0; i < count; i++) {
    uint8_t *code = (uint8_t *)(start + places[i]);
    void *page = (void *)((uint64_t)code & ~4095ull);
    if (code[0] != 0x0f || code[1] != 0xa2) continue;
    if (mprotect(page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC)) continue;
    code[0] = 0xcc; code[1] = 0x90; done++;
  }
  return done;
}
"""


def mask(level):
    """Hides instructions from the interpreter of this process."""
    listing = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", LIBRARY], capture_output=True, text=True, check=True
    )
    found = re.findall(r"^\s*([0-9a-f]+):\s+cpuid", listing.stdout, re.M)
    with Path("/proc/self/maps").open() as maps:
        start = int(next(line for line in maps if str(LIBRARY) in line).partition("-")[0], 16)
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "mask.c"), Path(folder, "mask.so")
        source.write_text(HANDLER)
        subprocess.run(["gcc", "-O1", "-shared", "-fPIC", source, "-o", library], check=True)
        handler = ctypes.CDLL(str(library))
    handler.mask.argtypes = [ctypes.c_uint64, ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
    places = (ctypes.c_uint64 * len(found))(*(int(place, 16) for place in found))
    if not found or handler.mask(start, places, len(found), level) != len(found):
        sys.exit("Error: LiteRT's library cannot be masked")
    return handler  # must live as long as the process


def opened(path):
    """An interpreter that has run once, on random pixels."""
    interpreter = litert.Interpreter(path, num_threads=1)
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    pixels = np.random.default_rng(0).integers(0, 256, given["shape"]).astype(given["dtype"])
    interpreter.set_tensor(given["index"], pixels)
    interpreter.invoke()
    return interpreter


def measure(paths, rounds, block=5):
    """Milliseconds of each file's inference, one row a file."""
    interpreters = [opened(path) for path in paths]
    times = np.empty((len(paths), rounds))
    for turn in range(rounds):
        for row, interpreter in enumerate(interpreters):
            interpreter.invoke()
            start = time.process_time()
            for _ in range(block):
                interpreter.invoke()
            times[row, turn] = 1000 * (time.process_time() - start) / block
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--level", choices=LEVELS, help="one level only, in this process")
    args = parser.parse_args()
    if args.level is None:  # a process for each, as kernels are chosen once
        for level in LEVELS:
            subprocess.run([sys.executable, __file__, *sys.argv[1:], "--level", level], check=True)
        return
    kept = mask(LEVELS[args.level]) if LEVELS[args.level] else None
    times = measure(args.files, args.rounds)
    for path, own in zip(args.files, times, strict=True):
        ratio = np.median(own / times[0])
        print(f"{args.level:8}{np.median(own):8.3f} ms{ratio:7.2f}  {Path(path).name}", flush=True)
    del kept


if __name__ == "__main__":
    main()
