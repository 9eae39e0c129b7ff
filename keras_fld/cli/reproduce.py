"""The command `keras-fld reproduce`."""

from pathlib import Path

import click

from keras_fld._internal.extras import check_installed
from keras_fld._internal.files import check_writable
from keras_fld.cli import complete, native
from keras_fld.cli.options import JSON, QUIET_PASSED, SKIP_BAD, resumable, show
from keras_fld.cli.out import out_option
from keras_fld.cli.sections import SectionedCommand


@click.command(
    short_help="Reproduces a table of the paper.",
    cls=SectionedCommand,
    sections={
        "Table": "--root --row --alpha --seeds --synthetic",
        "Training": "--epochs --batch-size --precision --rounds --search --search-epochs",
        "Output": "--out --json --quiet",
    },
)
@click.argument("name", metavar="TABLE", shell_complete=complete.TABLES)
@click.option(
    "--root", "roots", multiple=True, metavar="NAME=FOLDER", help="Folder of a dataset; repeatable."
)
@out_option("Folder for runs and tables.")
@click.option("--seeds", default="0", show_default=True, help="Seeds of the runs, such as 0,1,2.")
@click.option("--row", "methods", multiple=True, help="Row to fill; repeatable.  [default: all]")
@click.option(
    "--alpha", "alphas", multiple=True, type=float, help="Value of alpha in figure4; repeatable."
)
@click.option(
    "--epochs",
    type=click.IntRange(1),
    help="Passes over the training faces.  [default: the table's]",
)
@click.option(
    "--batch-size", type=click.IntRange(1), help="Faces per step.  [default: the table's]"
)
@click.option(
    "--precision",
    help="float32, or bfloat16 on the PyTorch backend.  [default: float32]",
    shell_complete=complete.PRECISIONS,
)
@click.option(
    "--rounds", type=click.IntRange(1), help="Training rounds of the refined module.  [default: 30]"
)
@click.option("--search", is_flag=True, help="Search for the learning rate of each row first.")
@click.option("--search-epochs", type=click.IntRange(1), help="Epochs of each run of --search.")
@click.option(
    "--synthetic", is_flag=True, help="Try the command with tiny runs on generated faces."
)
@JSON
@SKIP_BAD
@QUIET_PASSED
def reproduce(name, roots, out, seeds, alphas, synthetic, quiet, **options):
    """Reproduces a TABLE of the paper: table2 to table5, or figure4.

    Each row is a training run in OUT/runs. The same command resumes where it stopped and does not
    repeat finished runs. The table contains all runs in OUT. Figures of other authors' methods are
    those of the paper. table2 and figure4 also accept the datasets 300w and wflw. With
    KERAS_BACKEND=torch, the networks run on PyTorch, optionally in bfloat16.

    \b
    keras-fld reproduce table5 --root 300w=/data/300w --out paper
    KERAS_BACKEND=torch keras-fld reproduce table2 --root 300w=/data/300w \\
        --seeds 0,1,2 --search --precision bfloat16 --batch-size 32 --out paper
    """
    check_writable(out, folder=True)
    if name == "figure4":
        check_installed("matplotlib", purpose="Figure 4")
    native.start_keras()
    from keras_fld.reproduce import TABLES, render, runs, tables
    from keras_fld.reproduce.table import reproduce as fill

    if name not in TABLES:
        raise ValueError(f"TABLE must be one of {', '.join(TABLES)}. Got: {name!r}")
    if alphas and name != "figure4":
        raise ValueError(f"--alpha is only for figure4. Got: {name}")
    table = tables.figure4(alphas) if alphas else TABLES[name]
    rounds, skip_bad = options.pop("rounds"), options.pop("skip_bad")
    chosen = {key: options.pop(key) for key in ("methods", "search", "search_epochs")}
    if chosen["search_epochs"] and not chosen["search"]:
        raise ValueError("--search-epochs needs --search")
    recipe = {key: value for key, value in options.items() if value is not None}
    out, roots = Path(out), _roots(roots)
    if synthetic:
        out = out / "synthetic"
        recipe = {**_SMALL, **recipe}
        roots = _generated(table, roots, out, recipe)
        rounds = rounds or 2
    seeds = _seeds(seeds)
    with resumable(out):
        result = fill(
            table,
            roots,
            runs.Settings(out, recipe, rounds or 30, skip_bad),
            seeds,
            synthetic=synthetic,
            **chosen,
            progress=None if quiet else lambda line: click.echo(f"{line} ...", err=True),
        )
    show(render.markdown(result), result)
    click.echo(f"wrote {out / name}.md and .json" + (" and .png" * _drawn(out, name)))


# Settings for runs of a few seconds.
_SMALL = {"epochs": 1, "batch_size": 8, "input_size": 32, "warmup": 0.0, "averaging": 0.9}


def _generated(table, roots, out, recipe):
    from keras_fld.geometry.frame import FaceCrop
    from keras_fld.reproduce import generated

    if roots:
        raise ValueError(f"--synthetic takes no --root. Got: {', '.join(roots)}")
    frame = FaceCrop(recipe["input_size"])
    return {name: generated.write(name, out / "faces" / name, frame) for name in table.datasets}


def _roots(pairs):
    """Parses NAME=FOLDER options into a dictionary."""
    roots = {}
    for pair in pairs:
        name, equals, folder = pair.partition("=")
        if not (name and equals and folder):
            raise ValueError(f"--root must be NAME=FOLDER, such as 300w=/data/300w. Got: {pair}")
        if name in roots:
            raise ValueError(f"--root must name a dataset once. Got: {name} twice")
        roots[name] = folder
    return roots


def _seeds(text):
    try:
        seeds = [int(part) for part in text.replace(",", " ").split()]
    except ValueError:
        seeds = [-1]
    if any(seed < 0 for seed in seeds):
        raise ValueError(f"--seeds must be whole numbers from 0, such as 0,1,2. Got: {text}")
    return seeds


def _drawn(out, name):
    return (out / f"{name}.png").exists()
