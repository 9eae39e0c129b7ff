"""The command `keras-fld demo`."""

from pathlib import Path

import click

from keras_fld.cli import native
from keras_fld.cli.options import QUIET_PASSED


@click.command()
@click.option("--faces", "root", type=click.Path(), help="A 300W tree; without, generated faces.")
@click.option(
    "--out", default="demo", show_default=True, type=click.Path(), help="Folder for the results."
)
@click.option("--epochs", type=int, help="Passes over the training faces.")
@QUIET_PASSED
def demo(root, out, epochs, quiet):
    """The main job in minutes: train, evaluate, convert, measure and draw.

    \b
    keras-fld demo --out demo
    """
    native.start(keras=True)
    from keras_fld import demo

    demo.run(Path(out), root, epochs, 0 if quiet else 1)
