"""The command `keras-fld refine`."""

from pathlib import Path

import click

from keras_fld._internal.files import check_writable, replacing
from keras_fld.cli import complete, native
from keras_fld.cli.options import (
    JSON,
    QUIET_PASSED,
    ROOT,
    RUN_DATASET,
    RUN_READER_OPTIONS,
    SKIP_BAD,
    of_reader,
    of_run,
    show,
)
from keras_fld.cli.out import out_option


@click.command()
@click.argument("model", type=click.Path(), shell_complete=complete.MODELS)
@out_option("The .keras file to write.", ".keras")
@RUN_DATASET
@ROOT
@click.option(
    "--loss",
    help="Loss for every patch.  [default: that of the run, otherwise enme]",
    shell_complete=complete.LOSSES,
)
@click.option(
    "--windows",
    default=0,
    show_default=True,
    help="Windows per patch on an inner feature map, such as 3; 0 uses the pooled features.",
)
@click.option(
    "--rounds",
    default=30,
    show_default=True,
    help="Passes over the training faces, each augmented anew.",
)
@click.option("--batch-size", default=64, show_default=True, help="Faces per step.")
@click.option("--learning-rate", default=1e-3, show_default=True, help="Peak learning rate.")
@click.option(
    "--whole", is_flag=True, help="Retrain the whole layer at once, as a control experiment."
)
@click.option("--seed", default=0, show_default=True, help="Seed of order and augmentation.")
@JSON
@RUN_READER_OPTIONS
@SKIP_BAD
@QUIET_PASSED
def refine(model, out, dataset, root, whole, seed, reader_options, skip_bad, quiet, **options):
    """Retrains the output layer of MODEL patch by patch.

    \b
    keras-fld refine run/model.keras --out run/refined.keras --root 300w
    keras-fld refine run/model.keras --out run/local.keras --root 300w \\
        --windows 3 --rounds 40 --learning-rate 4e-3
    """
    check_writable(out)
    model, dataset, recipe = of_run(model, dataset)
    native.start_keras()
    from keras_fld import losses, models
    from keras_fld.data import catalog

    options["loss"] = options["loss"] or losses.get(
        recipe.get("loss", "enme"), **recipe.get("loss_options", {})
    )
    trained = models.load_model(model)
    data = catalog.load(
        dataset,
        root,
        catalog.get(dataset).train,
        frame=models.frame_of(trained),
        batch_size=64,
        seed=seed,
        skip_bad=skip_bad,
        **of_reader(recipe, dataset, reader_options),
    )
    refined = models.refine(
        trained,
        data,
        patches={"all": range(trained.output_shape[1])} if whole else None,
        verbose=0 if quiet else 1,
        **options,
    )
    with replacing(out) as temporary:
        refined.save(temporary)
    show(f"wrote {out}", {"model": out, "bytes": Path(out).stat().st_size})
