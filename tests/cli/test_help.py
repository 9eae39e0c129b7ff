"""The --help of every command."""

import re

import click
import pytest
from click.testing import CliRunner

from keras_fld.cli import cli
from keras_fld.cli.sections import SectionedCommand
from tests.cli import calls


def commands(command=cli, path=()):
    """Yields every command and group with the words that call it, starting with the main one."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


ALL = dict(commands())


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_the_help_of_every_command_has_an_example(path):
    result = CliRunner().invoke(cli, [*path, "--help"])
    assert result.exit_code == 0
    words = " ".join(("keras-fld", *path))
    examples = re.findall(rf'^ +(?:\S+=\S+ |eval "\$\()?{words}\b.*$', result.output, re.M)
    assert examples, f"{words} --help must show a call"


def test_every_option_and_argument_of_an_example_exists():
    """The command of each example parses it."""
    seen = 0
    for command in ALL.values():
        text = (command.help or "").replace("\\\n", " ")
        for line in re.findall(r'^ *(?:\S+=\S+ )?(?:eval "\$\()?keras-fld (.*)$', text, re.M):
            calls.parse(line)
            seen += 1
    assert seen >= len(ALL)


def test_the_exit_codes_are_told():
    output = CliRunner().invoke(cli, ["--help"]).output
    told = re.findall(r"^ +(\d+) +\S", output[output.index("Exit codes:") :], re.M)
    assert told == ["0", "1", "2", "130", "141"]


def test_long_work_can_be_quiet():
    short = {"baseline", "baseline figure", "benchmark", "compare", "completion", "score", "web"}
    short |= {"", "datasets", "datasets list", "presets"}
    for path, command in ALL.items():
        quiet = any("--quiet" in option.opts for option in command.params)
        assert quiet == (" ".join(path) not in short), path


def test_what_gives_figures_can_print_them_as_json():
    silent = {"", "baseline", "baseline figure", "completion", "datasets", "demo", "report"}
    silent |= {"score", "web"}
    for path, command in ALL.items():
        json = any("--json" in option.opts for option in command.params)
        assert json == (" ".join(path) not in silent), path


def test_where_a_command_writes_is_an_option_that_says_what_it_names():
    """Arguments are only for input."""
    reading = {"after", "before", "beam_options", "dataset", "inputs", "model", "models", "name"}
    reading |= {"root", "run", "shell"}
    writing = 0
    for path, command in ALL.items():
        arguments = [p.name for p in command.params if isinstance(p, click.Argument)]
        assert set(arguments) <= reading, path
        for option in command.params:
            if option.name == "out":
                assert option.opts == ["--out"]
                assert re.search(r"[Ff]older|\.\w+ file to write", option.help), path
                writing += 1
    assert writing == 19


def test_the_options_of_long_commands_are_grouped():
    for path, command in ALL.items():
        own = [p for p in command.params if isinstance(p, click.Option)]
        assert len(own) <= 14 or isinstance(command, SectionedCommand), path
        if isinstance(command, SectionedCommand):
            output = CliRunner().invoke(cli, [*path, "--help"]).output
            output = output[output.index(f"\n{next(iter(command.sections))}:\n") :]
            for option in own:
                assert len(re.findall(rf"^  {option.opts[0]}\b(?!-)", output, re.M)) == 1, option
            for heading in command.sections:
                assert f"\n{heading}:\n" in output
    with pytest.raises(ValueError, match="sections must name each option once. Got: --none"):
        SectionedCommand("x", sections={"Data": "--none"})


def test_the_help_of_train_shows_the_defaults_of_a_recipe():
    from keras_fld.training import Recipe

    recipe, told = Recipe(), {}
    for option in ALL["train",].params:
        if found := re.search(r"\[default: ([\w.]+)", option.help or ""):
            told[option.name] = found[1]
    for name, text in told.items():
        if hasattr(recipe, name) and name != "limit":
            value = getattr(recipe, name)
            assert (text if isinstance(value, str) else float(text)) == value, name
    assert {"loss", "network", "epochs", "batch_size", "learning_rate", "margin"} <= set(told)


def test_lists_of_commands_show_whole_sentences():
    """click cuts longer ones to the width of the terminal."""
    for path, command in ALL.items():
        if isinstance(command, click.Group):
            output = CliRunner().invoke(cli, [*path, "--help"], terminal_width=80).output
            lines = output[output.index("\nCommands:\n") :].splitlines()[2:]
            summaries = [line for line in lines[: len(command.commands)] if line]
            assert len(summaries) == len(command.commands)
            assert not [line for line in summaries if line.endswith("...")], path


def test_no_help_ends_in_dots():
    for path, command in ALL.items():
        for option in command.params:
            text = getattr(option, "help", None)
            assert not (text or "").rstrip().endswith(("...", "…")), (path, option.name)
