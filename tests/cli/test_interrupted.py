"""What Ctrl-C at any time makes a command say, and what the same command then does."""

import itertools
from importlib import import_module

import pytest

from tests.cli.calls import run

OVER = "interrupted before the first {} was complete; the same command starts over"
GOES_ON = "interrupted; the same command resumes after the last complete {}"


def last_line(*arguments):
    result = run(*arguments)
    assert result.returncode == 130 and "Traceback" not in result.stderr
    return result.stderr.splitlines()[-1]


def interrupting(monkeypatch, name, after=0):
    """Makes a function of the package interrupt its call, after that many calls."""
    module, _, function = name.rpartition(".")
    module = import_module(module)  # keras_fld.cli.demo is also the name of a command
    original = getattr(module, function)
    calls = itertools.count()

    def interrupted(*arguments, **options):
        if next(calls) >= after:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(module, function, interrupted)


@pytest.mark.parametrize(
    ("call", "long"),
    [
        ("train --root none --out {}/run", "keras_fld.training.run.training_faces"),
        ("demo --out {}", "keras_fld.cli.demo._train"),
        ("reproduce table5 --root 300w=none --out {}", "keras_fld.reproduce.table.reproduce"),
    ],
    ids=["train", "demo", "reproduce"],
)
def test_only_a_first_epoch_is_lost(call, long, tmp_path, monkeypatch):
    pytest.importorskip("tensorflow")
    words = [*call.format(tmp_path).split(), "--quiet"]
    interrupting(monkeypatch, long)
    assert last_line(*words) == OVER.format("epoch")
    # What a full epoch leaves.
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "last.weights.h5").touch()
    assert last_line(*words) == GOES_ON.format("epoch")


def test_finished_files_of_a_preparation_are_kept(tmp_path, monkeypatch):
    words = ["prepare", "synthetic", "-", "--out", tmp_path, "--processes", "1", "--size", "16"]
    words += ["--split", "test", "--shard", "40", "--quiet"]
    name = "keras_fld.data.prepared.jobs.write_shard"
    with monkeypatch.context() as patch:
        interrupting(patch, name)
        assert last_line(*words) == OVER.format("file")
    with monkeypatch.context() as patch:
        interrupting(patch, name, after=2)
        assert last_line(*words) == GOES_ON.format("file")
    first = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.tfrecord")}
    assert len(first) == 2
    assert run(*words).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in first} == first
