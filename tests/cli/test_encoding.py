"""Terminals and pipes that cannot show all characters, and closed pipes."""

import json
import os
import subprocess
import sys

import cv2
import pytest

from tests.predict.photos import photos

NAME = "Ünïcode 人 \U0001f600"


def command(*words, **variables):
    return subprocess.run(
        [sys.executable, "-m", "keras_fld", *map(str, words)],
        capture_output=True,
        env={**os.environ, **variables},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    done, data = cv2.imencode(".png", photos(1)[0][..., ::-1])
    (folder / f"{NAME}.png").write_bytes(data.tobytes())
    return folder


# cp1252 has some of the name's characters, the other none.
ENCODINGS = [
    {"PYTHONIOENCODING": "cp1252"},
    {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"},
]


@pytest.mark.parametrize("variables", ENCODINGS, ids=["cp1252", "C"])
def test_a_photograph_of_any_name_is_done_and_said(folder, tmp_path, variables):
    done = command("predict", folder, "--out", tmp_path, **variables)
    assert done.returncode == 0, done.stderr
    assert b"1 face, wrote" in done.stdout and not done.stderr
    assert (tmp_path / f"{NAME}.png").exists() and (tmp_path / f"{NAME}.json").exists()


def test_json_holds_the_whole_name(folder, tmp_path):
    done = command("predict", folder, "--out", tmp_path, "--json", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)["files"]
    assert entry["input"] == str(folder / f"{NAME}.png")


def test_an_error_about_such_a_name_is_one_line_too(tmp_path):
    variables = {"PYTHONIOENCODING": "ascii"}
    done = command("predict", tmp_path / f"{NAME}.png", "--out", tmp_path / "out", **variables)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and line.startswith(b"Error: ") and b"No such file" in line
    done = command("benchmark", tmp_path / f"{NAME}.tflite", **variables)
    assert done.returncode == 2 and b"No such file" in done.stderr.splitlines()[-1]


def test_a_name_that_is_no_text_at_all(tmp_path):
    done, data = cv2.imencode(".png", photos(1)[0])
    path = tmp_path / os.fsdecode(b"\xff\xfe.png")
    try:
        path.write_bytes(data.tobytes())
    except OSError:
        pytest.skip("the file system takes names of text only")
    done = command("predict", path, "--out", tmp_path / "out")
    assert done.returncode == 0 and b"1 face, wrote" in done.stdout, done.stderr


CALLS = [
    ("--help",),
    ("predict", "--help"),
    ("datasets", "list"),
    ("benchmark", "trnet20_300w_small", "--runs", "1", "--json"),
    ("predict", "docs/astronaut.png", "--out", "{out}"),
]


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
@pytest.mark.parametrize("words", CALLS, ids=[" ".join(words[:2]) for words in CALLS])
def test_a_closed_pipe_is_no_traceback(words, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    words = [word.format(out=tmp_path) for word in words]
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "keras_fld", *words], stdout=closed, stderr=subprocess.PIPE
        )
    assert (done.returncode, done.stderr) == (141, b"")
