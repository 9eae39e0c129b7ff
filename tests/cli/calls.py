"""Commands called in this process, and parsing of documented command lines."""

import contextlib
import io
import re
import subprocess

import click

from keras_fld.cli import cli, main


def parse(call):
    """Parses the words after `keras-fld` in a line, without running the command.

    Raises:
        click.UsageError: a command, option or argument is unknown or missing.
    """
    words = re.split(r"[>)|'\"`]|\s#", call)[0].split()
    context = click.Context(cli, info_name="keras-fld")
    name, target, rest = cli.resolve_command(context, words)
    while isinstance(target, click.Group):
        name, target, rest = target.resolve_command(context, rest)
    target.make_context(name, rest)


def run(*arguments):
    """Runs a command line in this process, which has TensorFlow loaded.

    Returns:
        What `subprocess.run` returns for it: exit code, standard output and error.
    """
    words = [str(word) for word in arguments]
    out, error, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        try:
            main(words)
        except SystemExit as end:
            code = end.code or 0
    return subprocess.CompletedProcess(words, code, out.getvalue(), error.getvalue())
