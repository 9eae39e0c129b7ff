"""The command `keras-fld export`."""

from importlib.util import find_spec

import click

from keras_fld import zoo
from keras_fld._internal.extras import check_installed, install
from keras_fld._internal.files import check_writable
from keras_fld.cli import complete, native
from keras_fld.cli.calibration import calibration_crops
from keras_fld.cli.options import (
    JSON,
    QUIET,
    ROOT,
    RUN_DATASET,
    RUN_READER_OPTIONS,
    SKIP_BAD,
    of_reader,
    of_run,
    show,
    tell,
)
from keras_fld.cli.out import out_option
from keras_fld.cli.sections import SectionedCommand
from keras_fld.lite import modes, shipped


@click.command(
    short_help="Converts a model to several modes and compares the files.",
    cls=SectionedCommand,
    sections={
        "Model and data": "--preset --dataset --root --option",
        "Files": "--all --mode --detector --arm",
        "Output": "--out --json --quiet",
    },
)
@click.argument("model", required=False, type=click.Path(), shell_complete=complete.MODELS)
@click.option("--preset", help="Export a preset instead of MODEL.", shell_complete=complete.PRESETS)
@out_option("Folder for the files and export.json.")
@click.option("--all", "every", is_flag=True, help="Export all modes.")
@click.option(
    "--mode",
    "names",
    multiple=True,
    help=f"Mode to export; repeatable: {', '.join(modes.NAMES)}.",
    shell_complete=complete.EXPORTED_MODES,
)
@click.option(
    "--arm",
    type=click.Path(),
    help="JSON file of tflite/arm/run.py. Adds ARM instruction counts to the table.",
)
@click.option("--detector", is_flag=True, help="Also copy the face detector's files, for an app.")
@RUN_DATASET
@ROOT
@RUN_READER_OPTIONS
@JSON
@SKIP_BAD
@QUIET
def export(
    model, preset, out, every, names, arm, detector, dataset, root, reader_options, skip_bad
):
    """Converts MODEL (.keras) to several quantization modes and compares the files.

    The table shows the size of each file, its median time on one thread of this machine, and its
    NME on the test subsets. int8_qat is trained on the dataset's faces, as `keras-fld qat` does,
    which takes some minutes.

    A preset needs no --root. Without it, the published int8 file is copied, which needs no
    TensorFlow, int8_full is calibrated on generated faces, and the table shows published NMEs and
    ARM instruction counts.

    \b
    keras-fld export run/model.keras --all --out files --root 300w
    keras-fld export --preset trnet20_300w --all --out files
    keras-fld export --preset trnet20_300w --mode int8 --detector --out app
    """
    if (model is None) == (preset is None):
        raise click.UsageError("give either MODEL or --preset")
    if every == bool(names):
        raise ValueError("either --all or one or more --mode must be given")
    check_writable(out, folder=True)
    path, dataset, recipe = of_run(model or "", dataset)
    options = of_reader(recipe, dataset, reader_options)
    model = model and path
    if preset is not None and root is None and not dataset.startswith("synthetic"):
        dataset = None
    chosen = [modes.get(name) for name in names if name != modes.QAT]
    if dataset is None and shipped.only(preset, names):
        _copied(preset, names, out, arm, detector)
        return
    converted = [name for name in names if not (dataset is None and shipped.only(preset, [name]))]
    to = f" to {', '.join(converted)}" if converted else ""
    check_installed("tensorflow", purpose=f"Conversion{to}")
    trains = _trains(names, dataset)
    if trains:
        native.start_fine_tuning()
    native.start(keras=True)
    from keras_fld import models
    from keras_fld.lite.exporting import export as export_files
    from keras_fld.lite.tfmot.report import Material
    from keras_fld.models.layers import is_score

    keras_model = models.load_model(model if preset is None else zoo.keras_file(preset))
    crops = batches = None
    if trains and not (every and is_score(keras_model)):
        material = Material(keras_model, dataset, root, skip_bad=skip_bad, reader_options=options)
        crops, batches = material.calibration, material.batches
        tell(material.notes)
    elif dataset is not None and (every or any(mode.calibrated for mode in chosen)):
        crops = calibration_crops(keras_model, dataset, root, skip_bad, options)
    with native.held_back():
        result = export_files(
            keras_model,
            out,
            names,
            crops,
            dataset,
            root,
            skip_bad,
            preset,
            arm,
            batches,
            detector,
            **options,
        )
    _exported(result, out)


def _copied(preset, names, out, arm, detector):
    """Exports a preset's own files: Keras is not loaded."""
    native.start()
    from keras_fld.lite.exporting import export as export_files

    _exported(export_files(None, out, names, preset=preset, arm=arm, detector=detector), out)


def _exported(result, out):
    show(str(result), result.as_dict())
    tell(result.notes)
    count = len(result.rows) + len(result.detector)
    click.echo(f"wrote {count} files and export.json to {out}")


def _trains(names, dataset):
    """Whether int8_qat is requested.

    With --all, it is skipped with a note if it cannot be trained.
    """
    if names and modes.QAT not in names:
        return False
    reason = None
    if dataset is None:
        reason = "training needs a dataset (--root)"
    elif find_spec("tensorflow_model_optimization") is None:
        reason = f"training needs {install('tensorflow', 'compress')}"
    if reason and names:
        raise ValueError(f"mode {modes.QAT} is not available: {reason}")
    if reason:
        tell([f"{modes.QAT} is skipped: {reason}"])
    return reason is None
