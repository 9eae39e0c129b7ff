"""Measures how fast .tflite models run on this machine: a phone, a board or a computer.

    python benchmark.py model.tflite
    python benchmark.py float.tflite int8.tflite --threads 1 2 4 --json result.json

This one file is all that has to be copied besides the models. It needs Python 3.9 or newer, numpy
and the LiteRT interpreter:

    pip install numpy ai-edge-litert

An older board's tflite-runtime is used where ai-edge-litert is missing. On a phone, Termux itself
cannot load the interpreter (its packages are built for glibc), a Debian inside Termux can:

    pkg install proot-distro && proot-distro install debian && proot-distro login debian

What is measured
  A row of the table is one model at one number of threads. Its times are of the call invoke()
  alone, on random pixels 0..255 in the model's own input type: no camera, cropping or copying.
  Rows take turns in blocks of 10 runs (A B A B ...), so that a clock that changes or a busy
  neighbour hits all of them alike and their ratio holds although the times do not. Naming the
  same model twice shows how far to trust that ratio: it should be 1.00.
  p50, p90 and p99 are percentiles of these times; frames/s is 1000 / p50.
  vs first is a row's p50 divided by the first model's at the same number of threads.
  peak MiB is the largest resident memory of a process that ran this row alone; the number after
  the plus is what opening and running the model added to Python, numpy and the interpreter.
  XNNPACK, the fast kernels for CPUs, is named only where the interpreter's own list of operations
  says that it took some over, with how many it took.
  The paper's figure stands below for comparison: 120 frames/s, an average, on a Snapdragon 820.

For figures worth keeping: plug the device in, close other programs, let it cool, and run twice.

Exit status: 0, or 2 with one line on stderr where something is wrong, or 130 after Ctrl-C.
"""

import argparse
import hashlib
import importlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time

try:
    import resource
except ImportError:  # Windows has none: memory is then reported as unknown
    resource = None

BLOCK = 10
PAPER = {"device": "Snapdragon 820", "statistic": "average", "frames_per_second": 120}
RUNTIMES = {  # package to install: module to import, best first
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
}


class Problem(Exception):
    """What the user can put right, told in one line."""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Problem(message)


def parse(argv):
    parser = Parser(
        "benchmark.py",
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", nargs="*", metavar="model.tflite")
    parser.add_argument(
        "--threads",
        nargs="+",
        type=int,
        default=[1],
        metavar="N",
        help="numbers of threads to try, after the models (default: 1)",
    )
    parser.add_argument("--runs", type=int, default=300, help="timed runs a row (default: 300)")
    parser.add_argument("--warmup", type=int, default=30, help="runs before them (default: 30)")
    parser.add_argument(
        "--seconds",
        type=float,
        help="stop at the end of the round of blocks in which this much time is up",
    )
    parser.add_argument("--json", metavar="FILE", help="also write every figure and time to FILE")
    parser.add_argument("--probe", help=argparse.SUPPRESS)  # how the script calls itself
    args = parser.parse_args(argv)
    if not args.models and not args.probe:
        raise Problem("at least one model must be named: benchmark.py model.tflite")
    for option, least in (("threads", 1), ("runs", 1), ("warmup", 0)):
        values = getattr(args, option)
        for value in values if isinstance(values, list) else [values]:
            if value < least:
                raise Problem(f"--{option} must be at least {least}. Got: {value}")
    if args.seconds is not None and not args.seconds > 0:
        raise Problem(f"--seconds must be above 0. Got: {args.seconds:g}")
    path = args.json  # looked at now, not after minutes of measuring
    if path and (path.endswith(".tflite") or (os.path.exists(path) and not os.path.isfile(path))):
        raise Problem(f"--json must name a file for the result. Got: {path}")
    if path and not os.access(os.path.dirname(path) or ".", os.W_OK):
        raise Problem(f"--json must name a file in a folder that can be written to. Got: {path}")
    return args


def check_model_file(path):
    try:
        with open(path, "rb") as file:
            head = file.read(8)
    except FileNotFoundError:
        raise Problem(f"{path}: no such file") from None
    except OSError as error:
        raise Problem(f"{path}: {error.strerror}") from None
    if head[4:] != b"TFL3":
        raise Problem(f"{path}: not a TFLite file: bytes 4 to 8 must be b'TFL3'. Got: {head[4:]}")


def load_runtime():
    """Returns numpy, the Interpreter class and the name of the package it comes from.

    Not imported at the top: the main process stays small until the probes are done, because on
    Linux a child's peak memory begins at its parent's.
    """
    try:
        import numpy as np
    except ImportError as error:
        raise Problem(f"benchmark.py needs numpy: pip install numpy ({error})") from None
    broken = ""
    for package, module in RUNTIMES.items():
        try:
            return np, importlib.import_module(module).Interpreter, package
        except ImportError as error:
            if error.name not in (module, module.split(".")[0]):  # installed, but does not load
                broken += f" ({error})"
    raise Problem(f"benchmark.py needs the LiteRT interpreter: pip install ai-edge-litert{broken}")


def open_model(np, interpreter_class, path, threads):
    """Returns an interpreter with its input filled that has run once."""
    try:
        interpreter = interpreter_class(model_path=path, num_threads=threads)
        interpreter.allocate_tensors()
        random = np.random.default_rng(0)
        for tensor in interpreter.get_input_details():
            pixels = random.integers(0, 256, tensor["shape"], dtype=np.uint8)
            interpreter.set_tensor(tensor["index"], pixels.astype(tensor["dtype"]))
        interpreter.invoke()
    except (RuntimeError, TypeError, ValueError) as error:
        raise Problem(f"{path}: the interpreter cannot run it: {error}") from None
    return interpreter


def peak_mib():
    if resource is None:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def delegation(interpreter):
    """Counts the operations that a delegate runs, or returns None where that cannot be known.

    A delegate's partitions are appended to the list as DELEGATE, and the operations they replace
    stay in it. So the outputs are traced back to the inputs, through a partition where it is the
    last to write a tensor: the operations met on the way are those that run outside it.
    """
    try:
        operations = interpreter._get_ops_details()
    except AttributeError:
        return None
    partitions = [op for op in operations if op["op_name"] == "DELEGATE"]
    writer = {int(tensor): i for i, op in enumerate(operations) for tensor in op["outputs"]}
    needed, met = [tensor["index"] for tensor in interpreter.get_output_details()], set()
    while needed:
        i = writer.get(int(needed.pop()))
        if i is not None and i not in met:
            met.add(i)
            needed.extend(operations[i]["inputs"])
    total = len(operations) - len(partitions)
    outside = sum(operations[i]["op_name"] != "DELEGATE" for i in met)
    return {
        "operations": total,
        "partitions": len(partitions),
        "delegated": total - outside if partitions else 0,
    }


def probe(path, threads):
    """Runs one model and prints what there is to know about it; this process does nothing else."""
    np, interpreter_class, _ = load_runtime()
    before = peak_mib()
    interpreter = open_model(np, interpreter_class, path, threads)
    for _ in range(BLOCK):
        interpreter.invoke()
    peak = peak_mib()
    facts = {
        "delegation": delegation(interpreter),
        "peak_mib": peak,
        "model_mib": None if peak is None else peak - before,
    }
    for side in ("input", "output"):
        details = getattr(interpreter, f"get_{side}_details")()
        facts[f"{side}s"] = [
            {"dtype": np.dtype(tensor["dtype"]).name, "shape": tensor["shape"].tolist()}
            for tensor in details
        ]
    print(json.dumps(facts))


def run_probe(path, threads):
    """Learns about a model in a process of its own: its memory is then its own, and a damaged
    file that crashes the interpreter does not take this process with it."""
    command = [sys.executable, os.path.abspath(__file__), f"--probe={path}", f"--threads={threads}"]
    child = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    if child.returncode < 0:  # a signal: a damaged file, no memory left, far too many threads
        raise Problem(f"{path}: the interpreter crashed on it (signal {-child.returncode})")
    if child.returncode:
        raise Problem((child.stderr.strip() or f"{path}: the probe failed").splitlines()[-1])
    facts = json.loads(child.stdout.splitlines()[-1])
    if facts["delegation"] is None:
        delegate = "unknown"
    elif not facts["delegation"]["partitions"]:
        delegate = "none"
    else:  # the list of operations does not name the delegate, the interpreter's log does
        delegate = "XNNPACK" if "XNNPACK" in child.stderr else "of unknown name"
    return {"model": path, "threads": threads, "delegate": delegate, **facts}


def time_block(invoke, count):
    clock, times = time.perf_counter_ns, []
    for _ in range(count):
        start = clock()
        invoke()
        times.append((clock() - start) / 1e6)
    return times


def measure(interpreters, args):
    """Returns each interpreter's times in ms, measured turn by turn."""
    times = [[] for _ in interpreters]
    for interpreter in interpreters:
        time_block(interpreter.invoke, args.warmup)
    start = time.monotonic()
    for done in range(0, args.runs, BLOCK):
        for interpreter, own in zip(interpreters, times):
            interpreter.invoke()  # untimed: the row before has emptied the caches
            own += time_block(interpreter.invoke, min(BLOCK, args.runs - done))
        if args.seconds is not None and time.monotonic() - start >= args.seconds:
            break
    return times


def summarise(np, rows, times):
    """Adds the figures to the rows."""
    first = {}
    for row, own in zip(rows, times):
        p50, p90, p99 = (float(p) for p in np.percentile(own, [50, 90, 99]))
        base = first.setdefault(row["threads"], p50)
        row.update(
            runs=len(own),
            p50_ms=p50,
            p90_ms=p90,
            p99_ms=p99,
            frames_per_second=1000 / p50,
            ratio_to_first=p50 / base,
            latencies_ms=own,
        )


def cpu_name():
    """The names that Linux gives the processor; ARM kernels often know only part numbers."""
    seen = {}
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = (part.strip() for part in line.partition(":"))
                if value and value not in seen.setdefault(key, []):
                    seen[key].append(value)
    except OSError:
        pass
    names = [n for key in ("model name", "Hardware", "Model") for n in seen.get(key, [])]
    names += [f"CPU part {part}" for part in seen.get("CPU part", [])]
    return ", ".join(names) or platform.processor() or "unknown"


def environment(np, package):
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        version = "of unknown version"
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            package: version,
        },
    }


def file_facts(path):
    with open(path, "rb") as file:
        data = file.read()
    return {"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def describe(file, row):
    """The paragraph about a model above the table."""
    lines = [f"{file['path']}: {file['bytes']:,} bytes ({file['bytes'] / 1024:.1f} KiB)"]
    for side in ("inputs", "outputs"):
        for tensor in row[side]:
            shape = "x".join(map(str, tensor["shape"])) or "scalar"
            lines.append(f"  {side[:-1]:<8} {tensor['dtype']} {shape}")
    share = row["delegation"]
    taken = f", {share['delegated']} of {share['operations']} operations" if share else ""
    return "\n".join([*lines, f"  delegate {row['delegate']}{taken}"])


def table(rows):
    """The figures as aligned text of at most 100 columns, the paper's below them."""
    paper = f"paper, {PAPER['device']} ({PAPER['statistic']})"
    width = min(max(len(paper), *(len(row["model"]) for row in rows)), 36)
    line = f"{{:<{width}}} {{:>7}} {{:>8}} {{:>8}} {{:>8}} {{:>8}} {{:>8}}  {{}}".format
    heads = ("threads", "p50 ms", "p90 ms", "p99 ms", "frames/s", "vs first", "peak MiB")
    lines = [line("model", *heads)]
    for row in rows:
        name = row["model"] if len(row["model"]) <= width else "..." + row["model"][3 - width :]
        times = (f"{row[p]:.3f}" for p in ("p50_ms", "p90_ms", "p99_ms"))
        rate, ratio = f"{row['frames_per_second']:.1f}", f"{row['ratio_to_first']:.3f}"
        memory = "unknown"
        if row["peak_mib"] is not None:
            memory = f"{row['peak_mib']:.1f} +{row['model_mib']:.1f}"
        lines.append(line(name, row["threads"], *times, rate, ratio, memory))
    fps = PAPER["frames_per_second"]
    lines.append("-" * len(lines[0]))
    lines.append(line(paper, "-", f"{1000 / fps:.1f}", "-", "-", fps, "-", "-"))
    return "\n".join(lines)


def write_json(path, report):
    """Writes beside the file, then renames: a reader never sees half a result."""
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
        os.replace(temporary, path)
    except OSError as error:
        raise Problem(f"{path}: {error.strerror}") from None
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def say(text):
    """Prints; a reader that has gone (`| head`) does not stop the measuring."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def benchmark(args):
    for path in args.models:
        check_model_file(path)
    # Thread by thread, so that the rows whose ratio is printed follow each other.
    rows = [run_probe(path, threads) for threads in args.threads for path in args.models]
    np, interpreter_class, package = load_runtime()
    interpreters = [open_model(np, interpreter_class, r["model"], r["threads"]) for r in rows]
    models = {row["model"]: row for row in rows}
    files = [file_facts(path) for path in models]
    about = environment(np, package)

    say(", ".join(f"{name} {version}" for name, version in about["versions"].items()))
    say(f"{about['platform']}\n{about['cpu']}, {about['cores']} cores")
    for file, row in zip(files, models.values()):
        say(f"\n{describe(file, row)}")
    times = measure(interpreters, args)
    summarise(np, rows, times)
    if args.json:
        arguments = {key: value for key, value in vars(args).items() if key != "probe"}
        write_json(
            args.json,
            {
                **about,
                "arguments": arguments,
                "block": BLOCK,
                "paper": PAPER,
                "files": files,
                "results": rows,
            },
        )
    say(f"\n{rows[0]['runs']} runs a row after {args.warmup} to warm up\n\n{table(rows)}")


def main(argv=None):
    sys.stdout.reconfigure(errors="backslashreplace")  # a file may have any name
    try:
        args = parse(argv)
        if args.probe:
            probe(args.probe, args.threads[0])
        else:
            benchmark(args)
    except Problem as problem:
        print(" ".join(str(problem).split()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted before the end", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
