"""The command `keras-fld train`."""

import contextlib
import os
import shlex
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click

from keras_fld._internal import names
from keras_fld.cli import complete, native
from keras_fld.cli.options import (
    JSON,
    QUIET_PASSED,
    READER_OPTIONS,
    ROOT,
    SKIP_BAD,
    repeated,
    resumable,
    show,
)
from keras_fld.cli.out import out_option
from keras_fld.cli.recipe import chosen, named_paths
from keras_fld.cli.sections import SectionedCommand


@click.command(
    cls=SectionedCommand,
    sections={
        "Run": "--out --recipe --start --epochs --seed",
        "Data": "--dataset --root --option --extra --validation --limit --repeats --balance",
        "Crop": "--input-size --margin",
        "Network": "--network --head --width",
        "Loss": "--loss --alpha --omega --epsilon --beta",
        "Optimizer": "--optimizer --learning-rate --batch-size --averaging --precision --processes",
    },
)
@click.option(
    "--recipe",
    help="Recipe to start from; the other options override it. Recipes are in "
    "keras_fld/training/recipes.toml. The defaults below apply where the recipe sets nothing else.",
    shell_complete=complete.RECIPES,
)
@click.option(
    "--dataset",
    help="Name of the dataset.  [default: 300w]",
    shell_complete=complete.DATASETS,
)
@ROOT
@out_option("Run folder. An unfinished run in it is resumed.")
@click.option(
    "--extra",
    multiple=True,
    metavar="NAME=PATH",
    help="Folder or file of an extra set of faces; repeatable.",
)
@click.option(
    "--start",
    type=click.Path(),
    help="Initial weights: a .keras file or a preset. The network and its crop are like those "
    "of this model, unless options say otherwise. If its landmarks differ, only the layers before "
    "the output layer are used.",
)
@click.option(
    "--repeats", type=int, help="How often an epoch shows each face of --dataset.  [default: 1]"
)
@click.option(
    "--loss",
    help=f"Loss: {', '.join(names.LOSSES)}.  [default: enme]",
    shell_complete=complete.LOSSES,
)
@click.option("--alpha", type=float, help="alpha of le and enme.  [default: 2]")
@click.option("--omega", type=float, help="omega of wing.  [default: 10]")
@click.option("--epsilon", type=float, help="epsilon of wing.  [default: 2]")
@click.option("--beta", type=float, help="beta of smooth_l1.  [default: 1]")
@click.option(
    "--network",
    help=f"Network: {', '.join(names.NETWORKS)}, or your own as module:function.  "
    "[default: trnet20]",
    shell_complete=complete.NETWORKS,
)
@click.option(
    "--head",
    help=f"Head of trnet20: {', '.join(names.HEADS)}.  [default: pool]",
    shell_complete=complete.HEADS,
)
@click.option("--width", type=float, help="Scales the number of trnet20's filters.  [default: 1]")
@click.option(
    "--epochs",
    type=int,
    help="Passes over the training faces. A larger number extends a finished run.  [default: 150]",
)
@click.option("--batch-size", type=int, help="Faces per step.  [default: 8]")
@click.option(
    "--optimizer",
    help="Optimizer: adamw, or muon (AdamW with orthogonalized updates of the convolutions).  "
    "[default: adamw]",
    shell_complete=complete.OPTIMIZERS,
)
@click.option("--learning-rate", type=float, help="Peak learning rate.  [default: 0.001]")
@click.option(
    "--averaging",
    type=float,
    help="Momentum of the moving average of the weights.  [default: 0.999; less for short runs]",
)
@click.option(
    "--balance", is_flag=True, default=None, help="Show faces with rare poses more often."
)
@click.option("--input-size", type=int, help="Side of the crop in pixels.  [default: 64]")
@click.option(
    "--limit", type=int, help="Maximum number of training faces from --dataset.  [default: all]"
)
@click.option("--margin", type=float, help="Side of the crop in face boxes.  [default: 1.1]")
@click.option(
    "--precision",
    help="float32, or bfloat16 on the PyTorch backend.  [default: float32]",
    shell_complete=complete.PRECISIONS,
)
@click.option(
    "--validation", type=float, help="Fraction of the training faces held out.  [default: 0]"
)
@click.option("--seed", type=int, help="Seed of weights, order and augmentation.  [default: 0]")
@click.option(
    "--processes",
    type=int,
    help="Number of processes on this machine that train together (JAX backend).",
)
@JSON
@READER_OPTIONS
@SKIP_BAD
@QUIET_PASSED
def train(
    recipe,
    root,
    out,
    extra,
    start,
    processes,
    alpha,
    omega,
    epsilon,
    beta,
    head,
    width,
    reader_options,
    skip_bad,
    quiet,
    **options,
):
    """Trains a network, by default TRNet-20.

    On processors with bfloat16 instructions, KERAS_BACKEND=torch is the fastest. To train your own
    network (--network my_networks:small), write a function(num_landmarks, input_size, margin,
    scheme, mean_shape) that returns a model ending in keras_fld.models.head.

    \b
    keras-fld train --root 300w --loss enme --alpha 2 --out run
    keras-fld train --recipe trnet20_300w_first --root 300w --out run
    KERAS_BACKEND=jax keras-fld train --root 300w --out run --processes 2

    To train on several machines, set KERAS_DISTRIBUTION_JOB_ADDRESSES, _NUM_PROCESSES and
    _PROCESS_ID for each process.
    """
    environment, joins = dict(os.environ), _join(processes)
    native.start_keras(compute=not joins)
    from keras_fld import training
    from keras_fld.training import distributed
    from keras_fld.training.processes import launch, leaving_at_once

    options["loss_options"] = _given(alpha=alpha, omega=omega, epsilon=epsilon, beta=beta)
    options["network_options"] = _given(head=head, width=width)
    options["dataset_options"] = reader_options
    extra = named_paths(extra)
    options = {key: value for key, value in options.items() if value not in (None, {})}
    recipe = chosen(recipe, options, extra, start)
    # Another machine may not see the folder.
    writes = not joins or distributed.share().writes
    with resumable(out) if writes else contextlib.nullcontext():
        if processes is not None and not joins:
            from keras_fld.data.share import Share

            Share(processes=processes, devices=processes).check(recipe.batch_size)
            launch(processes, sys.argv[1:], environment, partial(repeated, out))
            return
        with leaving_at_once() if joins else contextlib.nullcontext():
            training.train(recipe, out, root, skip_bad, 0 if quiet else 1, extra, start, True)
    if distributed.share().writes:
        _show_run(recipe, Path(out), _next_steps(recipe, out, root))


def _join(processes):
    """Joins the processes given by the environment; returns False if there are none."""
    if processes is not None and processes < 1:
        raise ValueError(f"--processes must be at least 1. Got: {processes}")
    named = os.environ.get("KERAS_DISTRIBUTION_NUM_PROCESSES")
    if named is None and processes is None:
        return False
    if named is None:
        # This process only waits for the others and must not reserve GPU memory.
        os.environ["JAX_PLATFORMS"] = "cpu"
    elif processes is not None and str(processes) != named:
        raise ValueError(
            f"--processes must be omitted if KERAS_DISTRIBUTION_NUM_PROCESSES is {named}. "
            f"Got: {processes}"
        )
    native.start_keras(compute=False)
    from keras_fld.training import distributed

    distributed.check_backend()
    if named is not None:
        distributed.join()
    return named is not None


def _next_steps(recipe, out, root):
    """The commands that evaluate and convert the run, one a line."""
    from keras_fld.data import catalog

    given = [] if root is None else ["--root", root]  # the options of the reader are in the recipe
    evaluate = ["evaluate", out, *given]
    if recipe.validation and not catalog.get(recipe.dataset).official:
        evaluate += ["--held-out", f"{recipe.validation:g}"]
    convert = ["convert", out, "--out", str(Path(out) / "model_int8.tflite"), *given]
    return "\n".join(f"next: {shlex.join(['keras-fld', *call])}" for call in (evaluate, convert))


def _show_run(recipe, out, next_steps):
    """Says where the model is and what to do next; as JSON also the recipe and last log row."""
    from keras_fld.reports.training_log import read_log

    log, path = read_log(out / "log.csv"), out / "model.keras"
    last = {name: column[-1] for name, column in log.items()}
    about = {"model": str(path), "recipe": asdict(recipe), "last": last}
    show(f"wrote {path}\n{next_steps}", about)


def _given(**options):
    return {key: value for key, value in options.items() if value is not None}
