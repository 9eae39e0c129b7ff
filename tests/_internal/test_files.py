import errno
import json
import pickle
import stat
import subprocess
import sys

import numpy as np
import pytest

from keras_fld._internal.files import (
    FileError,
    message_in,
    read_json,
    replacing,
    sweep,
    write_json,
)


@pytest.mark.parametrize(
    ("path", "place", "whole", "inside"),
    [
        ("/faces/afw/1.pts", "", "/faces/afw/1.pts: a rule", "afw/1.pts: a rule"),
        ("/faces/a.txt", "line 3", "/faces/a.txt, line 3: a rule", "a.txt, line 3: a rule"),
        ("/faces", "", "/faces: a rule", "a rule"),
        ("/faces", "row 2", "/faces, row 2: a rule", "row 2: a rule"),
        ("/faces2/1.pts", "", "/faces2/1.pts: a rule", "1.pts: a rule"),
    ],
)
def test_an_error_names_its_file_as_it_is_or_in_a_folder(path, place, whole, inside):
    error = FileError(path, "a rule", place)
    for same in (error, pickle.loads(pickle.dumps(error))):
        assert str(same) == whole and isinstance(same, ValueError)
        assert same.relative_to("/faces/") == message_in("/faces", same) == inside
        assert same.relative_to(None) == whole
    assert message_in("/faces", ValueError("of no file")) == "of no file"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_write_makes_its_folder_and_a_file_others_can_read(tmp_path):
    write_json(tmp_path / "deep" / "a.json", {"x": np.array([1.5, np.nan]), "n": np.int64(3)})
    path = tmp_path / "deep" / "a.json"
    assert json.loads(path.read_text()) == {"x": [1.5, None], "n": 3}
    assert path.stat().st_mode & stat.S_IRUSR


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written"), replacing(tmp_path / "file" / "a"):
        pass


def test_reading_json_names_the_file_that_is_not_one(tmp_path):
    write_json(tmp_path / "a.json", {"x": 1})
    assert read_json(tmp_path / "a.json") == {"x": 1}
    (tmp_path / "b.json").write_bytes(b"{\xff")
    with pytest.raises(ValueError, match="b.json: not a JSON file"):
        read_json(tmp_path / "b.json")
    with pytest.raises(ValueError, match="none.json: No such file"):
        read_json(tmp_path / "none.json")


def test_what_a_killed_process_left_is_swept_and_nothing_else(tmp_path):
    script = "import os, sys; from keras_fld._internal.files import replacing\n"
    script += "with replacing(sys.argv[1]) as temporary: os._exit(0)"
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.json")], check=True)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".unfinished.") and left.suffix == ".json"
    elsewhere = tmp_path / ".unfinished.anothermachine.1.x.json"
    elsewhere.write_text("")
    with replacing(tmp_path / "b.json") as mine:
        sweep(tmp_path)
        assert mine.exists() and elsewhere.exists() and not left.exists()
    sweep(tmp_path / "nowhere")
    assert {path.name for path in tmp_path.iterdir()} == {"b.json", elsewhere.name}


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "full"), OSError("Can't write data (errno = 28, why not)")]
)
def test_a_full_disk_is_a_line_with_the_file(tmp_path, error):
    path = tmp_path / "a.json"
    with pytest.raises(ValueError, match="a.json: cannot be written") as caught, replacing(path):
        raise error
    assert caught.value.__cause__ is error and not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError), replacing(path):  # of another file: no fault of ours
        (tmp_path / "other").read_text()


@pytest.mark.parametrize(
    "name",
    [
        "v" * 240 + ".weights.h5",
        "v" * 100 + "." + "w" * 145 + ".png",
        "a." + "v" * 245,
        "v" * 255,
    ],
)
def test_the_longest_names_can_be_written(tmp_path, name):
    with replacing(tmp_path / name) as temporary:
        assert len(temporary.name) < 120
        assert temporary.name.endswith((".weights.h5", ".png")) or not temporary.suffix.isalpha()
        temporary.write_text("x")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_name_that_is_too_long_is_refused_in_a_line(tmp_path):
    path = tmp_path / ("v" * 300)
    with pytest.raises(ValueError, match="vvv: cannot be written"), replacing(path) as temporary:
        temporary.write_text("x")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["[" * 100_000, "1" * 10_000])
def test_json_that_is_too_deep_or_too_large_is_named(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match="a.json: not a JSON file"):
        read_json(tmp_path / "a.json")
