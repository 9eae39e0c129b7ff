"""tflite/android, run as its user runs it, with a stand-in for adb (fake_adb.py)."""

import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.interrupts import heed_interrupts

FOLDER = Path(__file__).parents[2] / "tflite" / "android"
SCRIPT = FOLDER / "benchmark_android.py"
FAKE = Path(__file__).with_name("fake_adb.py")
NO_PERMISSIONS = "no permissions (verify udev rules); see [developer.android.com/tools/device.html]"
DEVICES = {"R58M1234ABC": "device"}
PROPERTIES = {
    "product_manufacturer": "Example",
    "product_model": "Phone 9",
    "soc_model": "SM8250",
    "build_version_release": "14",
    "build_version_sdk": "34",
    "product_cpu_abilist": "arm64-v8a,armeabi-v7a,armeabi",
}


def elf(machine):
    """The head of a program for a processor."""
    return b"\x7fELF" + bytes(12) + struct.pack("<HH", 3, machine) + bytes(100)


class Phone:
    """A folder that fake_adb.py takes for a phone, and a computer with the script's files."""

    def __init__(self, root):
        self.root = root
        self.files = {"int8.tflite": b"\0\0\0\0TFL3", "float32.tflite": b"\0\0\0\0TFL3"}
        self.files["android_aarch64_benchmark_model"] = elf(183)
        governors = root / "sys/devices/system/cpu/cpu0/cpufreq"
        for folder in (root / "data/local/tmp", governors, root / "bin", root / "properties"):
            folder.mkdir(parents=True)
        (governors / "scaling_governor").write_text("schedutil\n")
        python = f'"{sys.executable}" -S -E'
        self.program("adb", f'#!/bin/sh\nexec {python} "{FAKE}" "$@"\n')
        self.program("getprop", f'#!/bin/sh\ncat "{root}/properties/$1" 2>/dev/null || echo\n')
        self.program("taskset", '#!/bin/sh\nshift\nexec "$@"\n')
        self.program("dumpsys", "#!/bin/sh\necho '  level: 87\n  temperature: 315'\n")
        self.set()
        self.properties(**PROPERTIES)

    def program(self, name, text):
        path = self.root / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def set(self, **changes):
        (self.root / "phone.json").write_text(json.dumps({"devices": DEVICES, **changes}))

    def properties(self, **changes):
        for name, value in changes.items():
            (self.root / "properties" / f"ro.{name.replace('_', '.')}").write_text(f"{value}\n")

    def start(self, *arguments):
        computer = self.root / "computer"
        computer.mkdir(exist_ok=True)
        for name, content in self.files.items():
            (computer / name).write_bytes(content)
        path = f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}"
        command = [sys.executable, str(SCRIPT), *map(str, arguments)]
        return subprocess.Popen(
            command,
            cwd=computer,
            env={**os.environ, "FAKE_ADB": str(self.root), "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=heed_interrupts,
        )

    def run(self, *arguments, status=0):
        binary = ["--binary", "android_aarch64_benchmark_model"]
        if "--binary" in arguments:
            binary = []
        process = self.start(*arguments, *binary)
        out, errors = process.communicate(timeout=60)
        assert process.returncode == status, errors
        assert "Traceback" not in errors
        return out if status != 2 else errors.strip()

    def rows(self, *arguments, status=0):
        path = self.root / "result.json"
        out = self.run(*arguments, "--json", path, status=status)
        return out, json.loads(path.read_text())

    @property
    def left_on_device(self):
        return list((self.root / "data/local/tmp").iterdir())


@pytest.fixture
def phone(tmp_path):
    return Phone(tmp_path)


def test_all_configurations_of_two_models(phone):
    text, report = phone.rows("int8.tflite", "float32.tflite", "--rounds", 2)
    rows = report["results"]
    assert [(row["model"], row["on"], row["threads"]) for row in rows[:5]] == [
        ("int8.tflite", "cpu", 1),
        ("int8.tflite", "cpu", 2),
        ("int8.tflite", "cpu", 4),
        ("int8.tflite", "gpu", 1),
        ("int8.tflite", "nnapi", 1),
    ]
    assert len(rows) == 10
    # The second round is 10 % slower than the first: 4.0 and 4.4 ms.
    first = rows[0]
    assert first["median_ms"] == pytest.approx(4.2)
    assert first["avg_ms"] == pytest.approx(4.2 * 1.05)
    assert first["p95_ms"] == pytest.approx(4.2 * 1.2)
    assert first["init_ms"] == 2.345 and first["memory_mb"] == 4.12891
    assert first["drift"] == pytest.approx(0.1)
    assert first["delegated"] == "60 of 61"
    assert [run["runs"] for run in first["rounds"]] == [250, 250]
    assert rows[5]["median_ms"] == pytest.approx(2.1)
    line = re.search(r"int8.tflite +cpu +1 +4\.200 +5\.040 +4\.410 .*", text).group()
    assert line.endswith("60 of 61") and "+10.0%" in line
    assert re.search(r"paper, Snapdragon 820 +cpu .* 8\.3 +120 ", text)
    assert text.startswith("Example Phone 9, SM8250, Android 14\nclock governor schedutil; battery")
    assert report["device"]["nnapi_accelerators"][0] == "qti-default"
    assert report["device"]["celsius"] == {"before": 31.5, "after": 31.5}
    assert not phone.left_on_device


def test_configurations_take_turns(phone):
    phone.run("int8.tflite", "float32.tflite", "--rounds", 2, "--threads", 2, "--on", "cpu", "gpu")
    commands = (phone.root / "commands").read_text()
    runs = re.findall(r"--graph=(\d).tflite --num_threads=2 .*?--use_(\w+)=true", commands)
    assert runs == [("0", "xnnpack"), ("0", "gpu"), ("1", "xnnpack"), ("1", "gpu")] * 2


def test_options_reach_the_tool(phone):
    phone.run("int8.tflite", "--on", "cpu", "--threads", 2, "--runs", 77, "--cpus", "f0")
    commands = (phone.root / "commands").read_text()
    assert "exec taskset f0 ./benchmark_model --graph=0.tflite --num_threads=2" in commands
    assert "--num_runs=77" in commands


@pytest.mark.parametrize(
    ("behavior", "reason"),
    [
        ("missing", "NNAPI is not on this device"),
        ("refuses", "NNAPI took none of the operations; the CPU ran the model"),
        ("not built in", "NNAPI is not named: the build may lack it; the CPU ran the model"),
        ("fails", "benchmark_model failed: NN API returned error ANEURALNETWORKS_BAD_DATA at line"),
        ("crashes", "benchmark_model crashed (SIGABRT)"),
    ],
)
def test_a_delegate_that_does_not_run_the_model_has_a_row_that_says_so(phone, behavior, reason):
    phone.set(delegates={"nnapi": behavior})
    text, report = phone.rows("int8.tflite", "--threads", 1, "--rounds", 1)
    cpu, gpu, nnapi = report["results"]
    assert nnapi["error"].startswith(reason)
    assert "median_ms" not in nnapi and "STARTING!" in nnapi["log"]
    assert cpu["median_ms"] == 4.0 and gpu["median_ms"] == 1.0
    assert re.search(rf"int8.tflite +nnapi +- +{re.escape(reason)}", text)
    assert not phone.left_on_device


def test_a_delegate_that_runs_a_part_says_how_much(phone):
    phone.set(delegates={"gpu": "partial"})
    _, report = phone.rows("int8.tflite", "--on", "gpu", "--rounds", 1)
    assert report["results"][0]["delegated"] == "41 of 61"


def test_older_builds_have_averages_alone(phone):
    phone.set(old_build=True, delegates={"gpu": "partial"})
    text, report = phone.rows("int8.tflite", "--threads", 1, "--rounds", 1)
    cpu, gpu, nnapi = report["results"]
    assert cpu["median_ms"] is None and cpu["avg_ms"] == 4.2 and cpu["memory_mb"] == 4.12891
    assert [cpu["delegated"], gpu["delegated"], nnapi["delegated"]] == ["all", "some", "all"]
    assert re.search(r"int8.tflite +cpu +1 +- +- +4\.200 +238\.1", text)


def test_nnapi_is_left_out_before_android_8_1(phone):
    phone.properties(build_version_sdk="26")
    _, report = phone.rows("int8.tflite", "--on", "nnapi", "--rounds", 1, status=1)
    assert report["results"][0]["error"] == "NNAPI begins with Android 8.1 (SDK 27), this is SDK 26"
    assert "--use_nnapi" not in (phone.root / "commands").read_text()


def test_nothing_measured_is_status_1(phone):
    phone.set(delegates={"gpu": "missing"})
    assert "GPU is not on this device" in phone.run("int8.tflite", "--on", "gpu", status=1)


def test_no_adb(phone):
    line = phone.run("int8.tflite", "--adb", "no_such_adb", status=2)
    assert line.startswith("adb must be installed (Android's platform-tools")
    assert line.endswith("Got: no_such_adb")


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        ({}, "adb must see a device: connect one by USB and allow USB debugging"),
        ({"A": "device", "B": "device"}, "one of several devices must be chosen: --serial A | B"),
        ({"A": "unauthorized"}, "device A is unauthorized: unlock it, answer the question"),
        ({"A": "offline"}, "device A is offline: unplug it and plug it in again"),
        ({"A": NO_PERMISSIONS}, "device A is no permissions (verify udev rules);"),
        ({"A": "sideload"}, "device A is sideload: start it normally"),
    ],
)
def test_no_device_that_is_ready(phone, devices, message):
    phone.set(devices=devices, server_starts=True)
    assert phone.run("int8.tflite", status=2).startswith(message)
    assert (phone.root / "commands").read_text() == "devices\n"


def test_one_of_several_devices(phone):
    phone.set(devices={"A": "offline", "B": "device", "C": "device"})
    phone.run("int8.tflite", "--serial", "C", "--on", "cpu", "--threads", 1, "--rounds", 1)
    commands = (phone.root / "commands").read_text().splitlines()[1:]
    assert all(line.startswith("-s C ") for line in commands)
    line = phone.run("int8.tflite", "--serial", "D", status=2)
    assert line == "--serial must be one of A, B, C. Got: D"
    line = phone.run("int8.tflite", "--serial", "A", status=2)
    assert line.startswith("device A is offline")


def test_the_ready_one_beside_one_that_is_not(phone):
    phone.set(devices={"A": "unauthorized", "B": "device"})
    assert "int8.tflite" in phone.run("int8.tflite", "--on", "cpu", "--threads", 1, "--rounds", 1)


def test_missing_binary(phone):
    line = phone.run("int8.tflite", "--binary", "none", status=2)
    assert line == (
        "none: No such file or directory: README.md says where benchmark_model comes from"
    )


def test_the_binary_of_the_device_is_looked_for_beside_the_script(phone, tmp_path):
    process = phone.start("int8.tflite")
    _, errors = process.communicate(timeout=60)
    if (FOLDER / "android_aarch64_benchmark_model").exists():
        pytest.skip("the binary has been downloaded here")
    assert process.returncode == 2
    assert f"{FOLDER / 'android_aarch64_benchmark_model'}: No such file" in errors


def test_binary_for_another_machine(phone):
    phone.files["other"] = elf(62)
    line = phone.run("int8.tflite", "--binary", "other", status=2)
    assert line == (
        "other: it must be for one of arm64-v8a, armeabi-v7a, armeabi, which the device runs. "
        "Got: x86_64"
    )
    phone.files["text"] = b"#!/bin/sh, and so on"
    line = phone.run("int8.tflite", "--binary", "text", status=2)
    assert "benchmark_model must be a program for Android (ELF). Got: b'#!/b'" in line


def test_device_of_an_abi_without_a_ready_made_binary(phone):
    phone.properties(product_cpu_abilist="x86_64,x86")
    process = phone.start("int8.tflite")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert errors.startswith("no ready-made benchmark_model is published for x86_64, x86: build")
    phone.files["own"] = elf(62)
    phone.run("int8.tflite", "--binary", "own", "--on", "cpu", "--threads", 1, "--rounds", 1)


def test_wrong_models(phone):
    phone.files["text.tflite"] = b"a text, no model"
    assert phone.run("none.tflite", status=2) == "none.tflite: No such file or directory"
    assert phone.run("text.tflite", status=2).startswith("text.tflite: not a TFLite file")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--threads", "0"], "--threads must be at least 1. Got: [0]"),
        (["--rounds", "0"], "--rounds must be at least 1. Got: 0"),
        (
            ["--cpus", "f0; reboot"],
            "--cpus must be a mask in hexadecimal, such as f0. Got: f0; reb",
        ),
        (["--json", "/no/such/r.json"], "--json must name a file in a folder that can be written"),
    ],
)
def test_wrong_arguments(phone, arguments, message):
    assert phone.run("int8.tflite", *arguments, status=2).startswith(message)


def test_unplugged_while_it_runs(phone):
    phone.set(unplugged_at="--use_gpu")
    lines = phone.run("int8.tflite", "--threads", 1, status=2).splitlines()
    assert re.fullmatch(r"note: /data/local/tmp/keras_fld_\w+ is left on the device: .*", lines[-2])
    assert lines[-1].endswith("error: device 'R58M1234ABC' not found")


def test_interrupt_cleans_up_on_the_device(phone):
    phone.set(delegates={"cpu": "hangs"})
    process = phone.start("int8.tflite", "--binary", "android_aarch64_benchmark_model")
    running = phone.root / "running"
    for _ in range(500):
        if running.exists() and running.read_text():
            break
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "Interrupted before the end"
    assert "Traceback" not in errors.replace("fake_adb", "")
    assert not phone.left_on_device
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.kill(int(running.read_text()), 0)
            time.sleep(0.02)
