"""The commands `keras-fld qat` and `compress`."""

import tempfile
from pathlib import Path

import click

from keras_fld._internal import names
from keras_fld._internal.files import check_writable, replacing
from keras_fld.cli import complete, native
from keras_fld.cli.options import (
    DATASET,
    JSON,
    NAME,
    QUIET_PASSED,
    READER_OPTIONS,
    ROOT,
    SKIP_BAD,
    show,
    tell,
)
from keras_fld.cli.out import out_option, output
from keras_fld.cli.sections import SectionedCommand

BATCH_SIZE = click.option("--batch-size", default=16, show_default=True, help="Faces per step.")
LOSS = click.option(
    "--loss",
    default="enme",
    show_default=True,
    help=f"Loss: {', '.join(names.LOSSES)}.",
    shell_complete=complete.LOSSES,
)
SEED = click.option("--seed", default=0, show_default=True, help="Seed of order and augmentation.")
VALIDATION = click.option(
    "--validation",
    default=0.0,
    show_default=True,
    help="Fraction of the training faces held out. They replace the test subsets in the table.",
)


@click.command(
    short_help="Fine-tunes a model for int8.",
    cls=SectionedCommand,
    sections={
        "Data": "--dataset --root --option --validation",
        "Training": "--epochs --batch-size --learning-rate --loss --seed",
        "Output": "--out --name --report --json --quiet",
    },
)
@click.argument("model", type=click.Path(), shell_complete=complete.MODELS)
@out_option("The .tflite file to write.", ".tflite")
@DATASET
@ROOT
@READER_OPTIONS
@click.option("--epochs", default=2, show_default=True, help="Passes over the training faces.")
@BATCH_SIZE
@click.option("--learning-rate", default=1e-4, show_default=True, help="Initial learning rate.")
@LOSS
@SEED
@VALIDATION
@NAME
@click.option(
    "--report",
    type=click.Path(),
    callback=output(".json"),
    help="The .json file to write the figures to.",
)
@JSON
@SKIP_BAD
@QUIET_PASSED
def qat(model, out, epochs, learning_rate, name, report, quiet, **options):
    """Fine-tunes MODEL (.keras) by quantization-aware training and writes an int8 .tflite file.

    During training, the network simulates int8 arithmetic. The table compares the file with the
    Keras model and with the int8 file that `keras-fld convert` writes.

    \b
    keras-fld qat run/model.keras --out face.tflite --root 300w
    """
    check_writable(out)
    if report:
        check_writable(report)
    native.start_fine_tuning()
    from keras_fld.lite import convert
    from keras_fld.lite.tfmot import qat as tuning
    from keras_fld.lite.tfmot.report import compare_files

    loss = options.pop("loss")
    tuning.check(epochs, learning_rate, loss)
    keras_model, path, material = _material(model, **options)
    arguments = {"epochs": epochs, "learning_rate": learning_rate, "loss": loss}
    tuning.qat(
        keras_model,
        out,
        material.batches,
        name=name,
        verbose=0 if quiet else 1,
        **arguments,
    )
    click.echo(f"wrote {out}: {Path(out).stat().st_size:,} bytes")
    with tempfile.TemporaryDirectory(prefix="keras_fld_") as folder:
        before = convert(keras_model, Path(folder, "int8.tflite"), "int8", material.calibration)
        files = {"Keras": path, "int8": before, "int8_qat": out}
        result = compare_files(files, material, _settings(path, arguments, options))
    _finish(result, report)


@click.command(
    short_help="Prunes or clusters the weights of a model.",
    cls=SectionedCommand,
    sections={
        "Method": "--method --sparsity --clusters",
        "Data": "--dataset --root --option --validation",
        "Training": "--epochs --batch-size --learning-rate --loss --seed",
        "Output": "--out --json --quiet",
    },
)
@click.argument("model", type=click.Path(), shell_complete=complete.MODELS)
@out_option("Folder for model.keras, model_int8.tflite and compress.json.")
@DATASET
@ROOT
@READER_OPTIONS
@click.option(
    "--method",
    required=True,
    help=f"Method: {' or '.join(names.COMPRESSIONS)}.",
    shell_complete=complete.COMPRESSIONS,
)
@click.option(
    "--sparsity",
    default=0.5,
    show_default=True,
    help="Fraction of weights that prune sets to zero.",
)
@click.option(
    "--clusters", default=16, show_default=True, help="Distinct weights per layer with cluster."
)
@click.option("--epochs", default=4, show_default=True, help="Passes over the training faces.")
@BATCH_SIZE
@click.option("--learning-rate", default=5e-4, show_default=True, help="Initial learning rate.")
@LOSS
@SEED
@VALIDATION
@JSON
@SKIP_BAD
@QUIET_PASSED
def compress(model, out, method, sparsity, clusters, epochs, learning_rate, quiet, **options):
    """Prunes or clusters the weights of MODEL (.keras) and fine-tunes it.

    The files model.keras and model_int8.tflite compress better, for example in an app's package.
    They do not run faster. compress.json contains the figures of the printed table.

    \b
    keras-fld compress run/model.keras --out pruned --method prune --sparsity 0.5 --root 300w
    keras-fld compress run/model.keras --out clustered --method cluster --clusters 16 --root 300w
    """
    check_writable(out, folder=True)
    native.start_fine_tuning()
    from keras_fld.lite import convert
    from keras_fld.lite.tfmot import compress as compressing
    from keras_fld.lite.tfmot.report import compare_files

    loss, out = options.pop("loss"), Path(out)
    arguments = {"method": method, "epochs": epochs, "learning_rate": learning_rate, "loss": loss}
    arguments |= {"sparsity": sparsity} if method == "prune" else {"clusters": clusters}
    compressing.check(method, sparsity, clusters, epochs, learning_rate, loss)
    keras_model, path, material = _material(model, **options)
    small = compressing.compress(
        keras_model, material.batches, verbose=0 if quiet else 1, **arguments
    )
    with tempfile.TemporaryDirectory(prefix="keras_fld_") as folder:
        before = convert(keras_model, Path(folder, "int8.tflite"), "int8", material.calibration)
        with replacing(out / "model.keras") as temporary:
            small.save(temporary)
        after = convert(small, out / "model_int8.tflite", "int8", material.calibration)
        files = {
            "Keras": path,
            f"{method}, Keras": out / "model.keras",
            "int8": before,
            f"{method}, int8": after,
        }
        result = compare_files(files, material, _settings(path, arguments, options))
    _finish(result, out / "compress.json")


def _material(model, **options):
    """The Keras model, its file, and its faces from the dataset."""
    from keras_fld import models, zoo
    from keras_fld.lite.tfmot.report import Material

    keras_model = models.load_model(model)
    path = zoo.keras_file(model) if model in zoo.names() else Path(model)
    return keras_model, path, Material(keras_model, **options)


def _settings(path, arguments, options):
    """The settings for the JSON file, without local folders."""
    kept = ("dataset", "batch_size", "seed", "validation")
    return {"model": path.name, **arguments, **{name: options[name] for name in kept}}


def _finish(result, report):
    show(str(result), result.as_dict())
    tell(result.notes)
    if report:
        result.save(report)
        click.echo(f"wrote {report}")
