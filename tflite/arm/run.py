"""Runs .tflite models as on ARM: the aarch64 LiteRT interpreter in QEMU's user emulation.

    python tflite/arm/run.py face.tflite
    python tflite/arm/run.py a.tflite b.tflite --cpus cortex-a76 --operators --json arm.json

Needs a Debian 12 machine with apt-get, gcc and qemu-aarch64 (apt-get install qemu-user). The
aarch64 Python and its packages are downloaded once, to --root.

What is measured
  instructions: exact number of executed instructions of one inference on one thread, including
  about 6 thousand for the call from Python. Those of the model are exactly reproducible; those of
  Python vary by some hundreds. Counts ignore caches and clocks. They compare models and
  conversions, but do not predict milliseconds on a phone.
  integers equal: operators with integer outputs that are identical on all faces to those on this
  x86 machine, with XNNPACK on both.
  part at: operators whose outputs differ although their inputs agree. MEAN and SOFTMAX may differ
  by one step. Float operators may differ, because each CPU sums in another order.
  output off: the largest difference of the model's output, in its unit (crop pixels). The JSON file
  also contains the root mean square.
Inputs are drawn faces (keras_fld.data.synthetic) in the model's size.
  NME (--nme 300w=FOLDER): NME on the dataset's test faces, here and on each CPU.
FILE of --json keeps the results of other models. It also keeps the NME of the same file, if the
versions did not change.

Exit status: 0; 1 if integers differ at another operator or by more than one step, a float output
differs by more than 0.02 (0.2 in dynamic mode), or the NME by more than 0.005; 2 after an error,
with one line on stderr.
"""

import argparse
import hashlib
import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1])]

import emulate  # noqa: E402
import nme  # noqa: E402
import programs  # noqa: E402
import root  # noqa: E402
import tables  # noqa: E402
from benchmark import Problem  # noqa: E402
from operators import Model  # noqa: E402

from keras_fld.lite.flatbuffer import graph_sha256  # noqa: E402

# Largest difference of a float output, in sides of the crop. The output layers round their float
# input to int8, so a difference in its last digit can move them by a step: 0.0008 sides at most in
# `trnet20_300w`.
TOLERANCE = 0.001
# If every layer rounds its float input, other summation orders make larger differences.
DYNAMIC = 0.2 / 64
RUNTIME = "ai-edge-litert"


def parse(argv):
    parser = argparse.ArgumentParser(
        "run.py",
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", nargs="+", type=Path, metavar="model.tflite")
    parser.add_argument(
        "--cpus", nargs="+", choices=list(root.CPUS), default=list(root.CPUS), metavar="CPU"
    )
    parser.add_argument("--faces", type=int, default=4, help="inputs to compare on (default: 4)")
    parser.add_argument("--operators", action="store_true", help="also count each operator")
    parser.add_argument(
        "--nme", metavar="NAME=FOLDER", help="also the NME on the test faces of a dataset"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure")
    parser.add_argument(
        "--root", type=Path, default=Path("build/arm"), help="cache folder (default: build/arm)"
    )
    args = parser.parse_args(argv)
    if args.faces < 1:
        raise Problem(f"--faces must be at least 1. Got: {args.faces}")
    if args.nme is not None and not all(args.nme.partition("=")):
        raise Problem(f"--nme must be NAME=FOLDER, such as 300w=/data/300w. Got: {args.nme}")
    return args


def inputs_for(model, faces):
    """Drawn faces in the model's input size: (faces, height, width, 3)."""
    from keras_fld.data import synthetic

    shape, dtype = tuple(map(int, model.input["shape"])), model.input["dtype"]
    if len(shape) != 4 or shape[0] != 1 or shape[1] != shape[2] or shape[3] != 3:
        raise Problem(f"{model.path}: the input must be one square RGB crop. Got: {shape}")
    images = np.stack([synthetic.draw(i, size=max(48, shape[1])).image for i in range(faces)])
    images = images[:, : shape[1], : shape[2]]
    if dtype == np.int8:
        return (images ^ 0x80).view(np.int8)
    return images.astype(dtype)


def measure(model, args, plugin):
    """One model on all CPUs; returns its entry of the JSON file."""
    with tempfile.TemporaryDirectory(prefix="arm_") as folder:
        folder = Path(folder)
        inputs = folder / "inputs.npy"
        np.save(inputs, inputs_for(model, args.faces))
        exposed = folder / "exposed.tflite"
        exposed.write_bytes(model.exposed())
        jobs, ends = [emulate.job(model.path.resolve(), inputs), emulate.job(exposed, inputs)], []
        if args.operators:
            one = folder / "one.npy"
            np.save(one, np.load(inputs)[:1])
            for index, content in model.cuts():
                cut = folder / f"{index}.tflite"
                cut.write_bytes(content)
                ends.append(index)
                jobs.append(emulate.job(cut, one, keep=False))
        here = emulate.on_this_machine(jobs[:2])
        results = []
        for cpu in args.cpus:
            print(f"{model.path.name} on {cpu}", file=sys.stderr)
            there = emulate.on_cpu(jobs, cpu, args.root, plugin)
            results.append(result(model, cpu, here, there, ends))
    content = model.path.read_bytes()
    entry = {
        "model": model.path.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "graph_sha256": graph_sha256(content),
        "macs": sum(op.macs for op in model.operators),
        "results": results,
    }
    if args.nme:
        print(f"{model.path.name}: NME on {args.nme}", file=sys.stderr)
        try:
            entry["nme"] = nme.compare(
                model.path, *args.nme.split("=", 1), args.cpus, args.root, plugin
            )
        except ValueError as error:
            raise Problem(str(error)) from error
    return entry


def as_expected(entry):
    """Whether a model's results differ between x86 and ARM only where they may."""
    return all(row["as_expected"] for row in entry["results"]) and nme.agrees(
        entry.get("nme", {"x86": {}})
    )


def dynamic(model):
    """Whether a file has the mode `dynamic` in its metadata."""
    from keras_fld.predict import metadata

    try:
        return (metadata.read(model.path) or {}).get("mode") == "dynamic"
    except ValueError:  # not of this package
        return False


def result(model, cpu, here, there, ends):
    """The entry of a model on a CPU, from the results of x86 and this CPU."""
    agreement = model.agreement(here[1].outputs, there[1].outputs)
    counts = dict(zip(ends, (x.instructions for x in there[2:]), strict=True))
    rows, before = [], 0
    for index, operator in enumerate(model.operators):
        row = {"operator": operator.name, "shape": operator.shape, "macs": operator.macs}
        if index in counts:
            row["instructions"], before = counts[index] - before, counts[index]
        if index in agreement:
            found = agreement[index]
            row |= vars(found) | {"expected": found.expected(operator.name)}
        rows.append(row)
    scale, index = model.output["quantization"][0], model.output["index"]
    off = np.subtract(there[0].outputs[index], here[0].outputs[index], dtype="float64")
    largest, rms = float(np.abs(off).max()), float(np.sqrt(np.mean(off**2)))
    side = int(model.input["shape"][1])
    close = largest <= (1 if scale else side * (DYNAMIC if dynamic(model) else TOLERANCE))
    return {
        "cpu": cpu,
        "instructions": there[0].instructions,
        "runs": there[0].runs,
        "output_off": largest * (scale or 1),
        "output_rms": rms * (scale or 1),
        "as_expected": close and all(row.get("expected", True) for row in rows),
        "operators": rows,
    }


def with_earlier(report, path):
    """The report, joined with other models and NMEs from an earlier report at the path."""
    try:
        earlier = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return report
    except (OSError, ValueError) as error:
        raise Problem(f"{path}: not the figures of an earlier run ({error})") from error
    if not isinstance(earlier, dict) or earlier.get("versions") != report["versions"]:
        return report
    new, models = {entry["model"]: entry for entry in report["models"]}, []
    for old in earlier["models"]:
        entry = new.pop(old["model"], old)
        if "nme" in old and entry["sha256"] == old["sha256"]:
            entry.setdefault("nme", old["nme"])
        models.append(entry)
    return {**report, "models": models + list(new.values())}


def write(path, report):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    print(f"{path} written")


def versions(about):
    """The versions that the figures depend on."""
    return {
        "qemu": programs.execute(["qemu-aarch64", "--version"]).splitlines()[0],
        "machine": about["machine"],
        "x86": {name: version(name) for name in (RUNTIME, "numpy")},
        "arm": {**about["wheels"], **about["packages"]},
    }


def main(argv=None):
    try:
        args = parse(argv)
        models = [Model(path) for path in args.models]
        programs.check_tools(["qemu-aarch64", "gcc"])
        about = root.build(args.root, say=lambda text: print(text, file=sys.stderr))
        same = about["wheels"][RUNTIME] == version(RUNTIME)
        report = {"versions": versions(about), "faces": args.faces}
        with tempfile.TemporaryDirectory(prefix="arm_") as folder:
            plugin = root.compile_plugin(folder)
            report["models"] = [measure(model, args, plugin) for model in models]
        print(tables.summary(report))
        for entry in report["models"] if args.nme else []:
            print(tables.accuracy(entry))
        for entry in report["models"] if args.operators else []:
            print("\n" + tables.operators(entry))
        if not same:
            print(f"x86 ran {RUNTIME} {version(RUNTIME)}: differences may come from that")
        if args.json:
            write(args.json, with_earlier(report, args.json))
    except Problem as problem:
        print(f"run.py: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0 if all(map(as_expected, report["models"])) else 1


if __name__ == "__main__":
    sys.exit(main())
