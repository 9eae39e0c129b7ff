"""The commands `keras-fld convert`, `export`, `parity` and `benchmark`."""

from importlib.util import find_spec
from pathlib import Path

import click

from keras_fld import zoo
from keras_fld._internal.extras import check_installed, install
from keras_fld._internal.files import message_in
from keras_fld.cli import complete, native
from keras_fld.cli.options import (
    JSON,
    NAME,
    QUIET,
    ROOT,
    RUN_DATASET,
    SKIP_BAD,
    SUBSETS,
    check_out,
    of_run,
    out_option,
    show,
    tell,
)
from keras_fld.cli.sections import SectionedCommand
from keras_fld.lite import modes, shipped


@click.command()
@click.argument("model", type=click.Path(), shell_complete=complete.MODELS)
@out_option("The .tflite file to write.")
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
@JSON
@SKIP_BAD
@QUIET
def convert(model, out, mode, name, license, dataset, root, skip_bad):
    """Converts MODEL (.keras) to TFLite and evaluates both files on the test subsets.

    int8 and int8_full are calibrated on unaugmented training crops. int8_full uses no float
    arithmetic, for NPUs and microcontrollers.

    \b
    keras-fld convert run/model.keras --out face.tflite --root 300w
    """
    check_out(out, ".tflite")
    check_installed("tensorflow", purpose="Conversion")
    model, dataset, _ = of_run(model, dataset)
    native.start(keras=True)
    from keras_fld import evaluation, models
    from keras_fld.lite import conversion

    chosen, keras_model = modes.get(mode), models.load_model(model)
    crops = _calibration(keras_model, dataset, root, skip_bad) if chosen.calibrated else None
    with native.held_back():
        conversion.convert(keras_model, out, mode, crops, name, license)
    size = Path(out).stat().st_size
    click.echo(f"wrote {out}: {size:,} bytes")
    about = {"file": Path(out).name, "mode": mode, "bytes": size}
    try:
        before = evaluation.evaluate(keras_model, dataset, root, skip_bad=skip_bad)
    except ValueError as error:  # no test faces; the file is still valid
        note = f"not evaluated: {message_in(root, error)}"
        tell([note])
        show(data={**about, "rows": [], "notes": [note]})
        return
    after = evaluation.evaluate(out, dataset, root, skip_bad=skip_bad)
    rows = _compared(before, after)
    show(_table(rows, mode), {**about, "rows": rows, "notes": before.notes})
    tell(before.notes)


@click.command(
    cls=SectionedCommand,
    sections={
        "Model and data": "--preset --dataset --root",
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
    help="Mode to export; repeatable.",
    shell_complete=complete.EXPORTED_MODES,
)
@click.option(
    "--arm",
    type=click.Path(),
    help="JSON file of tflite/arm/run.py. Adds ARM instruction counts to the table.",
)
@click.option("--detector", is_flag=True, help="Copy also the face detector's files, for an app.")
@RUN_DATASET
@ROOT
@JSON
@SKIP_BAD
@QUIET
def export(model, preset, out, every, names, arm, detector, dataset, root, skip_bad):
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
    check_out(out)
    path, dataset, _ = of_run(model or "", dataset)
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
        material = Material(keras_model, dataset, root, skip_bad=skip_bad)
        crops, batches = material.calibration, material.batches
        tell(material.notes)
    elif dataset is not None and (every or any(mode.calibrated for mode in chosen)):
        crops = _calibration(keras_model, dataset, root, skip_bad)
    with native.held_back():
        result = export_files(
            keras_model, out, names, crops, dataset, root, skip_bad, preset, arm, batches, detector
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


@click.command()
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
@JSON
@SKIP_BAD
@QUIET
def parity(model, reference, dataset, root, subsets, out, max_px, skip_bad):
    """Compares the landmarks of MODEL (.tflite) with those of its Keras model.

    parity.html shows the faces that differ most and opens offline. It contains faces of the
    dataset: share it only if the dataset's license allows it.

    \b
    keras-fld parity face.tflite --reference run/model.keras --root 300w --out parity
    keras-fld parity face.tflite --reference run/model.keras --root 300w --out parity --max-px 0.3
    """
    check_out(out)
    reference, dataset, _ = of_run(reference, dataset)
    native.start(keras=True)
    from keras_fld.lite.parity_check import parity as compare

    result = compare(model, reference, dataset, root, list(subsets) or None, skip_bad)
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


@click.command()
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


def _calibration(keras_model, dataset, root, skip_bad):
    """Unaugmented training crops."""
    from keras_fld import models
    from keras_fld.data import catalog, crops
    from keras_fld.lite.calibration import CALIBRATION_CROPS

    faces = catalog.read(dataset, root, catalog.get(dataset).train, skip_bad)
    faces = faces.sample(CALIBRATION_CROPS)
    data = crops.model_crops(faces, models.frame_of(keras_model), skip_bad)
    tell(faces.told + data.skipped)
    return data.images
