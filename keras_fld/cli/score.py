"""The commands `keras-fld score`."""

from pathlib import Path

import click

from keras_fld._internal.files import check_writable
from keras_fld.cli import native
from keras_fld.cli.options import (
    DATASET,
    JSON,
    QUIET_PASSED,
    ROOT,
    SKIP_BAD,
    show,
    tell,
)
from keras_fld.cli.out import out_option


@click.group(short_help="Trains the face score, which tells faces from other crops.")
def score():
    """Trains the face score, a network that distinguishes faces from other crops.

    \b
    keras-fld score train --root 300w --also mtfl=mtfl --out score
    """


@score.command("train", short_help="Trains a face score.")
@DATASET
@ROOT
@click.option(
    "--also",
    multiple=True,
    metavar="NAME=FOLDER",
    help="Further dataset whose training faces are used; repeatable.",
)
@out_option("Folder for the results.")
@click.option(
    "--steps",
    default=1500,
    show_default=True,
    type=click.IntRange(1),
    help="Number of training steps.",
)
@click.option(
    "--batch-size", default=128, show_default=True, type=click.IntRange(2), help="Crops per step."
)
@click.option("--learning-rate", default=4e-3, show_default=True, help="Peak learning rate.")
@click.option("--seed", default=0, show_default=True, help="Seed of weights and crops.")
@JSON
@SKIP_BAD
@QUIET_PASSED
def train_score(dataset, root, also, out, skip_bad, quiet, **options):
    """Trains a face score on crops with and without faces, from the same photographs.

    The command writes face_score.keras, face_score.tflite (for `FaceLandmarker(score=...)` and
    `keras-fld predict --score`), and score.json with the figures on held-out training photographs.
    KERAS_BACKEND=torch is the fastest.

    \b
    keras-fld score train --root 300w --also mtfl=mtfl --out score
    """
    for value in also:
        if not all(value.partition("=")):
            raise ValueError(f"--also must be NAME=FOLDER. Got: {value}")
    check_writable(out, folder=True)
    native.start(keras=True)
    from keras_fld.face_score import training

    roots = {dataset: root} | dict(value.split("=", 1) for value in also)
    report = training.train(roots, out, skip_bad=skip_bad, verbose=0 if quiet else 1, **options)
    tell(report["skipped"])
    figures = report["validation"]
    for name in ("faces", "half_covered"):
        kept, area = figures[name]["kept"], figures[name]["area"]
        show(f"held-out {name.replace('_', ' ')}: {100 * kept:.1f} % kept, area {area:.4f}")
    wrong = ", ".join(f"{k} {100 * v:.1f} %" for k, v in figures["false_positives"].items())
    show(f"taken for a face: {wrong}", report)
    click.echo(f"wrote {Path(out) / training.LITE_FILE}")
