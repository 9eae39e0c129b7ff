"""Every command line of the documents calls commands, scripts, targets and options that exist."""

import re
import shlex
import shutil

import click
import cv2
import pytest
from click.testing import CliRunner

from keras_fld.cli import cli
from tests.cli import calls
from tests.docs.documents import ROOT, calls_of, code_lines

# What a document tells to copy elsewhere is called there by its bare name.
COPIED = {
    "benchmark.py": "tflite/benchmark.py",
    "benchmark_android.py": "tflite/android/benchmark_android.py",
}


def parse(call, whole):
    """Parses a call of keras-fld; a part of one may lack arguments and values."""
    try:
        calls.parse(call)
    except (click.MissingParameter, click.BadOptionUsage):
        if whole:
            raise


@pytest.mark.parametrize(("document", "whole", "call"), calls_of("keras-fld"))
def test_every_command_and_option_of_keras_fld_exists(document, whole, call):
    parse(call, whole)


@pytest.mark.parametrize(
    ("whole", "call"),
    [
        (True, "training --root 300w"),
        (False, "train --rooot 300w"),
        (True, "predict --min-score"),
        (True, "compare one.json"),
        (False, "datasets chek 300w"),
        (False, "compare a.json b.json c.json"),
    ],
)
def test_a_wrong_call_is_noticed(whole, call):
    with pytest.raises(click.UsageError):
        parse(call, whole)


def check_script(call):
    """Asserts that a script, or a module after -m, exists and has the options in its source."""
    if one := re.match(r'-c "(.*?)"', call):
        compile(one[1], call, "exec")
        return
    words = call.split()
    module = words[0] == "-m"
    name = words[1].replace(".", "/") + ".py" if module else COPIED.get(words[0], words[0])
    if module and not name.startswith(("keras_fld/", "tests/")):
        return
    source = (ROOT / name).read_text("utf-8")
    for option in re.findall(r" (--[\w-]+)", call):
        assert option == "--help" or f'"{option}"' in source, f"{name} {option}"


@pytest.mark.parametrize(("document", "whole", "call"), calls_of("python"))
def test_every_script_and_its_options_exist(document, whole, call):
    check_script(call)


def test_a_wrong_script_or_option_is_noticed():
    check_script("tflite/benchmark.py face.tflite --threads 1 2")
    with pytest.raises(FileNotFoundError):
        check_script("tests/benchmarks/bench_nothing.py")
    with pytest.raises(AssertionError, match=r"benchmark.py --thread\b"):
        check_script("tflite/benchmark.py --thread 2")


def check_make(call):
    """Asserts that the Makefile has each target and variable that make is given."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for word in shlex.split(call):
        name, assigned, _ = word.partition("=")
        place = rf"^{name} \?=|\({name}\)|ifdef {name}$" if assigned else rf"^{name}:"
        option = word.startswith("-")
        assert option or re.search(place, makefile, re.MULTILINE), f"the Makefile has no {name}"


@pytest.mark.parametrize(("document", "whole", "call"), calls_of("make"))
def test_every_target_and_variable_of_make_exists(document, whole, call):
    check_make(call)


@pytest.mark.parametrize("call", ["tests", "demo FOLDER=x"])
def test_a_wrong_target_or_variable_is_noticed(call):
    with pytest.raises(AssertionError, match="the Makefile has no "):
        check_make(call)


def test_every_path_that_pytest_is_given_exists():
    words = [word for _, _, call in calls_of("pytest") for word in call.split()]
    paths = [word.partition("::")[0] for word in words if word.startswith("tests")]
    assert paths and all((ROOT / path).exists() for path in paths)


def test_the_lines_are_read_as_a_shell_does():
    text = (
        "Say `keras-fld\nweb`:\n\n    A=1 keras-fld train \\\n        --out run  # then\n\n"
        "```python\nkeras = 1\n```\n\n```sh\nmake demo  # now\n```\n"
    )
    assert code_lines(text) == [
        (True, "A=1 keras-fld train --out run"),
        (True, "make demo"),
        (False, "keras-fld web"),
    ]


# Beginnings of commands in the guides that need no more than a photograph or the small tree.
SAMPLE = (
    "evaluate --preset trnet20_300w --root 300w",
    "predict photo.jpg ",
    "predict photos ",
    "web --copy ",
)


GUIDES = {"README.md", *(f"docs/guides/{name}.md" for name in ("photographs", "browser"))}


def sample():
    calls = {call for document, _, call in calls_of("keras-fld") if document in GUIDES}
    longer = ("--detector", "--flip", "--occlusion", "--model")
    calls = [call for call in calls if not any(option in call for option in longer)]
    return sorted(call for call in calls if call.startswith(SAMPLE))


@pytest.fixture
def folder(tree, tmp_path, monkeypatch):
    """The current folder, with what the sample reads."""
    monkeypatch.chdir(tmp_path)
    photo = pytest.importorskip("skimage.data").astronaut()
    (tmp_path / "photos").mkdir()
    for name in ("photo.jpg", "photos/a.jpg"):
        cv2.imwrite(name, photo[..., ::-1])
    shutil.copytree(tree, "300w")
    shutil.copy(ROOT / "keras_fld" / "zoo" / "trnet20_300w_int8.tflite", "face.tflite")


@pytest.mark.parametrize("call", sample())
def test_a_sample_runs(call, folder):
    result = CliRunner().invoke(cli, shlex.split(call))
    assert result.exit_code == 0, result.output
