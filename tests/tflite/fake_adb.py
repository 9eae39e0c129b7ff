"""A stand-in for adb with one phone, for tests/tflite/test_android.py.

It answers as the real programs do, in their words; the figures in it are made up.

- `adb devices`, "error: no devices/emulators found", "error: device 'X' not found": recorded from
  Debian's adb 29.0.6.
- The state "unauthorized" and its message: adb's source, transport.cpp (acquire_one_transport);
  "no permissions (...); see [...]": the commit "adb: add help text for USB permission errors".
- benchmark_model with "INFO: " and percentiles: recorded runs of android_aarch64_benchmark_model in
  Termux (2025) and of TI's Processor SDK documentation for AM62x.
- Older builds without them, "Failed to apply NNAPI delegate.", "Benchmarking failed.": the recorded
  runs on a Xiaomi Mi 11 in github.com/lp6m/yolov5s_android, benchmark/README.md.
- "Explicitly applied GPU delegate, and the model graph will be completely executed": tensorflow
  issue 43541; "Replacing N out of N node(s) with delegate (TfLiteGpuDelegateV2)": issue 70664;
  "Though NNAPI delegate is explicitly applied, the model graph will not be executed": issue 56301.
- "GPU acceleration is unsupported on this platform.", "Unconsumed cmdline flags": TensorFlow's
  tools/delegates/gpu_delegate_provider.cc and tools/benchmark/benchmark_model.cc.

The device's shell is this machine's, with the device's folders below the one that FAKE_ADB names.
There phone.json says what is connected and how its delegates behave.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(os.environ["FAKE_ADB"])
PHONE = json.loads((ROOT / "phone.json").read_text())
UNAUTHORIZED = """error: device unauthorized.
This adb server's $ADB_VENDOR_KEYS is not set
Try 'adb kill-server' if that seems wrong.
Otherwise check for a confirmation dialog on your device."""


def on_device(text):
    """A command or path of the device, as one below ROOT."""
    return re.sub(r"(?<![\w/])/(data|sys)/", rf"{ROOT}/\1/", text)


def adb(arguments):
    devices = PHONE["devices"]
    with (ROOT / "commands").open("a") as file:
        file.write(" ".join(arguments) + "\n")
    if arguments == ["devices"]:
        if PHONE.get("server_starts"):
            print("* daemon not running; starting now at tcp:5037", file=sys.stderr)
            print("* daemon started successfully", file=sys.stderr)
        print("List of devices attached")
        print("".join(f"{serial}\t{state}\n" for serial, state in devices.items()))
        return 0
    serial = None
    if arguments[0] == "-s":
        serial, arguments = arguments[1], arguments[2:]
    if PHONE.get("unplugged_at") and any(PHONE["unplugged_at"] in x for x in arguments):
        (ROOT / "unplugged").touch()
    if serial not in devices or (ROOT / "unplugged").exists():
        return failed(f"error: device '{serial}' not found")
    if devices[serial] == "unauthorized":
        return failed(UNAUTHORIZED)
    command, *rest = arguments
    return {"shell": shell, "push": push, "pull": pull}[command](*rest)


def failed(message):
    print(message, file=sys.stderr)
    return 1


def shell(command):
    # Ctrl-C in the computer's terminal does not reach the device's processes.
    path = f"{ROOT / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(
        ["sh", "-c", on_device(command)],
        start_new_session=True,
        env={**os.environ, "PATH": path},
    ).wait()


def push(source, target):
    target = Path(on_device(target))
    if not target.parent.is_dir():
        return failed(f"adb: error: failed to copy '{source}' to '{target}': no such directory")
    shutil.copyfile(source, target)  # leaves it without permission to run
    if Path(source).read_bytes()[:4] == b"\x7fELF":
        program = f'"{sys.executable}" -S -E "{Path(__file__).resolve()}"'
        target.write_text(f'#!/bin/sh\nexec {program} benchmark_model "$@"\n')
    print(f"{source}: 1 file pushed, 0 skipped. 37.1 MB/s (903960 bytes in 0.023s)")
    return 0


def pull(source, target):
    if not Path(on_device(source)).exists():
        return failed(f"adb: error: failed to stat remote object '{source}': No such file")
    shutil.copyfile(on_device(source), target)
    print(f"{source}: 1 file pulled, 0 skipped. 1.2 MB/s (1843 bytes in 0.001s)")
    return 0


def benchmark_model(arguments):
    flags = dict(argument.lstrip("-").split("=", 1) for argument in arguments)
    graph, threads = flags["graph"], int(flags["num_threads"])
    where = next((w for w in ("gpu", "nnapi") if flags.get(f"use_{w}") == "true"), "cpu")
    how = PHONE.get("delegates", {}).get(where, "good")
    info = "" if PHONE.get("old_build") else "INFO: "

    def say(text):
        print(f"{info}{text}", flush=True)

    if not Path(graph).exists():
        print(f"{info and 'ERROR: '}Failed to mmap model {graph}")
        say("Benchmarking failed.")
        return 1
    say("STARTING!")
    say("Log parameter values verbosely: [0]")
    say(f"Min num runs: [{flags['num_runs']}]")
    say(f"Num threads: [{threads}]")
    say(f"Graph: [{graph}]")
    say(f"#threads used for CPU inference: [{threads}]")
    if how == "not built in":
        say(f"Unconsumed cmdline flags: --use_{where}=true")
    elif where != "cpu":
        say({"gpu": "Use gpu: [1]", "nnapi": "Use NNAPI: [1]"}[where])
    if where == "nnapi" and how != "missing":
        say("NNAPI accelerators available: [qti-default,qti-dsp,qti-gpu,nnapi-reference]")
    say(f"Loaded model {graph}")
    if how == "hangs":
        (ROOT / "running").write_text(str(os.getpid()))
        time.sleep(60)
    if how == "crashes":
        os.abort()
    code = delegate(where, how, say)
    if code is not None:
        return code
    figures(where, threads, graph, say)
    return 0


def delegate(where, how, say):
    """What the tool says about the delegate; an exit status where that is the end."""
    name, node = {
        "cpu": ("XNNPACK", "TfLiteXNNPackDelegate"),
        "gpu": ("GPU", "TfLiteGpuDelegateV2"),
        "nnapi": ("NNAPI", "TfLiteNnapiDelegate"),
    }[where]
    say("Initialized TensorFlow Lite runtime.")
    if how == "missing":
        say(f"{name} acceleration is unsupported on this platform.")
    if how in ("missing", "not built in"):
        say("Created TensorFlow Lite XNNPACK delegate for CPU.")
        return None
    xnnpack = "XNNPACK delegate for CPU" if where == "cpu" else f"delegate for {name}"
    say(f"Created TensorFlow Lite {xnnpack}.")
    say(f"{name} delegate created.")
    if how == "fails":
        line = "NN API returned error ANEURALNETWORKS_BAD_DATA at line 1068 while adding operation."
        print(f"ERROR: {line}\n")
        print("ERROR: Restored original execution plan after delegate application failure.")
        print(f"Failed to apply {name} delegate.")
        print("Benchmarking failed.")
        return 1
    if how == "refuses":
        line = "delegate is explicitly applied, the model graph will not be executed"
        say(f"Though {name} {line} by the delegate.")
        return None
    taken = 41 if how == "partial" else 60
    if not PHONE.get("old_build"):
        line = f"Replacing {taken} out of 61 node(s) with delegate ({node}) node"
        print(f"VERBOSE: {line}, yielding 1 partitions for subgraph 0.")
    line = f"Explicitly applied {name} delegate, and the model graph will be"
    if how == "partial":
        say(f"{line} partially executed by the delegate w/ 2 delegate kernels.")
    else:
        say(f"{line} completely executed by the delegate.")
    return None


def figures(where, threads, graph, say):
    """Times of the phone's own: 4 ms for the first model, half of that for the next."""
    rounds = ROOT / f"count_{where}_{threads}_{graph}"
    number = int(rounds.read_text()) if rounds.exists() else 0
    rounds.write_text(str(number + 1))
    us = 4000 / (1 + int(graph[0])) / (threads if where == "cpu" else 4) * (1 + 0.1 * number)
    percentiles = f" p5={us * 0.98:.0f} median={us:.0f} p95={us * 1.2:.0f}"
    if PHONE.get("old_build"):
        percentiles = ""
    limits = "seconds but terminate if exceeding 150 seconds."
    say("The input model file size (MB): 0.90396")
    say("Initialized session in 2.345ms.")
    say(f"Running benchmark for at least 5 iterations and at least 0.5 {limits}")
    warm = f"first={3 * us:.0f} curr={us:.0f} min={us:.0f} max={3 * us:.0f} avg=9999.9 std=9"
    say(f"count=99 {warm}{percentiles}\n")
    say(f"Running benchmark for at least 50 iterations and at least 1 {limits}")
    runs = f"first={us:.0f} curr={us:.0f} min={us * 0.9:.0f} max={2 * us:.0f} avg={us * 1.05:g}"
    say(f"count=250 {runs} std=21{percentiles}\n")
    times = f"Init: 2345, First inference: {3 * us:.0f}, Warmup (avg): 1.0e+04"
    say(f"Inference timings in us: {times}, Inference (avg): {us * 1.05:g}")
    say("Note: as the benchmark tool itself affects memory footprint, [...]")
    memory = "Peak memory footprint" if PHONE.get("old_build") else "Memory footprint delta"
    say(f"{memory} from the start of the tool (MB): init=2.25391 overall=4.12891")


if __name__ == "__main__":
    if sys.argv[1:2] == ["benchmark_model"]:
        sys.exit(benchmark_model(sys.argv[2:]))
    sys.exit(adb(sys.argv[1:]))
