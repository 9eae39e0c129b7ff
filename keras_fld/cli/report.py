"""The command `keras-fld report`."""

from pathlib import Path

import click

from keras_fld._internal.extras import check_installed
from keras_fld._internal.files import check_writable
from keras_fld.cli import complete, native
from keras_fld.cli.options import QUIET, ROOT, SKIP_BAD, of_reader
from keras_fld.cli.out import out_option


@click.command(short_help="Writes an HTML report of a training run.")
@click.argument("run", type=click.Path())
@out_option("The .html file to write.  [default: RUN/report.html]", ".html", required=False)
@ROOT
@click.option(
    "--dataset",
    help="Dataset of the gallery.  [default: that of the evaluation or the recipe]",
    shell_complete=complete.DATASETS,
)
@click.option(
    "--model",
    type=click.Path(),
    help="Model of the gallery.  [default: RUN/model.keras]",
    shell_complete=complete.MODELS,
)
@click.option(
    "--worst",
    default=12,
    show_default=True,
    type=click.IntRange(1),
    help="Number of faces in the gallery.",
)
@SKIP_BAD
@QUIET
def report(run, out, root, dataset, model, worst, skip_bad):
    """Writes an HTML report of the training run in the folder RUN, finished or not.

    The report contains the training curves, recipe and versions. After `keras-fld evaluate RUN
    --out RUN`, it also contains figures with intervals, error curves and facial regions. With
    --root, it adds a gallery of the faces with the largest errors, with annotation and prediction:
    share such a file only if the dataset's license allows it. For generated faces, use --root -.

    \b
    keras-fld report run
    keras-fld report run --root 300w --out report.html
    """
    from keras_fld._internal.files import replacing
    from keras_fld.reports import run_page
    from keras_fld.reports.run_folder import read_run

    out = Path(out) if out else Path(run) / "report.html"
    found = read_run(run)
    check_writable(out)
    check_installed("matplotlib", purpose="A report")
    faces = []
    if root is not None:
        from keras_fld.evaluation.worst import gallery

        model, dataset = model or Path(run) / "model.keras", dataset or _dataset(found)
        native.start(model)
        root = None if root == "-" else root
        options = of_reader(found.recipe, dataset)
        faces = gallery(model, dataset, root, worst, skip_bad=skip_bad, **options)
    with replacing(out) as temporary:
        temporary.write_text(run_page.page(found, faces), "utf-8")
    click.echo(f"wrote {out}")


def _dataset(run):
    """The dataset that a run was evaluated on, otherwise that of its training."""
    for evaluated in run.evaluations:
        return evaluated.dataset
    return str(run.recipe.get("dataset"))
