"""The commands `keras-fld baseline`."""

import shlex
import time
from pathlib import Path
from typing import cast

import click

from keras_fld._internal.files import check_writable, write_json
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

_OUT = out_option("The .npz file to write.", ".npz")
_MARGIN = click.option(
    "--margin", type=float, help="Side of the crop in face boxes.  [default: 1.1]"
)
_SEED = click.option("--seed", default=0, show_default=True, help="Random seed.")


@click.group(short_help="Trains SDM and ERT, and draws the paper's Figure 1.")
def baseline():
    """Trains the baselines of the paper's Figure 1 and draws such a figure.

    Baselines are methods without a network. Commands such as `keras-fld evaluate` accept their .npz
    files as models. NAME.json, next to NAME.npz, contains the command, the number of faces and the
    training time.

    \b
    keras-fld baseline sdm --root 300w --out sdm.npz
    """


@baseline.command()
@DATASET
@ROOT
@_OUT
@click.option("--size", default=64, show_default=True, help="Side of the crop in pixels.")
@_MARGIN
@click.option("--starts", default=3, show_default=True, help="Number of initial shapes per face.")
@click.option("--ridge", type=float, help="Ridge penalty of the regressions.  [default: 1]")
@click.option(
    "--limit", type=click.IntRange(1), help="Maximum number of training faces.  [default: all]"
)
@_SEED
@JSON
@SKIP_BAD
@QUIET_PASSED
def sdm(dataset, root, out, size, margin, starts, ridge, limit, seed, skip_bad, quiet):
    """Trains the Supervised Descent Method (SDM) on SIFT descriptors.

    \b
    keras-fld baseline sdm --root 300w --out sdm.npz
    keras-fld evaluate sdm.npz --root 300w
    """
    from keras_fld.baselines.sdm import RIDGE, train_sdm, whole_faces

    check_writable(out)
    data = _training_crops(dataset, root, size, margin, skip_bad)

    def progress(stage, error):
        if not quiet:
            click.echo(f"stage {stage}: {error:.3f} px on the training faces")

    ridge = RIDGE if ridge is None else ridge
    started = time.monotonic()
    model = train_sdm(data, ridge=ridge, starts=starts, seed=seed, limit=limit, progress=progress)
    _save(model, out, dataset, len(whole_faces(data, limit)), started)


@baseline.command(short_help="Trains ERT, an ensemble of regression trees, with dlib.")
@DATASET
@ROOT
@_OUT
@click.option("--size", default=280, show_default=True, help="Side of the crop in pixels.")
@_MARGIN
@click.option("--oversampling", type=click.IntRange(1), help="Number of initial shapes per face.")
@click.option("--trees", type=click.IntRange(1), help="Number of trees in each of the ten stages.")
@click.option("--threads", default=1, show_default=True, help="Number of threads.")
@_SEED
@JSON
@SKIP_BAD
@QUIET_PASSED
def ert(dataset, root, out, size, margin, oversampling, trees, threads, seed, skip_bad, quiet):
    """Trains an Ensemble of Regression Trees (ERT) with dlib, from the extra `baselines`.

    \b
    keras-fld baseline ert --root 300w --out ert.npz
    """
    from keras_fld.baselines.ert import load_dlib, train_ert
    from keras_fld.baselines.sdm import whole_faces

    check_writable(out)
    load_dlib()  # before reading the faces
    options = {"oversampling_amount": oversampling, "num_trees_per_cascade_level": trees}
    options = {key: value for key, value in options.items() if value is not None}
    data = _training_crops(dataset, root, size, margin, skip_bad)
    started = time.monotonic()
    model = train_ert(data, options, seed, threads, verbose=not quiet)
    _save(model, out, dataset, len(whole_faces(data)), started)


@baseline.command(short_help="Draws a figure like the paper's Figure 1.")
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    metavar="NAME=MODEL",
    help="Column of the figure: its name and a .npz, .keras or .tflite file or preset; repeatable.",
)
@out_option("The .png file to write.", ".png")
@click.option(
    "--photo",
    "photos",
    multiple=True,
    type=click.Path(),
    help="Row of the figure: the largest face in this photograph, instead of the examples; "
    "repeatable.",
)
@click.option(
    "--drawn", default=2, show_default=True, help="Number of generated faces among the examples."
)
@click.option("--size", default=280, show_default=True, help="Side of each picture in pixels.")
def figure(models, out, photos, drawn, size):
    """Draws a figure like the paper's Figure 1, with a column per method and a row per face.

    Without --photo, the faces are generated ones and a public-domain portrait from scikit-image, if
    installed: unchanged, rotated, half in the dark, and partly covered.

    \b
    keras-fld baseline figure --model SDM=sdm.npz --model ERT=ert.npz \\
        --model TRNet-20=trnet20_300w --out figure1.png
    """
    from keras_fld._internal.images import save_image
    from keras_fld.reproduce.figure1 import draw_methods, example_faces, photographed

    named = _pairs(models)
    if not 40 <= size <= 1000 or not 0 <= drawn <= 100:
        raise ValueError(f"--size must be 40 to 1000 and --drawn 0 to 100. Got: {size} and {drawn}")
    check_writable(out)
    native.start(*named.values())
    faces = photographed(photos) if photos else example_faces(drawn)
    save_image(out, draw_methods(named, faces, size))
    click.echo(f"wrote {out}")


def _pairs(models):
    """Parses NAME=MODEL options into a dictionary."""
    named = {}
    for pair in models:
        name, _, model = pair.partition("=")
        if not (name and model):
            raise ValueError(f"--model must be NAME=MODEL, such as SDM=sdm.npz. Got: {pair}")
        if name in named:
            raise ValueError(f"--model must name a method once. Got: {name} twice")
        named[name] = model
    return named


def _save(model, out, dataset, faces, started):
    """Writes a baseline, and next to it a JSON file on how it was trained."""
    seconds = time.monotonic() - started
    model.save(out)
    told = Path(out).with_suffix(".json")
    about = {"command": _command(dataset, out), "faces": faces, "seconds": round(seconds, 1)}
    write_json(told, about)
    show(f"wrote {out} and {told.name}", about)


def _command(dataset, out):
    """The running command, without local folders."""
    context = click.get_current_context()
    words = ["keras-fld", "baseline", context.command.name, "--root", dataset]
    words += ["--out", Path(out).name]
    for option in cast("list[click.Option]", context.command.params):  # none has arguments
        value = context.params[option.name]
        given = value is not None and value != option.get_default(context)
        if given and option.name not in ("root", "out", "quiet", "as_json"):
            words += [option.opts[-1]] + [str(value)] * (not option.is_flag)
    return shlex.join(words)


def _training_crops(dataset, root, size, margin, skip_bad):
    from keras_fld.data import catalog, crops
    from keras_fld.geometry.frame import MARGIN, FaceCrop

    if size < 16:
        raise ValueError(f"--size must be at least 16. Got: {size}")
    frame = FaceCrop(size, MARGIN if margin is None else margin)
    faces = catalog.read(dataset, root, catalog.get(dataset).train, skip_bad)
    data = crops.model_crops(faces, frame, skip_bad)
    tell(faces.told + data.skipped)
    return data
