"""The commands `keras-fld convert`, `export` and `parity`."""

from pathlib import Path

import click

from keras_fld.cli.options import DATASET, ROOT, SKIP_BAD, tell


@click.command()
@click.argument("model", type=click.Path())
@click.argument("output", type=click.Path())
@click.option(
    "--mode",
    default="int8",
    show_default=True,
    help="float32, float16, dynamic, int8 or int8_full.",
)
@click.option("--preset", help="Name under which the model is published, for the metadata.")
@DATASET
@ROOT
@SKIP_BAD
def convert(model, output, mode, preset, dataset, root, skip_bad):
    """Converts MODEL (.keras) to OUTPUT (.tflite) and evaluates both on the test subsets.

    int8 and int8_full are calibrated on unaugmented training crops; int8_full is for NPUs and
    microcontrollers, without float arithmetic.

    \b
    keras-fld convert run/model.keras face.tflite --root 300w
    """
    from keras_fld import evaluation, models
    from keras_fld.lite import conversion, modes

    if Path(output).suffix != ".tflite":
        raise ValueError(f"OUTPUT must end in .tflite. Got: {output}")
    chosen, keras_model = modes.get(mode), models.load(model)
    crops = _calibration(keras_model, dataset, root, skip_bad) if chosen.calibrated else None
    conversion.convert(keras_model, output, mode, crops, preset)
    click.echo(f"wrote {output}: {Path(output).stat().st_size:,} bytes")
    try:
        before = evaluation.evaluate(keras_model, dataset, root, skip_bad=skip_bad)
    except ValueError as error:  # no test faces: the file is good all the same
        click.echo(f"note: not evaluated: {error}", err=True)
        return
    after = evaluation.evaluate(output, dataset, root, skip_bad=skip_bad)
    click.echo(_comparison(before, after, mode))
    tell(before.notes)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(), metavar="[MODEL] OUT")
@click.option("--preset", help="A shipped model instead of MODEL.")
@click.option("--all", "every", is_flag=True, help="All modes.")
@click.option("--mode", "names", multiple=True, help="Mode, several times if wanted.")
@click.option(
    "--arm",
    type=click.Path(),
    help="JSON of tflite/arm/run.py: adds the ARM instructions of the files that it counted.",
)
@DATASET
@ROOT
@SKIP_BAD
def export(paths, preset, every, names, arm, dataset, root, skip_bad):
    """Converts MODEL (.keras) in several modes into the folder OUT, and prints what each costs.

    The table has every file's size, median time on one thread of this machine, and NME on the test
    subsets. A preset needs no --root: its int8 file is then the shipped one, and int8_full and the
    NME are left out.

    \b
    keras-fld export run/model.keras --all files --root 300w
    keras-fld export --preset trnet20_300w --all files
    """
    from keras_fld import models, zoo
    from keras_fld.lite import modes
    from keras_fld.lite.export import export as export_files

    if len(paths) != (2 if preset is None else 1):
        rule = "MODEL and OUT" if preset is None else "OUT alone"
        raise click.UsageError(f"{rule} must be given. Got: {' '.join(paths)}")
    if every == bool(names):
        raise ValueError("either --all or one or more --mode must be given")
    out = paths[-1]
    chosen = [modes.get(name) for name in names] or modes.MODES.values()
    keras_model = models.load(paths[0] if preset is None else zoo.keras_file(preset))
    if preset is not None and root is None and not dataset.startswith("synthetic"):
        tell([f"not evaluated: --root must name the folder of {dataset}"])
        crops = dataset = None
    else:
        calibrated = any(mode.calibrated for mode in chosen)
        crops = _calibration(keras_model, dataset, root, skip_bad) if calibrated else None
    result = export_files(keras_model, out, names, crops, dataset, root, skip_bad, preset, arm)
    click.echo(str(result))
    tell(result.notes)
    click.echo(f"wrote {len(result.rows)} files and export.json to {out}")


@click.command()
@click.argument("model", type=click.Path())
@click.option("--reference", required=True, type=click.Path(), help="The .keras file it came from.")
@DATASET
@ROOT
@click.option("--subset", "subsets", multiple=True, help="Subset, several times if wanted.")
@click.option(
    "--out", required=True, type=click.Path(), help="Folder for parity.html and parity.json."
)
@SKIP_BAD
def parity(model, reference, dataset, root, subsets, out, skip_bad):
    """Compares the landmarks of MODEL (.tflite) with those of the Keras model it came from.

    parity.html holds the faces that differ most and opens without a network; it shows faces of
    the dataset, so pass it on only where the dataset's licence allows.

    \b
    keras-fld parity face.tflite --reference run/model.keras --root 300w --out parity
    """
    from keras_fld.lite.parity import parity as compare

    result = compare(model, reference, dataset, root, list(subsets) or None, skip_bad)
    click.echo(str(result))
    tell(result.notes)
    result.save(out)
    click.echo(f"wrote {Path(out) / 'parity.html'} and parity.json")


def _comparison(before, after, mode):
    """Lines with the NME of a Keras model beside its converted file's."""
    lines = []
    for a, b in zip(before.rows, after.rows, strict=True):
        lines.append(
            f"{a['subset']:<12}{a['normalizer']:<14}NME Keras {a['nme']:.3f} %   "
            f"{mode} {b['nme']:.3f} %   difference {b['nme'] - a['nme']:+.3f}"
        )
    return "\n".join(lines)


def _calibration(keras_model, dataset, root, skip_bad):
    """Unaugmented training crops."""
    from keras_fld import models
    from keras_fld.data import catalog, crops
    from keras_fld.lite.calibration import CALIBRATION_CROPS

    faces = catalog.read(dataset, root, catalog.find(dataset).train, skip_bad)
    faces = faces.sample(CALIBRATION_CROPS)
    data = crops.model_crops(faces, models.frame_of(keras_model), skip_bad)
    tell(faces.skipped + data.skipped)
    return data.images
