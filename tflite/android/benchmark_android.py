"""Measures .tflite models on an Android device with TFLite's own benchmark_model, through adb.

    python benchmark_android.py face.tflite
    python benchmark_android.py float32.tflite int8.tflite --threads 1 2 4 --json phone.json
    python benchmark_android.py int8.tflite --on cpu --cpus f0 --serial 0123456789ABCDEF

The README.md in this folder says where to get benchmark_model. The computer needs only Python and
adb. Nothing is left on the device.

Each model runs on the CPU (XNNPACK) with each number of threads, on the GPU, and with NNAPI. These
configurations run in turns for --rounds rounds, so that a phone that gets warm slows all of them
alike. The table shows the median over the rounds. If a delegate is missing, fails, or leaves the
whole model to the CPU, its row shows the reason instead of figures.

Times are for random inputs. median, p95 and avg are the tool's statistics of one round. init is
the time to load the model and prepare the delegate. "delegate runs" is the number of operations
that the delegate runs. drift compares the last round with the first. The GPU computes in 16-bit
floats (the tool's default): check the landmarks of a model before you ship it for the GPU.

Exit status: 0; 1 if no configuration could be measured; 2 after an error, with one line on stderr;
130 after Ctrl-C.
"""

import argparse
import json
import os
import secrets
import shlex
import sys
import tempfile
import time
from pathlib import Path

from device import Device, Problem
from figures import PAPER, summarize, table
from files import check_model, find_binary
from tool_log import accelerators, parse

FLAGS = {"cpu": "--use_xnnpack=true", "gpu": "--use_gpu=true", "nnapi": "--use_nnapi=true"}
NNAPI_FROM = 27  # Android 8.1


def arguments(argv):
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("models", nargs="+", type=Path, metavar="model.tflite")
    parser.add_argument("--binary", type=Path, help="benchmark_model for the device; by default "
                        "the ready-made one beside this script")  # fmt: skip
    parser.add_argument("--serial", help="which device, where several are connected")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2, 4], metavar="N")
    parser.add_argument("--on", nargs="+", choices=list(FLAGS), default=list(FLAGS))
    parser.add_argument("--runs", type=int, default=50, help="at least so many a round (50)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of all configurations (3)")
    parser.add_argument("--cpus", help="mask of the cores to use, in hexadecimal: f0 is 4 to 7")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures there")
    parser.add_argument("--adb", default="adb", help="the adb program")
    args = parser.parse_args(argv)
    for option in ("threads", "runs", "rounds"):
        value = getattr(args, option)
        if min(value if isinstance(value, list) else [value]) < 1:
            raise Problem(f"--{option} must be at least 1. Got: {value}")
    if args.cpus and not set(args.cpus) <= set("0123456789abcdefABCDEF"):
        raise Problem(f"--cpus must be a mask in hexadecimal, such as f0. Got: {args.cpus}")
    if args.json and not os.access(args.json.parent, os.W_OK):
        raise Problem(
            f"--json must name a file in a folder that can be written to. Got: {args.json}"
        )
    return args


def describe(device):
    """Properties of the device."""
    names = {
        "manufacturer": "ro.product.manufacturer",
        "model": "ro.product.model",
        "chip": "ro.soc.model",
        "board": "ro.board.platform",
        "android": "ro.build.version.release",
        "sdk": "ro.build.version.sdk",
        "abis": "ro.product.cpu.abilist",
    }
    told = [f"echo {key}=$(getprop {name})" for key, name in names.items()]
    told.append("echo governors=$(cat /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor)")
    about = dict.fromkeys([*names, "governors"], "")
    for line in device.shell(f"{{ {'; '.join(told)}; }} 2>/dev/null").splitlines():
        key, _, value = line.partition("=")
        about[key] = value.strip()
    about["abis"] = about["abis"].split(",")
    about["governors"] = sorted(set(about["governors"].split()))
    return about


def battery(device):
    """Battery temperature in degrees Celsius, which every device reports, or None."""
    for line in device.shell("dumpsys battery 2>/dev/null || true").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "temperature" and value.strip().isdigit():
            return int(value) / 10
    return None


def configurations(models, args, sdk):
    """The rows of the table as dictionaries, and the reason to skip NNAPI, or None."""
    rows = []
    for number, model in enumerate(models):
        for where in args.on:
            for threads in args.threads if where == "cpu" else args.threads[:1]:
                rows.append(
                    {
                        "model": model.name,
                        "file": f"{number}.tflite",
                        "on": where,
                        "threads": threads,
                    }
                )
    for row in rows:
        row["rounds"] = []
        if row["on"] == "nnapi" and sdk.isdigit() and int(sdk) < NNAPI_FROM:
            row["error"] = f"NNAPI begins with Android 8.1 (SDK {NNAPI_FROM}), this is SDK {sdk}"
    return rows


def run_once(device, folder, row, args, local):
    """Runs one configuration and returns the output of the tool."""
    command = [
        "./benchmark_model",
        f"--graph={row['file']}",
        f"--num_threads={row['threads']}",
        f"--num_runs={args.runs}",
        "--warmup_runs=5",
        FLAGS[row["on"]],
    ]
    if args.cpus:
        command = ["taskset", args.cpus, *command]
    row["command"] = " ".join(command)
    # The process number is stored for Ctrl-C. The status is written to the log, because adb before
    # Android 7 does not return it. If the number is missing, the folder is being removed.
    inner = shlex.quote(f"echo $$ > pid; exec {row['command']}")
    after = "status=$?; [ -f pid ] && echo exit=$status >> log && rm pid"
    device.shell(f"cd {folder}; sh -c {inner} > log 2>&1; {after}", timeout=900)
    device.pull(f"{folder}/log", local)
    return local.read_text(encoding="utf-8", errors="replace")


def measure(device, folder, rows, args):
    """Runs all rounds of each row; returns the NNAPI accelerators that the tool lists."""
    names = []
    with tempfile.TemporaryDirectory() as local:
        for number in range(args.rounds):
            for row in rows:
                if "error" in row:
                    continue
                title = f"{row['model']} on {row['on']}, {row['threads']} threads"
                print(f"round {number + 1} of {args.rounds}: {title}", file=sys.stderr, flush=True)
                text = run_once(device, folder, row, args, Path(local) / "log")
                names = accelerators(text) or names
                figures = parse(text, row["on"])
                if "error" in figures:
                    row["error"], row["log"] = figures["error"], text
                else:
                    row["rounds"].append(figures)
    return names


def clean(device, folder):
    """Stops the tool on the device and removes the folder."""
    try:
        pid = f"{folder}/pid"
        device.shell(
            f"[ -f {pid} ] && p=$(cat {pid}) && rm {pid} && kill $p; rm -rf {folder}", timeout=30
        )
    except Problem as problem:  # the device is gone; the first error is reported instead
        print(f"note: {folder} is left on the device: {problem}", file=sys.stderr)


def benchmark(args):
    for model in args.models:
        check_model(model)
    device = Device(args.adb, args.serial)
    about = describe(device)
    binary = find_binary(args.binary, about["abis"])
    folder = f"/data/local/tmp/keras_fld_{secrets.token_hex(4)}"
    rows = configurations(args.models, args, about["sdk"])
    before = battery(device)
    try:
        device.shell(f"mkdir -p {folder}")
        device.push(binary, f"{folder}/benchmark_model")
        for number, model in enumerate(args.models):
            device.push(model, f"{folder}/{number}.tflite")
        device.shell(f"chmod 755 {folder}/benchmark_model")
        about["nnapi_accelerators"] = measure(device, folder, rows, args)
    finally:
        clean(device, folder)
    summarize(rows)
    about["celsius"] = {"before": before, "after": battery(device)}
    if args.json:
        report = {"date": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "device": about, "paper": PAPER}
        report["results"] = [{k: v for k, v in row.items() if k != "file"} for row in rows]
        args.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
    chip = about["chip"] or about["board"] or "unknown chip"
    print(f"{about['manufacturer']} {about['model']}, {chip}, Android {about['android']}")
    print(f"clock governor {', '.join(about['governors']) or 'unknown'}", end="")
    if before is not None:
        print(f"; battery {before:.1f} C before, {about['celsius']['after']} C after", end="")
    print(f"\n\n{table(rows)}")
    return 1 if all("error" in row for row in rows) else 0


def main(argv=None):
    try:
        return benchmark(arguments(argv))
    except Problem as problem:
        print(" ".join(str(problem).split()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted before the end", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
