"""C++ messages on standard error are hidden, and shown if the work fails."""

import os
import subprocess
import sys

import pytest

from keras_fld._internal.files import check_writable
from keras_fld.cli import native


def held(capfd, work):
    with native.held_back():
        os.write(2, b"from C++\n")
        work()


def test_it_is_dropped_where_all_is_well(capfd):
    held(capfd, lambda: None)
    print("after", file=sys.stderr)
    assert capfd.readouterr().err == "after\n"


def test_it_is_shown_where_the_work_fails(capfd):
    with pytest.raises(ValueError, match="no"):
        held(capfd, lambda: (_ for _ in ()).throw(ValueError("no")))
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "from C++\nafter\n"


def test_it_is_dropped_where_the_user_interrupts(capfd):
    with pytest.raises(KeyboardInterrupt):
        held(capfd, lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_a_command_prints_its_own_lines_alone(tmp_path):
    (tmp_path / "a.txt").write_text("")
    for arguments, told in (
        (["benchmark", "trnet20_300w", "--runs", "2"], ""),
        (["evaluate", "trnet20_300w", "--root", "none"], "Error: none: no such folder\n"),
    ):
        found = subprocess.run(
            [sys.executable, "-m", "keras_fld", *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert found.stderr == told


def test_long_work_is_refused_where_its_result_could_not_be_written(tmp_path):
    check_writable(tmp_path / "new" / "folder" / "model.keras")
    check_writable(tmp_path, folder=True)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    (tmp_path / "model.keras").mkdir()
    for path in ("file/model.keras", "model.keras"):
        with pytest.raises(ValueError, match=f"{path}: cannot be written"):
            check_writable(tmp_path / path)
    (tmp_path / "results.v2").mkdir()
    check_writable(tmp_path / "results.v2", folder=True)
    with pytest.raises(ValueError, match=r"file: cannot be written \(it is a file\)"):
        check_writable(tmp_path / "file", folder=True)
