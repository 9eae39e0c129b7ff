"""Command lines that are written somewhere, parsed by the commands that they call."""

import re

import click

from keras_fld.cli import cli


def parse(call):
    """Parses what follows `keras-fld` in a line, as far as its arguments go; nothing is run.

    Raises:
        click.UsageError: there is no such command, option or argument, or one is missing.
    """
    words = re.split(r"[>)|'\"`]|\s#", call)[0].split()
    context = click.Context(cli, info_name="keras-fld")
    name, target, rest = cli.resolve_command(context, words)
    while isinstance(target, click.Group):
        name, target, rest = target.resolve_command(context, rest)
    target.make_context(name, rest)
