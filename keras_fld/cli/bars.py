"""Progress bars on the terminal for progress that the package reports."""

import contextlib
import itertools
import os
import sys

import click

from keras_fld._internal import progress

# Escape codes: up one line, and clear it.
_GONE = "\033[A\033[2K"


@contextlib.contextmanager
def bars(hidden=False):
    """Shows a bar for each long task in the block, and removes it afterwards.

    Bars are written to standard error, and only if it is a terminal. Standard output contains only
    results.

    Args:
        hidden: show no bars.
    """
    if hidden or not sys.stderr.isatty():
        yield
        return
    # A duplicate of standard error, because `native.held_back` redirects the original.
    encoding = sys.stderr.encoding
    with os.fdopen(os.dup(sys.stderr.fileno()), "w", -1, encoding, "replace") as terminal:

        @contextlib.contextmanager
        def watch(label, length):
            # For an unknown length, click needs an endless iterator.
            parts = itertools.repeat(None) if length is None else None
            with click.progressbar(parts, length, label=label, file=terminal) as bar:
                yield bar.update
            terminal.write(_GONE)
            terminal.flush()

        with progress.watched(watch):
            yield
