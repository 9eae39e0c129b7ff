"""The commands `keras-fld evaluate` and `keras-fld compare`."""

from pathlib import Path
from typing import Any

import click

from keras_fld._internal.extras import check_installed
from keras_fld.cli import complete, native
from keras_fld.cli.options import (
    JSON,
    QUIET,
    READER_OPTIONS,
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


@click.command()
@click.argument("model", required=False, type=click.Path(), shell_complete=complete.MODELS)
@click.option(
    "--preset",
    help="A shipped model instead: its Keras weights, then its int8 file.",
    shell_complete=complete.PRESETS,
)
@RUN_DATASET
@ROOT
@SUBSETS
@out_option("Folder for the JSON files and curves.", required=False)
@click.option(
    "--held-out",
    type=float,
    default=0.0,
    help="Fraction of the training faces instead: those that a run with this validation left out.",
)
@click.option("--regions", is_flag=True, help="Also print the NME of each facial region.")
@click.option("--flip", is_flag=True, help="Also average over each crop and its mirror image.")
@click.option("--occlusion", is_flag=True, help="Also cover faces by one and by two squares.")
@click.option("--seed", default=0, show_default=True, help="Seed of the occluders.")
@click.option(
    "--detector",
    help="What the boxes of blazeface, haar, haar-frontal or a YuNet .onnx cost.",
    shell_complete=complete.DETECTORS,
)
@click.option("--passes", type=click.IntRange(1), help="Most passes, with --detector (3).")
@READER_OPTIONS
@JSON
@SKIP_BAD
@QUIET
def evaluate(model, preset, out, detector, passes, **options):
    """Prints the table of a MODEL, .keras, .tflite or a baseline's .npz, on the test subsets.

    A run folder as MODEL means its model.keras.

    The range is a 95 % bootstrap interval of the NME over faces. --out writes evaluation.json and
    ced.png, --flip the same into the folder flip in it, --occlusion occlusion.json and
    occlusion.png.

    --detector counts the faces that a detector misses instead, and compares the landmarks in its
    boxes with those in the annotated ones; --out then writes detection.json. A preset's int8 file
    is measured.

    --json prints what those files hold: evaluation.json with "flip" and "occlusion" inside, or
    detection.json; of a preset, one under "keras" and one under "tflite".

    A file of your own faces in which none is marked as a test face is evaluated whole, each
    attribute as a row of its own. The normalizer face_size is the root of the face box's area.

    \b
    keras-fld evaluate run/model.keras --root 300w --out run
    keras-fld evaluate --preset trnet20_300w --root 300w
    keras-fld evaluate --preset trnet20_300w --root 300w --detector blazeface
    keras-fld evaluate run/model.keras --root 300w --held-out 0.1
    """
    if options["held_out"] and (detector or options["occlusion"] or options["subsets"]):
        raise click.UsageError("--held-out goes with neither --subset, --occlusion nor --detector")
    if (model is None) == (preset is None):
        raise click.UsageError("a MODEL or --preset must be given, and not both")
    if passes is not None and detector is None:
        raise click.UsageError("--passes goes with --detector")
    if out:
        check_out(out)
        if detector is None:
            check_installed("matplotlib", purpose="--out, with its curves,")
    path, options["dataset"], _ = of_run(model or "", options["dataset"])
    model = model and path
    native.start(model or preset, keras=preset is not None and detector is None)
    if detector is not None:
        show(data=_evaluate_detector(model or preset, detector, passes or 3, out, **options))
        return
    if model is not None:
        show(data=_evaluate(model, out=out, **options))
        return
    from keras_fld import zoo

    found = {}
    for path in (zoo.keras_file(preset), zoo.lite_file(preset)):
        kind = path.suffix.strip(".")
        show(f"{path.name}:")
        found[kind] = _evaluate(path, out=out and Path(out) / kind, **options)
    show(data=found)


def _evaluate(
    model,
    dataset,
    root,
    subsets,
    out,
    held_out,
    regions,
    flip,
    occlusion,
    seed,
    reader_options,
    skip_bad,
):
    """Evaluates one model and prints its tables; returns them for JSON."""
    from keras_fld import evaluation
    from keras_fld.evaluation.occlusion import occlusion_sweep

    chosen = list(subsets) or None
    said = set()
    found: dict[str, Any] = {}

    def done(report, folder, names):
        tell(note for note in report.notes if note not in said)
        said.update(report.notes)
        if out:
            report.save(folder)
            click.echo(f"wrote {Path(folder) / names}")

    for averaged in (False, True) if flip else (False,):
        report = evaluation.evaluate(
            model, dataset, root, chosen, skip_bad, averaged, held_out, **reader_options
        )
        if averaged:
            show("\nflip-averaged:")
        show(str(report))
        if regions:
            show(report.region_table())
        found |= {"flip": report.as_dict()} if averaged else report.as_dict()
        folder = out and (Path(out) / "flip" if averaged else Path(out))
        done(report, folder, "evaluation.json and ced.png")
    if occlusion:
        sweep = occlusion_sweep(
            model, dataset, root, chosen, seed=seed, skip_bad=skip_bad, **reader_options
        )
        show(f"\nunder occluders:\n{sweep}")
        found["occlusion"] = sweep.as_dict()
        done(sweep, out, "occlusion.json and occlusion.png")
    return found


def _evaluate_detector(
    model, detector, passes, out, dataset, root, subsets, reader_options, skip_bad, **others
):
    from keras_fld import zoo
    from keras_fld.evaluation.detectors import evaluate_detector

    for name in ("regions", "flip", "occlusion"):
        if others[name]:
            raise click.UsageError(f"--{name} does not go with --detector")
    model = zoo.lite_file(model) if model in zoo.names() else model
    report = evaluate_detector(
        model, dataset, root, detector, passes, list(subsets) or None, skip_bad, **reader_options
    )
    show(str(report))
    tell(report.notes)
    if out:
        report.save(out)
        click.echo(f"wrote {Path(out) / 'detection.json'}")
    return report.as_dict()


@click.command()
@click.argument("before", type=click.Path())
@click.argument("after", type=click.Path())
@click.option("--seed", default=0, show_default=True, help="Seed of the bootstrap.")
@out_option("The .json file to write.", required=False)
@JSON
def compare(before, after, seed, out):
    """Compares two evaluation.json face by face: NME of subsets and of facial regions.

    A range without zero is a difference that another sample of such faces would show too.

    \b
    keras-fld compare run/evaluation.json refined/evaluation.json
    """
    from keras_fld.reports import comparison as comparing

    found = comparing.compare(before, after, seed)
    show(str(found), found.as_dict())
    tell(found.notes)
    if out:
        found.save(out)
        click.echo(f"wrote {out}")
