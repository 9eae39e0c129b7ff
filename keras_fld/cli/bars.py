"""Progress bars on the terminal, for what the package counts while it works."""

import contextlib
import itertools
import os
import sys

import click

from keras_fld._internal import progress

# Up a line and clear it.
_GONE = "\033[A\033[2K"


@contextlib.contextmanager
def bars(hidden=False):
    """Shows a bar for each piece of long work in the block, gone once that is done.

    Bars are on standard error, so that the standard output stays the results', and only where it is
    a terminal.

    Args:
        hidden: show none.
    """
    if hidden or not sys.stderr.isatty():
        yield
        return
    # Of its own: `native.held_back` takes standard error away from whatever writes there.
    encoding = sys.stderr.encoding
    with os.fdopen(os.dup(sys.stderr.fileno()), "w", -1, encoding, "replace") as terminal:

        @contextlib.contextmanager
        def watch(label, length):
            # click takes an unknown length from endless parts alone.
            parts = itertools.repeat(None) if length is None else None
            with click.progressbar(parts, length, label=label, file=terminal) as bar:
                yield bar.update
            terminal.write(_GONE)
            terminal.flush()

        with progress.watched(watch):
            yield
