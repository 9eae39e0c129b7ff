"""The commands `keras-fld evaluate` and `keras-fld compare`."""

from pathlib import Path
from typing import Any

import click

from keras_fld._internal.extras import check_installed
from keras_fld._internal.files import check_writable
from keras_fld.cli import complete, native
from keras_fld.cli.options import (
    JSON,
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
from keras_fld.cli.sections import SectionedCommand


@click.command(
    cls=SectionedCommand,
    sections={
        "Model and data": "--preset --dataset --root --option --subset --held-out",
        "Tables": "--regions --flip --occlusion --seed",
        "Detector": "--detector --passes",
        "Output": "--out --json --quiet",
    },
)
@click.argument("model", required=False, type=click.Path(), shell_complete=complete.MODELS)
@click.option(
    "--preset",
    help="Evaluate a preset instead of MODEL: first its Keras weights, then its int8 file.",
    shell_complete=complete.PRESETS,
)
@RUN_DATASET
@ROOT
@SUBSETS
@out_option("Folder for the results: JSON files and curves.", required=False)
@click.option(
    "--held-out",
    type=float,
    default=0.0,
    help="Evaluate on held-out training faces instead of the test subsets. Give the --validation "
    "of the training run.",
)
@click.option("--regions", is_flag=True, help="Also print the NME of each facial region.")
@click.option(
    "--flip",
    is_flag=True,
    help="Also evaluate with predictions averaged over each crop and its mirror image.",
)
@click.option(
    "--occlusion",
    is_flag=True,
    help="Also evaluate on faces that are partly covered by one or two squares.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of --occlusion.")
@click.option(
    "--detector",
    help="Evaluate with boxes of a face detector: blazeface, haar, haar-frontal or a YuNet .onnx "
    "file.",
    shell_complete=complete.DETECTORS,
)
@click.option(
    "--passes",
    type=click.IntRange(1),
    help="Maximum number of passes with --detector.  [default: 3]",
)
@RUN_READER_OPTIONS
@JSON
@SKIP_BAD
@QUIET
def evaluate(model, preset, out, detector, passes, **options):
    """Evaluates MODEL on the test subsets of a dataset.

    MODEL is a .keras or .tflite file, a run folder (its model.keras is evaluated), or a baseline's
    .npz file. The interval in the table is a 95 % bootstrap interval of the NME over faces.

    --out writes evaluation.json and ced.png. With --flip, the folder gets a subfolder flip with the
    same files; with --occlusion, occlusion.json and occlusion.png.

    With --detector, the command instead counts the faces that the detector misses, and compares the
    landmarks predicted in its boxes with those in annotated boxes. --out then writes
    detection.json. For a preset, this evaluates the int8 file.

    --json prints the content of these files: evaluation.json, with "flip" and "occlusion" inside,
    or detection.json. The results of a preset are under "keras" and "tflite".

    A dataset of your own without any test face is evaluated as a whole. Each attribute of its faces
    has a row of its own. Its normalizer may be face_size, the square root of the face box's area.

    \b
    keras-fld evaluate run/model.keras --root 300w --out run
    keras-fld evaluate --preset trnet20_300w --root 300w
    keras-fld evaluate --preset trnet20_300w --root 300w --detector blazeface
    keras-fld evaluate run/model.keras --root 300w --held-out 0.1
    """
    if options["held_out"] and (detector or options["occlusion"] or options["subsets"]):
        raise click.UsageError(
            "--held-out cannot be combined with --subset, --occlusion or --detector"
        )
    if (model is None) == (preset is None):
        raise click.UsageError("give either MODEL or --preset")
    if passes is not None and detector is None:
        raise click.UsageError("--passes needs --detector")
    if out:
        check_writable(out, folder=True)
        if detector is None:
            check_installed("matplotlib", purpose="--out (for the curves)")
    path, options["dataset"], recipe = of_run(model or "", options["dataset"])
    options["reader_options"] = of_reader(recipe, options["dataset"], options["reader_options"])
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
    """Evaluates one model, prints its tables, and returns them for JSON."""
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
            raise click.UsageError(f"--{name} cannot be combined with --detector")
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
@out_option("The .json file to write.", ".json", required=False)
@JSON
def compare(before, after, seed, out):
    """Compares two evaluation.json files face by face.

    The table shows the NME of each subset and of each facial region. If the interval of a
    difference excludes zero, another sample of such faces would likely show the difference, too.

    \b
    keras-fld compare run/evaluation.json refined/evaluation.json
    """
    from keras_fld.reports import comparison as comparing

    if out:
        check_writable(out)
    found = comparing.compare(before, after, seed)
    show(str(found), found.as_dict())
    tell(found.notes)
    if out:
        found.save(out)
        click.echo(f"wrote {out}")
