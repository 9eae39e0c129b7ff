"""Measures how fast .tflite models run on this machine: a phone, a board or a computer.

    python benchmark.py model.tflite
    python benchmark.py float.tflite int8.tflite --threads 1 2 4 --json result.json
    python benchmark.py int8.tflite --profile          # time of each operation
    python benchmark.py --compare phone.json board.json

Copy this file and the models to the device, and benchmark_faces.npz to measure accuracy, too. The
script needs Python 3.8 or newer, numpy and the LiteRT interpreter:

    pip install numpy ai-edge-litert

If ai-edge-litert is missing, the script uses tflite-runtime, as on older boards. On a phone, Termux
cannot load the interpreter, whose packages need glibc. Use Debian inside Termux:

    pkg install proot-distro && proot-distro install debian && proot-distro login debian

What is measured
  Each row of the table is one model with one number of threads. Times are for invoke() only, on
  random pixels 0..255 in the model's input type, without camera, cropping or copying. Rows run in
  turns, in blocks of 10 runs (A B A B ...), so that clock changes and other programs affect all
  rows alike and ratios stay reliable. To check the ratios, name the same model twice: the ratio
  should be 1.00.
  p50, p90 and p99 are percentiles of these times; frames/s is 1000 / p50.
  vs first is the p50 divided by that of the first model with the same number of threads.
  peak MiB is the peak resident memory of a process that runs only this row. The number after the
  plus is the share of the model, without Python, numpy and the interpreter.
  XNNPACK, the fast CPU kernels, is shown with its number of operations, if the interpreter's list
  of operations shows that it is used.
  The figure of the paper is shown for comparison: 120 frames/s on average on a Snapdragon 820.
  drift compares the median of the last quarter of runs with that of the first quarter. If every
  row slows down, the device got hot or another program started: let it cool, or run for longer
  (--seconds) until it settles. Temperatures and clocks before and after are from Linux.

  NME is the mean distance between predicted and true landmarks in percent of the inter-pupil
  distance, over the 32 drawn faces in benchmark_faces.npz, for models of keras_fld. The crops have
  64 pixels; for larger models each pixel is repeated. It is not the accuracy on photographs,
  because a model trained on photographs never saw drawings. It shows whether the device computes
  correctly: the same integer model has the same NME, to 0.01, on every device. It also shows the
  cost of a conversion between models of the same network.

--profile shows the time of each operation with the first number of threads. The Python interpreter
does not report times of single operations. The script therefore runs models that are cut off after
the first, second, third operation and so on, in turns. The time of an operation is the difference
between two cuts, accurate to a few microseconds. It may be negative.

--compare prints the ratios of two results, row by row, matched by the models' names, and reports
files whose accuracy differs.

For reliable figures, plug in the device, close other programs, let it cool, and run twice.

Exit status: 0; 2 after an error, with one line on stderr; 130 after Ctrl-C.
"""

import argparse
import hashlib
import importlib
import importlib.metadata
import json
import os
import platform
import struct
import subprocess
import sys
import textwrap
import time

try:
    import resource
except ImportError:  # missing on Windows: memory is then reported as unknown
    resource = None

BLOCK = 10
SLOWED = 0.05  # drift of all rows that is reported
SAME_NME = 0.01  # percent; rounding differences between devices are smaller
FACES = "benchmark_faces.npz"
PAPER = {"device": "Snapdragon 820", "statistic": "average", "frames_per_second": 120}
INSTRUCTIONS = (  # name, and the flags of Linux or macOS; the fastest for int8 first
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
RUNTIMES = {  # package to install: module to import, best first
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
}


class Problem(Exception):
    """An error that the user can fix, with a one-line message."""


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
    parser.add_argument("--runs", type=int, default=300, help="timed runs per row (default: 300)")
    parser.add_argument("--warmup", type=int, default=30, help="runs before them (default: 30)")
    parser.add_argument(
        "--seconds",
        type=float,
        help="stop at the end of the round of blocks in which this much time is up",
    )
    parser.add_argument("--json", metavar="FILE", help="also write every figure and time to FILE")
    parser.add_argument("--profile", action="store_true", help="also time each operation")
    parser.add_argument(
        "--faces",
        metavar="FILE",
        help=f"drawn faces to measure the accuracy on (default: {FACES} beside this file)",
    )
    parser.add_argument(
        "--compare", nargs=2, metavar=("A.json", "B.json"), help="print how two results differ"
    )
    parser.add_argument("--probe", help=argparse.SUPPRESS)  # the name of the script in its messages
    args = parser.parse_args(argv)
    if args.compare and (args.models or args.json or args.profile):
        raise Problem("--compare stands alone: benchmark.py --compare A.json B.json")
    if args.compare:
        return args
    if not args.models and not args.probe:
        raise Problem("at least one model must be named: benchmark.py model.tflite")
    for option, least in (("threads", 1), ("runs", 1), ("warmup", 0)):
        values = getattr(args, option)
        for value in values if isinstance(values, list) else [values]:
            if value < least:
                raise Problem(f"--{option} must be at least {least}. Got: {value}")
    if args.seconds is not None and not args.seconds > 0:
        raise Problem(f"--seconds must be above 0. Got: {args.seconds:g}")
    if args.faces and not os.path.isfile(args.faces):
        raise Problem(f"--faces must name {FACES}. Got: {args.faces}")
    path = args.json  # checked before the measurement, which takes minutes
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

    They are not imported at the top. On Linux, the peak memory of a child process includes that of
    its parent, so the main process must stay small until the probes are done.
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
            if error.name not in (module, module.split(".")[0]):  # installed but broken
                broken += f" ({error})"
    raise Problem(f"benchmark.py needs the LiteRT interpreter: pip install ai-edge-litert{broken}")


def open_model(np, interpreter_class, path, threads, content=None):
    """Returns an interpreter for a file or bytes, with its input filled, after a first run."""
    source = {"model_path": path} if content is None else {"model_content": content}
    try:
        interpreter = interpreter_class(**source, num_threads=threads)
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
    """Counts the operations that a delegate runs, or returns None if this is unknown.

    The interpreter appends the partitions of a delegate to its list as DELEGATE, but keeps the
    operations that they replace. The function traces the outputs back to the inputs, through a
    partition if it is the last to write a tensor. The operations on the way run outside of it.
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
    """Runs one model and prints its properties, in a process of its own."""
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
    """Returns the properties of a model, found by a separate process.

    The memory is then that of one model, and a damaged file can crash only that process.
    """
    command = [sys.executable, os.path.abspath(__file__), f"--probe={path}", f"--threads={threads}"]
    child = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    if (
        child.returncode < 0
    ):  # killed by a signal: a damaged file, too little memory, or too many threads
        raise Problem(f"{path}: the interpreter crashed on it (signal {-child.returncode})")
    if child.returncode:
        raise Problem((child.stderr.strip() or f"{path}: the probe failed").splitlines()[-1])
    facts = json.loads(child.stdout.splitlines()[-1])
    if facts["delegation"] is None:
        delegate = "unknown"
    elif not facts["delegation"]["partitions"]:
        delegate = "none"
    else:  # the delegate's name is only in the interpreter's log
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
            interpreter.invoke()  # untimed, to fill the caches
            own += time_block(interpreter.invoke, min(BLOCK, args.runs - done))
        if args.seconds is not None and time.monotonic() - start >= args.seconds:
            break
    return times


def drift(np, times):
    """Median of the last quarter divided by that of the first, minus 1; None for too few runs."""
    quarter = len(times) // 4
    if quarter < BLOCK:
        return None
    return float(np.median(times[-quarter:]) / np.median(times[:quarter]) - 1)


def summarize(np, rows, times):
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
            drift=drift(np, own),
            latencies_ms=own,
        )


def cpu_name():
    """The processor's names from Linux, which on ARM are often only part numbers."""
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


def instruction_set():
    """The best extension for int8 that all cores have, of those that XNNPACK has kernels for."""
    flags = []
    if sys.platform == "darwin":
        command = ["sysctl", "hw.optional", "machdep.cpu"]
        found = subprocess.run(command, check=False, capture_output=True, text=True)
        flags.append(set())
        for line in found.stdout.lower().splitlines():
            key, _, value = line.partition(":")
            if key.endswith("features"):
                flags[0].update(value.split())
            elif value.strip() == "1":
                flags[0].add(key.rpartition(".")[2])
    else:
        try:
            with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
                lines = [line.lower().partition(":") for line in file]
        except OSError:
            return "unknown"
        flags += [set(v.split()) for key, _, v in lines if key.strip() in ("flags", "features")]
    common = set.intersection(*flags) if flags else set()
    for name, kinds in INSTRUCTIONS:
        if any(kind <= common for kind in kinds):
            return name
    return "unknown"


def read_line(path):
    """The first line of a file, or None."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline().strip() or None
    except OSError:
        return None


def clock_state():
    """Current clocks in MHz and temperatures in degrees Celsius, if Linux reports them."""
    clocks, heat = [], {}
    for cpu in range(os.cpu_count() or 1):
        text = read_line(f"/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq")
        clocks.append(int(text) / 1000 if text and text.isdigit() else None)
    zones = "/sys/class/thermal"
    for zone in sorted(os.listdir(zones)) if os.path.isdir(zones) else []:
        text = read_line(f"{zones}/{zone}/temp")
        if zone.startswith("thermal_zone") and text and text.lstrip("-").isdigit():
            heat[read_line(f"{zones}/{zone}/type") or zone] = int(text) / 1000
    return {"mhz": clocks, "celsius": heat}


def usable_cores():
    """Number of cores available to this process, which containers and taskset may limit."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count()


def governors():
    """The governor of each core's clock. "performance" keeps it high; others follow the load."""
    cores = range(os.cpu_count() or 1)
    paths = (f"/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor" for cpu in cores)
    return sorted({governor for governor in map(read_line, paths) if governor})


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
        "instruction_set": instruction_set(),
        "cores": os.cpu_count(),
        "usable_cores": usable_cores(),
        "governors": governors(),
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
    """The paragraph on a model above the table."""
    lines = [f"{file['path']}: {file['bytes']:,} bytes ({file['bytes'] / 1024:.1f} KiB)"]
    for side in ("inputs", "outputs"):
        for tensor in row[side]:
            shape = "x".join(map(str, tensor["shape"])) or "scalar"
            lines.append(f"  {side[:-1]:<8} {tensor['dtype']} {shape}")
    share = row["delegation"]
    taken = f", {share['delegated']} of {share['operations']} operations" if share else ""
    return "\n".join([*lines, f"  delegate {row['delegate']}{taken}"])


def table(rows):
    """The figures as aligned text of at most 100 columns, followed by that of the paper."""
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


def stability(rows, before, after):
    """Lines on drift, temperatures and clocks."""
    known = [row for row in rows if row["drift"] is not None]
    lines = []
    if known:
        named = (f"{os.path.basename(r['model'])} x{r['threads']} {r['drift']:+.1%}" for r in known)
        text = f"drift, last against first quarter of the runs: {', '.join(named)}"
        lines.append(textwrap.fill(text, 100, break_on_hyphens=False))
        if min(row["drift"] for row in known) > SLOWED:
            lines.append("every row slowed down: the device got hot, or another program woke up")
    for zone, start in before["celsius"].items():
        end = after["celsius"].get(zone)
        if end is not None:
            lines.append(f"temperature of {zone}: {start:.1f} C before, {end:.1f} C after")
    pairs = list(zip(before["mhz"], after["mhz"]))
    if any(start and end for start, end in pairs):
        clocks = (f"{start:.0f} to {end:.0f}" for start, end in pairs if start and end)
        lines.append(f"clock in MHz, core by core, before to after: {', '.join(clocks)}")
    return lines


def write_json(path, report):
    """Writes to a temporary file and renames it, so that readers never see half a result."""
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


class Flat:
    """The bytes of a TFLite file (schema.fbs): offsets of tables and fields."""

    def __init__(self, data):
        self.data = data
        self.model = self.follow(0)

    def number(self, place):
        return struct.unpack_from("<I", self.data, place)[0]

    def follow(self, place):
        return place + self.number(place)

    def field(self, table, number):
        """Offset of a field in a table, or None if it is not set."""
        layout = table - struct.unpack_from("<i", self.data, table)[0]
        slot = 4 + 2 * number
        if slot >= struct.unpack_from("<H", self.data, layout)[0]:
            return None
        return table + struct.unpack_from("<H", self.data, layout + slot)[0] or None

    def bytes(self, table, number):
        place = self.field(table, number)
        if place is None:
            return b""
        start = self.follow(place)
        return self.data[start + 4 : start + 4 + self.number(start)]

    def tables(self, table, number):
        place = self.field(table, number)
        if place is None:
            return []
        start = self.follow(place)
        return [self.follow(start + 4 + 4 * i) for i in range(self.number(start))]


def metadata(path):
    """The metadata of a keras_fld model, or None."""
    with open(path, "rb") as file:
        flat = Flat(file.read())
    try:
        for entry in flat.tables(flat.model, 6):
            if flat.bytes(entry, 0) == b"keras_fld":
                place = flat.field(entry, 1)
                index = 0 if place is None else flat.number(place)
                return json.loads(flat.bytes(flat.tables(flat.model, 4)[index], 0).decode())
    except (IndexError, ValueError, struct.error):  # damaged: the interpreter reports the error
        pass
    return None


def load_faces(np, path):
    """The drawn faces: images, landmarks, crop size and margin; None if there is no file."""
    path = path or os.path.join(os.path.dirname(os.path.abspath(__file__)), FACES)
    if not os.path.isfile(path):
        return None
    try:
        with np.load(path) as file:
            images = np.cumsum(file["differences"], axis=2, dtype=np.uint8)
            return images, file["landmarks"], (int(file["size"]), float(file["margin"]))
    except (KeyError, OSError, ValueError) as error:
        raise Problem(f"{path}: not the file of faces of this script ({error})") from None


def accuracy(np, interpreter, path, faces):
    """The mean NME in percent, or a sentence on why there is none."""
    if faces is None:
        return f"{FACES} is not beside benchmark.py"
    images, truth, (size, margin) = faces
    about = metadata(path)
    if about is None:
        return "it is not a model of keras_fld"
    inputs = about.get("input", {})
    times, rest = divmod(inputs.get("size") or 0, size)
    if (about.get("scheme"), inputs.get("margin"), rest) != ("ibug68", margin, 0) or not times:
        return (
            f"the faces are for ibug68 landmarks in crops of margin {margin:g} with a multiple of "
            f"{size} pixels"
        )
    # A larger crop repeats each pixel. Pixel centers are whole numbers.
    images = images.repeat(times, axis=1).repeat(times, axis=2)
    truth = truth * times + (times - 1) / 2
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero = taken["quantization"]
    numbers = np.rint(images / (scale or 1.0) + zero).astype(taken["dtype"])
    errors = []
    for image, points in zip(numbers, truth):
        interpreter.set_tensor(taken["index"], image[None])
        interpreter.invoke()
        landmarks = interpreter.get_tensor(given["index"])[0].astype(np.float64)
        scale, zero = given["quantization"]
        if scale:  # 0 if the output is in pixels
            landmarks = (landmarks - zero) * scale
        pupils = points[36:42].mean(axis=0) - points[42:48].mean(axis=0)
        distances = np.linalg.norm(landmarks - points, axis=1)
        errors.append(100 * distances.mean() / np.linalg.norm(pupils))
    return float(np.mean(errors))


def accuracy_line(models, faces):
    """One line with the NMEs, and a line for each model without."""
    known = [
        f"{os.path.basename(path)} {row['nme_percent']:.2f} %"
        for path, row in models.items()
        if row["nme_percent"] is not None
    ]
    lines = []
    if known:
        lines.append(f"NME on {len(faces[1])} drawn faces: {', '.join(known)}")
    for path, row in models.items():
        if row["nme_percent"] is None:
            lines.append(f"no NME of {os.path.basename(path)}: {row['nme_note']}")
    return [part for line in lines for part in textwrap.wrap(line, 100, break_on_hyphens=False)]


class Graph(Flat):
    """The operators of a TFLite file, with functions to cut the model off."""

    def __init__(self, data):
        super().__init__(data)
        graph = self.tables(self.model, 2)[0]  # Model.subgraphs
        self._outputs = self.field(graph, 2)
        self._operators = self.follow(self.field(graph, 3))
        self.length = self.number(self._operators)

    def cut(self, count, outputs):
        """The bytes of the model that ends after so many operators and gives these tensors."""
        data = bytearray(self.data) + bytes(-len(self.data) % 4)
        struct.pack_into("<I", data, self._operators, count)
        # A longer list of outputs than the file's own: at the end, where the field then points.
        struct.pack_into("<I", data, self._outputs, len(data) - self._outputs)
        return bytes(data + struct.pack(f"<{len(outputs) + 1}I", len(outputs), *outputs))


def still_needed(details, count, inputs, results):
    """Tensors that the first operations make from the input and the others, or the user, need:
    without them as outputs XNNPACK would leave out what leads to them."""
    made = set()
    for op in details[:count]:
        if (made | inputs) & {int(i) for i in op["inputs"]}:
            made.update(int(i) for i in op["outputs"])
    wanted = {int(i) for op in details[count:] for i in op["inputs"]} | results
    return sorted(made & wanted)


def profile(np, interpreter_class, path, args):
    """Returns the name, output shape and milliseconds of each operation."""
    with open(path, "rb") as file:
        data = file.read()
    try:
        graph = Graph(data)
        whole = interpreter_class(model_content=data)
        details = whole._get_ops_details()[: graph.length]
        shapes = {x["index"]: x["shape"].tolist() for x in whole.get_tensor_details()}
        # Weights that are unpacked when the model is opened cost nothing afterwards.
        ends = [i + 1 for i, op in enumerate(details) if op["op_name"] != "DEQUANTIZE"]
        inputs = {int(tensor["index"]) for tensor in whole.get_input_details()}
        results = {int(tensor["index"]) for tensor in whole.get_output_details()}
        cuts = []
        for end in ends:
            content = graph.cut(end, still_needed(details, end, inputs, results))
            cuts.append(open_model(np, interpreter_class, path, args.threads[0], content))
    except (AttributeError, IndexError, Problem, RuntimeError, ValueError, struct.error) as error:
        raise Problem(f"{path}: --profile cannot cut it: {error}") from None
    rounds = []
    for _ in range(max(5, args.runs // BLOCK)):
        fastest = []  # of a block: a difference of two medians would show the neighbors' work
        for interpreter in cuts:
            interpreter.invoke()
            fastest.append(min(time_block(interpreter.invoke, BLOCK)))
        rounds.append(np.diff(fastest, prepend=0.0))
    return [
        {
            "operation": details[end - 1]["op_name"],
            "shape": shapes[int(details[end - 1]["outputs"][0])],
            "ms": float(cost),
        }
        for end, cost in zip(ends, np.median(rounds, axis=0))
    ]


def profile_table(row):
    """The operations in order, then the total of each kind."""
    operations = row["operations"]
    total = sum(x["ms"] for x in operations) or 1.0
    lines, kinds = [f"{'operation':<24}{'output':<16}{'ms':>9}{'share':>9}"], {}
    for x in operations:
        shape = "x".join(map(str, x["shape"]))
        lines.append(f"{x['operation']:<24}{shape:<16}{x['ms']:>9.4f}{x['ms'] / total:>9.1%}")
        kinds[x["operation"]] = kinds.get(x["operation"], 0.0) + x["ms"]
    lines.append("-" * len(lines[0]))
    for kind, ms in sorted(kinds.items(), key=lambda item: -item[1]):
        lines.append(f"all {kind:<36}{ms:>9.4f}{ms / total:>9.1%}")
    return "\n".join(lines)


def load_result(path):
    try:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        rows = {}
        for row in report["results"]:
            key = os.path.basename(row["model"]), int(row["threads"])
            figures = {name: float(row[name]) for name in ("p50_ms", "p90_ms")}
            nme = row.get("nme_percent")  # at a model's first number of threads alone
            figures["nme"] = None if nme is None else float(nme)
            rows.setdefault(key, figures)
        hashes = {os.path.basename(file["path"]): file["sha256"] for file in report["files"]}
        return f"{report['cpu']}, {report['platform']}, {report['date']}", rows, hashes
    except OSError as error:
        raise Problem(f"{path}: {error.strerror}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise Problem(f"{path}: not a result that --json wrote ({error!r})") from None


def compare(paths):
    """Prints the rows that are in both results."""
    (first, a, first_files), (second, b, second_files) = (load_result(path) for path in paths)
    common = [key for key in a if key in b]
    if not common:
        raise Problem(f"{paths[0]} and {paths[1]} have no model and number of threads in common")
    width = max(5, *(len(name) for name, _ in common))
    line = f"{{:<{width}}} {{:>7}} {{:>10}} {{:>10}} {{:>8}} {{:>8}}".format
    say(f"A  {paths[0]}: {first}\nB  {paths[1]}: {second}\n")
    say(line("model", "threads", "A p50 ms", "B p50 ms", "B/A", "p90 B/A"))
    for key in common:
        ratios = (f"{b[key][p] / a[key][p]:.3f}" for p in ("p50_ms", "p90_ms"))
        say(line(*key, f"{a[key]['p50_ms']:.3f}", f"{b[key]['p50_ms']:.3f}", *ratios))
    for name, threads in common:
        pair = a[name, threads]["nme"], b[name, threads]["nme"]
        if None in pair:
            continue
        say(f"NME on drawn faces: {name} {pair[0]:.2f} and {pair[1]:.2f} %")
        if first_files[name] == second_files[name] and abs(pair[0] - pair[1]) > SAME_NME:
            say(f"note: {name} is the same file, but gives other landmarks on one of the devices")
    for name in sorted({name for name, _ in common}):
        if first_files[name] != second_files[name]:
            say(f"note: {name} is not the same file in both")
    left = [f"{name} x{threads}" for name, threads in {**a, **b} if (name, threads) not in common]
    if left:
        say(f"note: in one of them alone: {', '.join(left)}")


def say(text):
    """Prints. A closed pipe (`| head`) does not stop the measurement."""
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
    models = {}  # each with its row at the first number of threads
    for row in rows:
        models.setdefault(row["model"], row)
    files = [file_facts(path) for path in models]
    about = environment(np, package)

    say(", ".join(f"{name} {version}" for name, version in about["versions"].items()))
    kept = (
        f", {about['usable_cores']} of them usable"
        if about["usable_cores"] != about["cores"]
        else ""
    )
    say(f"{about['platform']}\n{about['cpu']}, {about['cores']} cores{kept}")
    say(f"instruction set {about['instruction_set']}")
    say(f"clock governor {', '.join(about['governors']) or 'unknown'}")
    for file, row in zip(files, models.values()):
        say(f"\n{describe(file, row)}")
    before = clock_state()
    times = measure(interpreters, args)
    summarize(np, rows, times)
    after = clock_state()
    faces = load_faces(np, args.faces)
    for path, row in models.items():
        measured = accuracy(np, interpreters[rows.index(row)], path, faces)
        row["nme_percent"] = measured if isinstance(measured, float) else None
        row["nme_note"] = measured if isinstance(measured, str) else None
    for path, row in models.items():
        if args.profile:
            del interpreters[:]  # frees memory for the cut models
            row["operations"] = profile(np, interpreter_class, path, args)
    if args.json:
        hidden = ("probe", "json", "faces")  # state of the machine, not of the measurement
        arguments = {key: value for key, value in vars(args).items() if key not in hidden}
        write_json(
            args.json,
            {
                **about,
                "arguments": arguments,
                "block": BLOCK,
                "paper": PAPER,
                "before": before,
                "after": after,
                "files": files,
                "results": rows,
            },
        )
    say(f"\n{rows[0]['runs']} timed runs per row, after {args.warmup} warm-up runs")
    say(f"\n{table(rows)}\n")
    for sentence in [*accuracy_line(models, faces), *stability(rows, before, after)]:
        say(sentence)
    for path, row in models.items():
        if args.profile:
            say(f"\n{path}, operations at --threads {row['threads']}\n{profile_table(row)}")


def main(argv=None):
    sys.stdout.reconfigure(errors="backslashreplace")  # a file may have any name
    try:
        args = parse(argv)
        if args.compare:
            compare(args.compare)
        elif args.probe:
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
