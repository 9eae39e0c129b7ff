"""The README's command lines call commands, scripts, targets and options that there are."""

import re
from pathlib import Path

import click
import pytest

from tests.cli import calls

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
# What the README tells to copy elsewhere is called there by its bare name.
COPIED = {"benchmark.py": "tflite/benchmark.py"}


def lines(text):
    """The lines of the indented blocks, and code within sentences and tables: (whole, words).

    A line is whole; code within a sentence may name a part of a command.
    """
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    blocks = re.sub(r"\\\n\s*", "", "\n".join(re.findall(r"^    (.*)$", text, re.MULTILINE)))
    spans = re.findall(r"`([^`]+)`", re.sub(r"^    .*$", "", text, flags=re.MULTILINE))
    shell = [(True, re.split(r"(?:^|\s)# ", line)[0].strip()) for line in blocks.splitlines()]
    return [*shell, *((False, " ".join(span.split())) for span in spans)]


def commands(program):
    """What follows a program in the README's lines: (whole, words), each once."""
    called = rf"(?:^|[\s('\"]){program} (.+)"
    found = [(whole, re.search(called, line)) for whole, line in lines(README)]
    return sorted({(whole, match[1]) for whole, match in found if match})


def parse(call, whole):
    """Parses a call of keras-fld; a part of one may lack arguments and values."""
    try:
        calls.parse(call)
    except (click.MissingParameter, click.BadOptionUsage):
        if whole:
            raise


@pytest.mark.parametrize(("whole", "call"), commands("keras-fld"))
def test_every_command_and_option_of_keras_fld_exists(whole, call):
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


@pytest.mark.parametrize(("whole", "call"), commands("python"))
def test_every_script_and_its_options_exist(whole, call):
    check_script(call)


def check_script(call):
    """Asserts that a script, or a module after -m, is there, and has the options in its source."""
    words = call.split()
    module = words[0] == "-m"
    name = words[1].replace(".", "/") + ".py" if module else COPIED.get(words[0], words[0])
    source = (ROOT / name).read_text("utf-8")
    for option in re.findall(r" (--[\w-]+)", call):
        assert option == "--help" or f'"{option}"' in source, f"{name} {option}"


def test_a_wrong_script_or_option_is_noticed():
    check_script("tflite/benchmark.py face.tflite --threads 1 2")
    with pytest.raises(FileNotFoundError):
        check_script("tests/benchmarks/bench_nothing.py")
    with pytest.raises(AssertionError, match=r"benchmark.py --thread\b"):
        check_script("tflite/benchmark.py --thread 2")


def test_every_target_and_variable_of_make_exists():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"^([\w-]+):", makefile, re.MULTILINE)
    found = commands("make")
    assert len(found) > 8
    for _, call in found:
        target, _, rest = call.partition(" ")
        assert target in targets, target
        for variable in re.findall(r"\b([A-Z]+)=", rest):
            assert re.search(rf"^{variable} \?=|\$\({variable}\)", makefile, re.MULTILINE), variable


def test_every_path_that_pytest_is_given_exists():
    found = commands("pytest")
    assert found and all((ROOT / call).exists() for _, call in found)


def test_the_lines_are_read_as_a_shell_does():
    text = (
        "Say `keras-fld\nweb`:\n\n    A=1 keras-fld train \\\n        --out run  # then\n\n"
        "```python\nkeras = 1\n```\n"
    )
    assert lines(text) == [(True, "A=1 keras-fld train --out run"), (False, "keras-fld web")]
