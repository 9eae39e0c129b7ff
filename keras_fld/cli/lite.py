"""The commands `keras-fld convert`, `parity` and `benchmark`."""

from pathlib import Path

import click

from keras_fld._internal.extras import check_installed
from keras_fld._internal.files import check_writable, message_in
from keras_fld.cli import complete, native
from keras_fld.cli.calibration import calibration_crops
from keras_fld.cli.options import (
    JSON,
    NAME,
    QUIET,
    ROOT,
    RUN_DATASET,
    RUN_READER_OPTIONS,
    SKIP_BAD,
    SUBSETS,
    of_reader,
    of_run,
    show,
    tell,
)
from keras_fld.cli.out import out_option
from keras_fld.lite import modes


@click.command(short_help="Converts a model to a .tflite file.")
@click.argument("model", type=click.Path(), shell_complete=complete.MODELS)
@out_option("The .tflite file to write.", ".tflite")
@click.option(
    "--mode",
    default="int8",
    show_default=True,
    help=f"Quantization mode: {', '.join(modes.MODES)}.",
    shell_complete=complete.MODES,
)
@NAME
@click.option(
    "--license",
    help="SPDX identifier of the weights' license, for the metadata.  [default: a preset's own]",
)
@RUN_DATASET
@ROOT
@RUN_READER_OPTIONS
@JSON
@SKIP_BAD
@QUIET
def convert(model, out, mode, name, license, dataset, root, reader_options, skip_bad):
    """Converts MODEL (.keras) to TFLite and evaluates both files on the test subsets.

    int8 and int8_full are calibrated on unaugmented training crops. int8_full uses no float
    arithmetic, for NPUs and microcontrollers.

    \b
    keras-fld convert run/model.keras --out face.tflite --root 300w
    """
    check_writable(out)
    check_installed("tensorflow", purpose="Conversion")
    model, dataset, recipe = of_run(model, dataset)
    options = of_reader(recipe, dataset, reader_options)
    native.start(keras=True)
    from keras_fld import evaluation, models
    from keras_fld.lite import conversion

    chosen, keras_model = modes.get(mode), models.load_model(model)
    crops = None
    if chosen.calibrated:
        crops = calibration_crops(keras_model, dataset, root, skip_bad, options)
    with native.held_back():
        conversion.convert(keras_model, out, mode, crops, name, license)
    size = Path(out).stat().st_size
    click.echo(f"wrote {out}: {size:,} bytes")
    about = {"file": Path(out).name, "mode": mode, "bytes": size}
    try:
        before = evaluation.evaluate(keras_model, dataset, root, skip_bad=skip_bad, **options)
    except ValueError as error:  # no test faces; the file is still valid
        note = f"not evaluated: {message_in(root, error)}"
        tell([note])
        show(data={**about, "rows": [], "notes": [note]})
        return
    after = evaluation.evaluate(out, dataset, root, skip_bad=skip_bad, **options)
    rows = _compared(before, after)
    show(_table(rows, mode), {**about, "rows": rows, "notes": before.notes})
    tell(before.notes)


@click.command(short_help="Compares a .tflite file with its Keras model.")
@click.argument("model", type=click.Path(), shell_complete=complete.MODELS)
@click.option(
    "--reference",
    required=True,
    type=click.Path(),
    help="The .keras file that MODEL was converted from.",
)
@RUN_DATASET
@ROOT
@SUBSETS
@out_option("Folder for parity.html and parity.json.")
@click.option(
    "--max-px",
    type=click.FloatRange(0, min_open=True),
    help="Exit with status 1 if the mean distance over all faces or over a subset is larger.",
)
@RUN_READER_OPTIONS
@JSON
@SKIP_BAD
@QUIET
def parity(model, reference, dataset, root, subsets, out, max_px, reader_options, skip_bad):
    """Compares the landmarks of MODEL (.tflite) with those of its Keras model.

    parity.html shows the faces that differ most and opens offline. It contains faces of the
    dataset: share it only if the dataset's license allows it.

    \b
    keras-fld parity face.tflite --reference run/model.keras --root 300w --out parity
    keras-fld parity face.tflite --reference run/model.keras --root 300w --out parity --max-px 0.3
    """
    check_writable(out, folder=True)
    reference, dataset, recipe = of_run(reference, dataset)
    options = of_reader(recipe, dataset, reader_options)
    native.start(keras=True)
    from keras_fld.lite.parity_check import parity as compare

    result = compare(model, reference, dataset, root, list(subsets) or None, skip_bad, **options)
    show(str(result), result.as_dict())
    tell(result.notes)
    result.save(out)
    click.echo(f"wrote {Path(out) / 'parity.html'} and parity.json")
    beyond = [] if max_px is None else result.beyond(max_px)
    if beyond:
        click.echo(
            f"Error: the mean distance must be at most {max_px:g} px. Got: ", nl=False, err=True
        )
        click.echo(", ".join(f"{name} {mean:.3f}" for name, mean in beyond), err=True)
        click.get_current_context().exit(1)


@click.command(short_help="Measures the latency of .tflite files on this machine.")
@click.argument(
    "models", nargs=-1, required=True, type=click.Path(), shell_complete=complete.MODELS
)
@click.option("--runs", default=300, show_default=True, help="Number of timed runs of each model.")
@click.option("--threads", default=1, show_default=True, help="Number of interpreter threads.")
@JSON
def benchmark(models, runs, threads):
    """Measures the latency of MODELS (.tflite files or presets) on this machine.

    Times are for one inference without cropping. The models run in turns, so that ratios stay
    reliable even if the machine's speed varies. To measure on a phone or board, copy
    tflite/benchmark.py from the repository to the device. It also reports memory, drift, and the
    time of single operations.

    \b
    keras-fld benchmark files/model_float32.tflite files/model_int8.tflite
    keras-fld benchmark trnet20_300w --threads 2 --json
    """
    native.start_interpreter()
    from keras_fld.lite.latency import benchmark as run

    result = run(models, runs, threads)
    show(str(result), result.as_dict())


def _compared(before, after):
    """The NME of a Keras model and of its converted file, for each subset and normalizer."""
    return [
        {
            "subset": a["subset"],
            "normalizer": a["normalizer"],
            "nme_keras": a["nme"],
            "nme": b["nme"],
            "difference": b["nme"] - a["nme"],
        }
        for a, b in zip(before.rows, after.rows, strict=True)
    ]


def _table(rows, mode):
    return "\n".join(
        f"{row['subset']:<12}{row['normalizer']:<14}NME Keras {row['nme_keras']:.3f} %   "
        f"{mode} {row['nme']:.3f} %   difference {row['difference']:+.3f}"
        for row in rows
    )
