"""Training by two processes, as started by a user; always on JAX."""

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from keras_fld.cli import cli
from keras_fld.reports.training_log import read_log
from keras_fld.training.processes import launch, leaving_at_once
from tests.interrupts import heed_interrupts

ROOT = Path(__file__).parents[2]
NETWORK = ["--network", "trnet20", "--width", 0.05, "--epochs", 3, "--batch-size", 6]

needs_jax = pytest.mark.skipif(find_spec("jax") is None, reason="needs JAX")


def start(*arguments, module="keras_fld", **environment):
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "KERAS_BACKEND": "jax",
            # XLA compiles in half the time what runs for a few steps only.
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    )


def wait(process, code=0):
    output, errors = process.communicate()
    assert process.returncode == code, errors
    return output, errors


def weights(out):
    import io
    import zipfile

    import h5py

    found = {}
    with zipfile.ZipFile(out / "model.keras") as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content) as file:
        file["layers"].visititems(
            lambda name, x: found.update({name: x[()]} if isinstance(x, h5py.Dataset) else {})
        )
    return found


def same_runs(first, second):
    logs = [read_log(out / "log.csv") for out in (first, second)]
    assert logs[0].keys() == logs[1].keys() >= {"loss", "nme", "val_loss", "val_nme"}
    for column in logs[0].keys() - {"seconds"}:
        np.testing.assert_allclose(logs[0][column], logs[1][column], rtol=1e-4, err_msg=column)
    one, two = weights(first), weights(second)
    assert one.keys() == two.keys() and len(one) >= 7
    for name, value in one.items():
        np.testing.assert_allclose(value, two[name], rtol=1e-3, atol=1e-4, err_msg=name)


@needs_jax
def test_two_processes_give_the_losses_and_weights_of_one(tmp_path):
    """Faces with masked landmarks, one without landmarks, and smaller last batches."""
    pytest.importorskip("h5py")
    from keras_fld.training.processes import free_address

    one, two = tmp_path / "one", tmp_path / "two"
    address = free_address()
    runs = [start(one, module="tests.training.processes_work")]
    for index in "01":
        place = {"NUM_PROCESSES": "2", "PROCESS_ID": index, "JOB_ADDRESSES": address}
        named = {f"KERAS_DISTRIBUTION_{key}": value for key, value in place.items()}
        runs.append(start(two, module="tests.training.processes_work", **named))
    for run in runs:
        wait(run)
    same_runs(one, two)
    assert {x.name for x in two.iterdir()} == {"recipe.json", "log.csv", "model.keras"}


@pytest.fixture(scope="module")
def by_two(tree, tmp_path_factory):
    """A run of two processes, started with the command line."""
    if find_spec("jax") is None:
        pytest.skip("needs JAX")
    out = tmp_path_factory.mktemp("by_two") / "run"
    options = ["--root", tree, "--validation", 0.3, *NETWORK]
    output, errors = wait(start("train", "--out", out, *options, "--processes", 2))
    assert output.count(f"wrote {out / 'model.keras'}") == 1
    assert errors.count("note: helen/trainset has") == 1
    return out, options


@pytest.mark.nightly
def test_a_run_whose_process_dies_ends_with_a_line_and_goes_on(by_two, tmp_path):
    whole, options = by_two
    out = tmp_path / "run"
    process = start("train", "--out", out, *options, "--processes", 2)
    while not (out / "last.weights.h5").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        pytest.skip("needs Linux' list of children")
    pids = [int(pid) for pid in children.read_text().split()]
    os.kill(pids[1], signal.SIGKILL)
    _, errors = wait(process, 2)
    (line,) = [line for line in errors.splitlines() if not line.startswith("note: ")]
    assert line == (
        "Error: process 1 of 2 was ended by SIGKILL; the same command resumes after the last "
        "full epoch"
    )
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    wait(start("train", "--out", out, *options, "--processes", 2))
    same_runs(whole, out)


@pytest.mark.nightly
@needs_jax
def test_ctrl_c_ends_all(tree, tmp_path):
    out = tmp_path / "run"
    process = start("train", "--root", tree, "--out", out, *NETWORK, "--processes", 2)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not (children.exists() and len(children.read_text().split()) == 2):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    pids = children.read_text().split()
    process.send_signal(signal.SIGINT)
    _, errors = wait(process, 130)
    line = "interrupted before the first epoch was complete; the same command starts over"
    assert line in errors.splitlines()
    until = time.monotonic() + 30  # ending them may take a while on a busy machine
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < until
        time.sleep(0.02)


@needs_jax
@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["--processes", 0], "--processes must be at least 1. Got: 0"),
        (["--processes", 4], "batch_size must be a multiple of the number of devices, 4. Got: 6"),
    ],
)
def test_what_cannot_be_is_refused(arguments, rule, tree, tmp_path):
    out = tmp_path / "run"
    _, errors = wait(start("train", "--root", tree, "--out", out, *NETWORK, *arguments), 2)
    assert errors.strip() == f"Error: {rule}"
    assert not out.exists()


def test_another_backend_is_refused(tree, tmp_path):
    if keras.backend.backend() == "jax":
        pytest.skip("needs another backend")
    arguments = ["train", "--root", tree, "--out", tmp_path / "run", *NETWORK, "--processes", 2]
    result = CliRunner().invoke(cli, [str(x) for x in arguments])
    rule = f"needs KERAS_BACKEND=jax. Got: {keras.backend.backend()}"
    assert rule in str(result.exception) and not (tmp_path / "run").exists()


@needs_jax
def test_a_wrong_place_is_named(tmp_path):
    place = {"NUM_PROCESSES": "2", "PROCESS_ID": "2", "JOB_ADDRESSES": "127.0.0.1:1"}
    named = {f"KERAS_DISTRIBUTION_{key}": value for key, value in place.items()}
    _, errors = wait(start("train", "--out", tmp_path / "run", **named), 2)
    assert "KERAS_DISTRIBUTION_PROCESS_ID must be 0 to 1. Got: 2" in errors


@pytest.mark.parametrize(
    ("error", "code"),
    [("ValueError('bad')", 2), ("KeyboardInterrupt", 130), ("RuntimeError('fault')", 1)],
)
def test_a_process_that_fails_leaves_without_a_farewell_to_the_others(error, code):
    script = (
        "import atexit\n"
        "from keras_fld.training.processes import launch, leaving_at_once\n"
        "atexit.register(print, 'farewell')\n"
        f"with leaving_at_once():\n    raise {error}\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == code and "farewell" not in result.stdout


def test_a_process_that_succeeds_says_farewell(capsys):
    with leaving_at_once():
        print("done")
    assert capsys.readouterr().out == "done\n"


def test_launched_processes_succeed_together_or_fail_with_the_first_message(capfd):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    launch(2, ["--version"], environment)
    assert capfd.readouterr().out.count("version") == 1, "standard output is that of process 0"
    with pytest.raises(ValueError, match="No such command 'nothing'"):
        launch(2, ["nothing"], environment)
