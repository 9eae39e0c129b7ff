"""Preparation, prediction and export, killed and started again."""

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

from keras_fld.data import synthetic
from tests.faults.kills import kill_and_go_on

ROOT = Path(__file__).parents[2]


def command(*arguments):
    """Starts the command line."""
    return subprocess.Popen(
        [sys.executable, "-m", "keras_fld", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def contents(folder):
    """Name to bytes of the files in a folder; those that a killed process left half-written are
    hidden.
    """
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.glob("*"))
        if not path.name.startswith(".")
    }


def timed(process):
    started = time.monotonic()
    assert process.wait() == 0, process.args
    return time.monotonic() - started


def killed_often(what, start, tmp_path, seconds, expected, other=()):
    """Kills and checks: each file is whole, or not there, at any time."""
    numbers = itertools.count()

    def partly(folder):
        for name, content in contents(folder).items():
            assert name in other or content == expected[name], name

    def whole(folder):
        found = {name: content for name, content in contents(folder).items() if name not in other}
        assert found == {name: expected[name] for name in expected if name not in other}

    kill_and_go_on(what, start, lambda: tmp_path / f"killed{next(numbers)}", seconds, partly, whole)


def test_preparation_gives_the_same_bytes(tree, tmp_path):
    def start(out):
        options = ("--shard", 3, "--processes", 2, "--quiet")
        return command("prepare", "300w", tree, "--out", out, *options)

    seconds = timed(start(tmp_path / "whole"))
    expected = contents(tmp_path / "whole")
    assert len(expected) == 1 + 6 + 2 + 2
    # The plan, and the records of finished shards, until the manifest has them.
    notes = {"plan.json", *(Path(name).with_suffix(".json").name for name in expected)}
    killed_often("preparation", start, tmp_path, seconds, expected, notes - {"manifest.json"})


def test_prediction_keeps_what_is_finished(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for index in range(8):
        cv2.imwrite(str(photos / f"{index}.png"), synthetic.draw(index).image[..., ::-1])
    formats = [
        word for name in ("png", "json", "pts", "csv", "jsonl") for word in ("--format", name)
    ]

    def start(out):
        return command("predict", photos, "--out", out, "--box", "20,20,120,120", *formats)

    seconds = timed(start(tmp_path / "whole"))
    expected = contents(tmp_path / "whole")
    assert len(expected) == 8 * 5
    killed_often("prediction", start, tmp_path, seconds, expected)


def test_what_a_killed_process_left_is_no_input(tmp_path):
    image = synthetic.draw(0).image[..., ::-1]
    cv2.imwrite(str(tmp_path / "photo.png"), image)
    (tmp_path / ".unfinished.elsewhere.1.abc.png").write_bytes(b"\x89PNG")
    process = command("predict", tmp_path, "--out", tmp_path / "out", "--box", "20,20,120,120")
    assert process.wait() == 0
    assert set(contents(tmp_path / "out")) == {"photo.png", "photo.json"}


def test_export_writes_whole_models_or_none(warm, trained, tmp_path):
    pytest.importorskip("ai_edge_litert")

    def start(out):
        return warm.start("export", model=trained.out / "model.keras", out=out)

    seconds = timed(start(tmp_path / "whole"))
    expected = contents(tmp_path / "whole")
    assert len(expected) == 2 + 1
    killed_often("export", start, tmp_path, seconds, expected, {"export.json"})  # has times
    # Nothing half-written is left by the time that it is done.
    assert not list(tmp_path.rglob(".unfinished.*"))
