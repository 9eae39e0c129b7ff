"""The commands `keras-fld baseline`."""

import click

from keras_fld.cli.options import DATASET, ROOT, SKIP_BAD

_OUT = click.option("--out", required=True, type=click.Path(), help="The .npz file to write.")
_MARGIN = click.option("--margin", type=float, help="Side of the crop in face boxes.")
_SEED = click.option("--seed", default=0, show_default=True, help="Seed of the training.")


@click.group()
def baseline():
    """Trains the methods of the paper's Figure 1 that are not networks.

    Their files serve wherever a model does, as in `keras-fld evaluate`.
    """


@baseline.command()
@DATASET
@ROOT
@_OUT
@click.option("--size", default=64, show_default=True, help="Side of the crop in pixels.")
@_MARGIN
@click.option("--starts", default=3, show_default=True, help="Starting places of each face.")
@click.option("--ridge", type=float, help="Ridge of the regressions.")
@click.option("--limit", type=click.IntRange(1), help="At most so many training faces.")
@_SEED
@SKIP_BAD
def sdm(dataset, root, out, size, margin, starts, ridge, limit, seed, skip_bad):
    """The Supervised Descent Method on SIFT descriptors.

    \b
    keras-fld baseline sdm --root 300w --out sdm.npz
    keras-fld evaluate sdm.npz --root 300w
    """
    from keras_fld.baselines.sdm import RIDGE, train_sdm

    _check_out(out)
    data = _training_crops(dataset, root, size, margin, skip_bad)

    def progress(stage, error):
        click.echo(f"stage {stage}: {error:.3f} px on the training faces")

    ridge = RIDGE if ridge is None else ridge
    train_sdm(data, ridge=ridge, starts=starts, seed=seed, limit=limit, progress=progress).save(out)
    click.echo(f"wrote {out}")


@baseline.command()
@DATASET
@ROOT
@_OUT
@click.option("--size", default=200, show_default=True, help="Side of the crop in pixels.")
@_MARGIN
@click.option("--oversampling", type=click.IntRange(1), help="Starting places of each face.")
@click.option("--trees", type=click.IntRange(1), help="Trees in each of the ten stages.")
@click.option("--threads", default=1, show_default=True, help="Threads.")
@_SEED
@SKIP_BAD
def ert(dataset, root, out, size, margin, oversampling, trees, threads, seed, skip_bad):
    """An Ensemble of Regression Trees through dlib (group `baselines`).

    \b
    keras-fld baseline ert --root 300w --out ert.npz
    """
    from keras_fld.baselines.ert import load_dlib, train_ert

    _check_out(out)
    load_dlib()  # before reading the faces
    options = {"oversampling_amount": oversampling, "num_trees_per_cascade_level": trees}
    options = {key: value for key, value in options.items() if value is not None}
    data = _training_crops(dataset, root, size, margin, skip_bad)
    train_ert(data, options, seed, threads, verbose=True).save(out)
    click.echo(f"wrote {out}")


def _check_out(out):
    # Before training, not after it.
    if not out.endswith(".npz"):
        raise ValueError(f"--out must end in .npz. Got: {out}")


def _training_crops(dataset, root, size, margin, skip_bad):
    from keras_fld.data import catalog, crops
    from keras_fld.data.geometry import MARGIN, Frame

    if size < 16:
        raise ValueError(f"--size must be at least 16. Got: {size}")
    frame = Frame(size, MARGIN if margin is None else margin)
    if not frame.margin > 0:
        raise ValueError(f"--margin must be above 0. Got: {frame.margin}")
    faces = catalog.read(dataset, root, catalog.find(dataset).train, skip_bad)
    data = crops.model_crops(faces, frame, skip_bad)
    for sentence in faces.missing + faces.skipped + data.skipped:
        click.echo(f"note: {sentence}", err=True)
    return data
