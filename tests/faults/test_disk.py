"""Full disks and folders that cannot be written: one line, nothing half-written, and it goes on."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_fld.data import synthetic
from tests.faults.test_commands import ROOT, contents

FULL = "cannot be written (No space left on device)"


class Disk:
    """A file system in memory.

    Args:
        folder: where it is mounted.
    """

    def __init__(self, folder):
        self.folder = folder

    def mount(self, options):
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            pytest.skip(f"needs the right to mount a tmpfs: {result.stderr.strip()}")

    def close(self):
        subprocess.run(["umount", "--lazy", str(self.folder)], check=False, capture_output=True)


@pytest.fixture
def disk(tmp_path):
    if sys.platform != "linux" or os.geteuid():
        pytest.skip("needs root on Linux, to mount a small tmpfs")
    folder = tmp_path / "disk"
    folder.mkdir()
    made = Disk(folder)
    yield made
    made.close()


@pytest.fixture
def read_only(tmp_path):
    """A folder without the right to write, which root has anyway but on a read-only disk."""
    folder = tmp_path / "read_only"
    folder.mkdir()
    if os.geteuid():
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)
        return
    made = Disk(folder)
    made.mount("ro")
    yield folder
    made.close()


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(4):
        cv2.imwrite(str(folder / f"{index}.png"), synthetic.draw(index).image[..., ::-1])
    return folder


def run(*arguments, before=None):
    """Runs the command, after a function in its process."""
    # What counts the lines that run would want room on the disk too.
    env = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    return subprocess.run(
        [sys.executable, "-m", "keras_fld", *map(str, arguments)],
        preexec_fn=before,
        env={**env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def predict(photos, out):
    formats = [f"--format={name}" for name in ("json", "png")]
    return run("predict", photos, "--out", out, "--box", "20,20,120,120", *formats)


def test_training_keeps_its_last_state_and_goes_on(warm, trained, disk):
    size = (trained.states / "0.h5").stat().st_size
    disk.mount(f"size={size * 3 // 2 // 1024}k")
    out = disk.folder / "run"
    job = warm.start("train", out=out)
    assert job.wait() == 2, job.output()
    assert f"{out / 'last.weights.h5'}: {FULL}" in job.output()
    assert {path.name for path in out.iterdir()} == {"recipe.json", "log.csv", "last.weights.h5"}
    trained.check_checkpoint(out)
    disk.mount("remount,size=16m")
    job = warm.start("train", out=out)
    assert job.wait() == 0, job.output()
    trained.check_result(out)


def test_preparation_goes_on_to_the_same_bytes(tree, disk, tmp_path):
    arguments = ("prepare", "300w", tree, "--shard", 3, "--processes", 1, "--out")
    assert run(*arguments, tmp_path / "whole").returncode == 0
    expected = contents(tmp_path / "whole")
    total = sum(map(len, expected.values()))
    disk.mount(f"size={total // 2 // 1024}k")
    result = run(*arguments, disk.folder / "out")
    assert result.returncode == 2 and FULL in result.stderr and "Traceback" not in result.stderr
    for name, content in contents(disk.folder / "out").items():
        assert Path(name).suffix == ".json" or content == expected[name]
    disk.mount("remount,size=64m")
    result = run(*arguments, disk.folder / "out")
    assert result.returncode == 0, result.stderr
    assert contents(disk.folder / "out") == expected


def test_prediction_keeps_what_was_written_before_the_disk_was_full(photos, disk, tmp_path):
    assert predict(photos, tmp_path / "whole").returncode == 0
    expected = contents(tmp_path / "whole")
    disk.mount(f"size={sum(map(len, expected.values())) // 2 // 1024}k")
    result = predict(photos, disk.folder / "out")
    assert result.returncode == 2 and "Traceback" not in result.stderr
    errors = [line for line in result.stderr.splitlines() if not line.startswith("INFO: ")]
    assert errors and all(line.startswith("Error: ") and FULL in line for line in errors)
    found = contents(disk.folder / "out")
    assert 0 < len(found) < len(expected)
    for name, content in found.items():
        assert content == expected[name], name


@pytest.mark.parametrize("kilobytes", [0, 30, 120])
def test_a_video_without_room_is_refused_and_not_left_unplayable(tmp_path, kilobytes):
    """A limit on the size of files, for which one need not be root."""
    pytest.importorskip("resource", reason="needs a system with limits on files")
    clip, out = tmp_path / "clip.avi", tmp_path / "out"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter_fourcc(*"MJPG"), 30.0, (320, 240))
    frame = cv2.resize(synthetic.draw(0).image[..., ::-1], (320, 240))
    rng = np.random.default_rng(0)
    for _ in range(60):
        writer.write(cv2.add(frame, rng.integers(0, 60, frame.shape, np.uint8)))
    writer.release()
    formats = ("--format", "mp4")
    result = run("predict", clip, "--out", tmp_path / "whole", "--box", "80,60,120,120", *formats)
    assert result.returncode == 0, result.stderr
    whole = tmp_path / "whole" / "clip.mp4"
    assert whole.stat().st_size > 130 * 1024
    result = run(
        *("predict", clip, "--out", out, "--box", "80,60,120,120", *formats),
        before=partial(limit_files, 1024 * kilobytes),
    )
    assert result.returncode == 2 and "Traceback" not in result.stderr
    assert f"{out / 'clip.mp4'}: cannot be written" in result.stderr
    assert "wrote" not in result.stdout and not list(out.iterdir())


def limit_files(size):
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_export_leaves_no_half_a_model(warm, trained, disk):
    disk.mount("size=4k")
    job = warm.start("export", model=trained.out / "model.keras", out=disk.folder / "out")
    assert job.wait() == 2, job.output()
    assert f"model_float32.tflite: {FULL}" in job.output()
    assert not list((disk.folder / "out").iterdir())


def test_a_read_only_folder_is_named(warm, photos, read_only):
    for result in (
        predict(photos / "0.png", read_only / "out"),
        run("prepare", "pts", photos, "--out", read_only),
    ):
        assert result.returncode == 2 and "Traceback" not in result.stderr
    assert str(read_only) in predict(photos / "0.png", read_only).stderr
    job = warm.start("train", out=read_only)
    assert job.wait() == 2
    assert f"{read_only}: cannot be written" in job.output()
