"""Progress bars: only on a terminal's standard error, and removed when the work is done."""

import contextlib
import json
import os
import pty
import subprocess
import sys
from threading import Thread

import pytest

from keras_fld import zoo
from keras_fld._internal.progress import counting, watched

PRESET = zoo.lite_file("trnet20_300w")


def on_terminal(*arguments, program=("-m", "keras_fld"), **variables):
    """Returns exit status, standard output, and standard error as seen by a terminal."""
    ours, theirs = pty.openpty()
    seen = []

    def read():
        with contextlib.suppress(OSError):  # the other end is closed
            while part := os.read(ours, 65536):
                seen.append(part)

    reader = Thread(target=read)
    reader.start()
    result = subprocess.run(
        [sys.executable, *program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TERM": "xterm", **variables},
    )
    os.close(theirs)
    reader.join()
    os.close(ours)
    return result.returncode, result.stdout.decode(), b"".join(seen).decode()


def test_evaluate_shows_bars_and_leaves_the_table_alone(tree):
    arguments = ("evaluate", PRESET, "--root", tree, "--subset", "common")
    status, table, seen = on_terminal(*arguments)
    assert status == 0, seen
    assert "reading faces" in seen and "finding landmarks" in seen and "100%" in seen
    assert seen.count("\033[A\033[2K") == 2, "each bar is taken away"
    status, quiet_table, seen = on_terminal(*arguments, "--quiet")
    assert status == 0 and all(line.startswith("note: ") for line in seen.splitlines())
    assert quiet_table == table and "common" in table


def test_bars_are_seen_and_json_is_alone_while_tensorflow_is_held_back(tree, tmp_path):
    """TensorFlow's converter prints from C++."""
    pytest.importorskip("tensorflow")
    from tests.tiny import tiny

    model, out = tmp_path / "model.keras", tmp_path / "model.tflite"
    tiny(68, 32).save(model)
    arguments = ("convert", model, "--out", out, "--root", tree, "--mode", "dynamic", "--json")
    status, printed, seen = on_terminal(*arguments)
    assert status == 0, seen
    assert "converting to dynamic" in seen and f"wrote {out}" in seen
    found = json.loads(printed)
    assert (found["file"], found["mode"]) == ("model.tflite", "dynamic")
    assert found["bytes"] == out.stat().st_size
    row = found["rows"][0]
    assert row["difference"] == pytest.approx(row["nme"] - row["nme_keras"])


NAMED = """
from keras_fld.cli.bars import bars
from keras_fld._internal.progress import counting
with bars(), counting("clip \\u4eba.mp4", 2) as done:
    done(2)
"""


def test_a_name_that_the_terminal_cannot_show_is_no_error():
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    status, _, seen = on_terminal(program=("-c", NAMED), **ascii_only)
    assert status == 0, seen
    assert "clip ?.mp4" in seen and "100%" in seen


def test_an_error_stands_on_a_line_of_its_own(own_tree):
    for photograph in (own_tree / "lfpw/testset").glob("*.png"):
        photograph.write_bytes(b"")
    status, _, seen = on_terminal("evaluate", PRESET, "--root", own_tree)
    assert status == 2
    assert seen.replace("\r", "").splitlines()[-1].startswith("Error: ")


def test_what_is_counted_within_is_part_of_what_is_counted():
    told = []

    @contextlib.contextmanager
    def watch(label, length):
        yield lambda count: told.append((label, length, count))

    with watched(watch):
        with counting("outer", 2) as done:
            with counting("inner", 5) as within:
                within(5)
            done(2)
        with pytest.raises(ZeroDivisionError), counting("failing", None) as done:
            done(1 / 0)
        with counting("after", None) as done:
            done(1)
    with counting("unwatched", 1) as done:
        done(1)
    assert told == [("outer", 2, 2), ("after", None, 1)]
