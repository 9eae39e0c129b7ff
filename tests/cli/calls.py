"""Parsing of documented command lines by the commands that they call."""

import re

import click

from keras_fld.cli import cli


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
