"""The command `keras-fld label`."""

from dataclasses import replace

import click

from keras_fld._internal.files import check_writable, sha256
from keras_fld.cli import complete, native
from keras_fld.cli.options import (
    JSON,
    QUIET,
    READER_OPTIONS,
    SKIP_BAD,
    show,
    tell,
)
from keras_fld.cli.out import out_option


@click.command(short_help="Labels the training faces of a dataset with a model.")
@click.argument("model", type=click.Path(), shell_complete=complete.MODELS)
@click.argument("dataset", shell_complete=complete.DATASETS)
@click.argument("root", type=click.Path())
@out_option("Folder for the labeled faces.")
@click.option(
    "--views",
    default=8,
    show_default=True,
    help="Number of augmented views of each face that are averaged; even.",
)
@click.option(
    "--tolerance",
    default=0.1,
    show_default=True,
    help="Maximum distance of a label from the annotation, in inter-pupil distances.",
)
@click.option(
    "--trust",
    default=0.5,
    show_default=True,
    help="Weight of the annotation against the prediction, if both have the same scheme.",
)
@click.option(
    "--weight",
    default=1.0,
    show_default=True,
    help="Training weight of landmarks that are not annotated.",
)
@click.option(
    "--input-size",
    type=click.IntRange(min=1),
    help="Side in pixels of the crops to train with.  [default: the model's]",
)
@READER_OPTIONS
@JSON
@SKIP_BAD
@QUIET
def label(
    model, dataset, root, out, views, tolerance, trust, weight, input_size, reader_options, skip_bad
):
    """Labels the training faces of DATASET in ROOT with MODEL.

    The command writes prepared faces in the model's scheme, to train another model with. It drops
    faces whose label disagrees with the annotation of the dataset.

    With --trust 1, annotated landmarks are kept, corrected by the mean offset between the dataset's
    and the model's definitions; the model adds the missing landmarks. If label and annotation
    disagree, a face keeps only its annotated landmarks.

    \b
    keras-fld label trnet20_300w mtfl mtfl --out labeled
    keras-fld train --root 300w --extra mtfl=labeled --out run
    keras-fld label trnet20_300w own points.json --out labeled --trust 1 --weight 0.3
    """
    check_writable(out, folder=True)
    native.start(model)
    from keras_fld import zoo
    from keras_fld.data import catalog
    from keras_fld.data.prepared.writing import Part, prepare
    from keras_fld.predict.predictor import open_model
    from keras_fld.training import pseudo_labels

    predictor = open_model(model)
    split = catalog.get(dataset).train
    faces = catalog.read(dataset, root, split, skip_bad, **reader_options)
    tell(faces.told)
    labeled, disagreement = pseudo_labels.relabel(predictor, faces, views, tolerance, trust, weight)
    options = {"views": views, "tolerance": tolerance, "trust": trust, "weight": weight}
    options["model_sha256"] = sha256(zoo.lite_file(model) if model in zoo.names() else model)
    frame = predictor.frame
    prepare(
        dataset,
        [Part(split, labeled, wide=True)],
        out,
        replace(frame, size=input_size or frame.size),
        skip_bad=skip_bad,
        options=options,
    )
    apart = 100 * disagreement.mean()
    show(
        f"wrote {out}: {len(labeled):,} of {len(faces):,} faces; mean distance of label and "
        f"annotation: {apart:.2f} % of the inter-pupil distance",
        {"out": out, "faces": len(faces), "labeled": len(labeled), "disagreement": apart},
    )
