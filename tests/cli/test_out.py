"""What a command writes is a folder or a file: a name of the other kind is refused at once."""

import re

import click
import pytest

from tests.cli.calls import run
from tests.cli.test_help import ALL

# Options beside --out that name what a command writes.
OTHERS = {"report", "sheet", "folder"}


def written():
    """Yields the words of each command, its option, and the suffix of the file; "" for a folder."""
    for path, command in ALL.items():
        for option in command.params:
            if isinstance(option, click.Option) and option.name in {"out", *OTHERS}:
                found = re.match(r"The (\.\w+) file", option.help)
                yield *path, option.opts[0], found[1] if found else ""


WRITTEN = list(written())
FOLDERS = [words[:-1] for words in WRITTEN if not words[-1]]
FILES = [words for words in WRITTEN if words[-1]]


def refused(*arguments):
    """The one line of a command that was refused."""
    result = run(*arguments)
    (line,) = result.stderr.splitlines()
    assert result.returncode == 2 and line.startswith("Error: ") and not result.stdout
    return line.removeprefix("Error: ")


@pytest.mark.parametrize("words", FOLDERS, ids=" ".join)
def test_a_folder_has_no_name_of_a_file(words, tmp_path):
    for name in ("result.json", "result.PNG", "result.keras", "result.tflite"):
        path = tmp_path / name
        rule = f"{words[-1]} must be a folder, whose name must not end in {path.suffix}. Got: "
        assert refused(*words, path).startswith(f"{rule}{path}")
    file = tmp_path / "file"
    file.write_text("kept")
    line = f"{words[-1]} must be a folder. Got: {file}, which is a file"
    assert refused(*words, file) == line
    assert [path.name for path in tmp_path.iterdir()] == ["file"] and file.read_text() == "kept"


@pytest.mark.parametrize("words", FILES, ids=" ".join)
def test_a_file_has_the_suffix_of_its_format_and_is_no_folder(words, tmp_path):
    *command, suffix = words
    for name in ("result", f"result{suffix}.old"):
        rule = f"{command[-1]} must end in {suffix}. Got: {tmp_path / name}"
        assert refused(*command, tmp_path / name) == rule
    folder = tmp_path / f"folder{suffix}"
    folder.mkdir()
    line = f"{command[-1]} must be a file. Got: {folder}, which is a folder"
    assert refused(*command, folder) == line
    assert list(tmp_path.iterdir()) == [folder] and not list(folder.iterdir())


def test_every_command_is_checked():
    assert (len(FOLDERS), len(FILES)) == (12, 10)
    for path, command in ALL.items():
        for option in command.params:
            if (*path, "--out") in FOLDERS and option.name == "out":
                assert "must not end in a file suffix such as .json" in option.help


def test_predict_names_the_format_that_was_meant(tmp_path):
    for name, told in (("a.json", "json"), ("a.CSV", "csv"), ("a.mp4", "mp4")):
        line = refused("predict", "photo.jpg", "--out", tmp_path / name)
        assert line.endswith(f". To write only such files, use --format {told}")
    assert "--format" not in refused("predict", "photo.jpg", "--out", tmp_path / "a.jpg")
    assert "--format" not in refused("export", "a.keras", "--out", tmp_path / "a.json")


def test_folders_may_have_a_dot_in_their_name(tmp_path):
    """Such a name passes; an existing folder passes whatever its name is."""
    (tmp_path / "faces.json").mkdir()
    for name in ("run.v2", "rate0.001", "faces.json", ".json"):
        result = run("predict", tmp_path / "none.jpg", "--out", tmp_path / name)
        assert "none.jpg" in result.stderr and "--out" not in result.stderr


@pytest.mark.parametrize(
    "call",
    [
        "predict none.jpg --out {}",
        "prepare 300w none --out {}",
        "train --root none --quiet --out {}",
        "demo --faces none --out {}",
        "reproduce table2 --root 300w=none --out {}",
        "compare none.json none.json --out {}.json",
        "qat none.keras --out a.tflite --report {}.json",
    ],
    ids=lambda call: call.split()[0],
)
def test_what_cannot_be_written_is_told_before_anything_is_read(call, tmp_path, monkeypatch):
    pytest.importorskip("tensorflow")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    line = refused(*call.format("file/result").split())
    assert re.fullmatch(r"file/result(.json)?: cannot be written \(Not a directory\)", line)
