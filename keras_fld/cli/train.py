"""The commands `keras-fld train` and `refine`."""

import contextlib
import json
import os
import shlex
import sys
from dataclasses import asdict
from pathlib import Path

import click

from keras_fld._internal import names
from keras_fld._internal.files import replacing
from keras_fld.cli import complete, native
from keras_fld.cli.options import (
    JSON,
    QUIET_PASSED,
    READER_OPTIONS,
    ROOT,
    RUN_DATASET,
    SKIP_BAD,
    check_out,
    of_run,
    out_option,
    resumable,
    show,
)


@click.command()
@click.option(
    "--recipe",
    help="Recipe's name, as in keras_fld/training/recipes.toml; options change it.",
    shell_complete=complete.RECIPES,
)
@click.option(
    "--dataset",
    help="Dataset's name; 300w unless the recipe says another.",
    shell_complete=complete.DATASETS,
)
@ROOT
@out_option("Run folder; an unfinished run in it continues.")
@click.option(
    "--extra",
    multiple=True,
    metavar="NAME=PATH",
    help="Folder or file of an extra set of the recipe; several times if wanted.",
)
@click.option(
    "--start",
    type=click.Path(),
    help="Model (.keras) or preset that the weights start from; of other landmarks, the body's.",
)
@click.option("--repeats", type=int, help="Showings of each of the dataset's faces in an epoch.")
@click.option(
    "--loss",
    help=f"{', '.join(names.LOSSES)}; enme without.",
    shell_complete=complete.LOSSES,
)
@click.option("--alpha", type=float, help="alpha of le and enme.")
@click.option("--omega", type=float, help="omega of wing.")
@click.option("--epsilon", type=float, help="epsilon of wing.")
@click.option("--beta", type=float, help="beta of smooth_l1.")
@click.option(
    "--network",
    help=f"{', '.join(names.NETWORKS)}, or your own as module:function; trnet20 without.",
    shell_complete=complete.NETWORKS,
)
@click.option(
    "--head",
    help="Head of trnet20: pool, the default, windows or flatten.",
    shell_complete=complete.HEADS,
)
@click.option("--width", type=float, help="Factor of trnet20's numbers of filters.")
@click.option(
    "--epochs",
    type=int,
    help="Passes over the training faces; more than a finished run's extend it.",
)
@click.option("--batch-size", type=int, help="Faces in a step.")
@click.option(
    "--optimizer",
    help="adamw, the default, or muon: its steps of convolutions orthogonal.",
    shell_complete=complete.OPTIMIZERS,
)
@click.option("--learning-rate", type=float, help="Peak learning rate.")
@click.option("--averaging", type=float, help="Momentum of the moving average of the weights.")
@click.option("--balance", is_flag=True, default=None, help="Show faces of rare poses more often.")
@click.option("--input-size", type=int, help="Side of the crop in pixels; 64 without.")
@click.option("--limit", type=int, help="Most faces of the dataset to train with.")
@click.option("--margin", type=float, help="Side of the crop in face boxes.")
@click.option(
    "--precision",
    help="float32, the default, or bfloat16 on the PyTorch backend.",
    shell_complete=complete.PRECISIONS,
)
@click.option("--validation", type=float, help="Fraction of the training faces held out.")
@click.option("--seed", type=int, help="Seed of weights, order and augmentation.")
@click.option(
    "--processes", type=int, help="Processes of this machine that train together, on JAX."
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
    """Trains a network, TRNet-20 unless told otherwise.

    KERAS_BACKEND=torch is the fastest on processors with bfloat16 instructions. Your own network is
    a function(num_landmarks, input_size, margin, scheme, mean_shape) that returns a model ending in
    keras_fld.models.head: --network my_networks:small.

    \b
    keras-fld train --root 300w --loss enme --alpha 2 --out run
    keras-fld train --recipe trnet20_300w_first --root 300w --out run
    KERAS_BACKEND=jax keras-fld train --root 300w --out run --processes 2

    On several machines, KERAS_DISTRIBUTION_JOB_ADDRESSES, _NUM_PROCESSES and _PROCESS_ID tell each
    process its place.
    """
    environment, joins = dict(os.environ), _join(processes)
    native.start_keras(compute=not joins)
    from keras_fld import training
    from keras_fld.training import distributed, recipes
    from keras_fld.training.processes import launch, leaving_at_once

    options["loss_options"] = _given(alpha=alpha, omega=omega, epsilon=epsilon, beta=beta)
    options["network_options"] = _given(head=head, width=width)
    options["dataset_options"] = reader_options
    extra = _named_paths(extra)
    options = {key: value for key, value in options.items() if value not in (None, {})}
    named = recipes.get(recipe) if recipe else training.Recipe()
    if extra and not named.extra:
        options["extra"] = tuple(extra)
    if start and not named.start:
        options["start"] = Path(start).stem
    recipe = recipes.get(recipe, **options) if recipe else training.Recipe(**options)
    with resumable():
        if processes is not None and not joins:
            from keras_fld.data.share import Share

            Share(processes=processes, devices=processes).check(recipe.batch_size)
            launch(processes, sys.argv[1:], environment)
            return
        with leaving_at_once() if joins else contextlib.nullcontext():
            training.train(recipe, out, root, skip_bad, 0 if quiet else 1, extra, start, True)
    if distributed.share().writes:
        _show_run(recipe, Path(out), _next_steps(recipe, out, root))


def _named_paths(extra):
    """The values of --extra: name of a set to its path."""
    for value in extra:
        if not all(value.partition("=")):
            raise ValueError(f"--extra must be NAME=PATH. Got: {value}")
    return dict(value.split("=", 1) for value in extra)


@click.command()
@click.argument("model", type=click.Path(), shell_complete=complete.MODELS)
@out_option("The .keras file to write.")
@RUN_DATASET
@ROOT
@click.option(
    "--loss",
    help="Loss of every patch.  [default: the run's, else enme]",
    shell_complete=complete.LOSSES,
)
@click.option(
    "--windows", default=0, show_default=True, help="Windows of each patch: 3 for the local form."
)
@click.option("--rounds", default=30, show_default=True, help="Augmentation rounds.")
@click.option("--batch-size", default=64, show_default=True, help="Faces in a step.")
@click.option("--learning-rate", default=1e-3, show_default=True, help="Peak learning rate.")
@click.option("--whole", is_flag=True, help="The control: the same steps on the whole layer.")
@click.option("--seed", default=0, show_default=True, help="Seed of order and augmentation.")
@JSON
@SKIP_BAD
@QUIET_PASSED
def refine(model, out, dataset, root, whole, seed, skip_bad, quiet, **options):
    """Retrains the output layer of MODEL patch by patch.

    \b
    keras-fld refine run/model.keras --out run/refined.keras --root 300w
    keras-fld refine run/model.keras --out run/local.keras --root 300w \\
        --windows 3 --rounds 40 --learning-rate 4e-3
    """
    check_out(out, ".keras")
    model, dataset, recipe = of_run(model, dataset)
    native.start_keras()
    from keras_fld import losses, models
    from keras_fld.data import catalog

    options["loss"] = options["loss"] or losses.get(
        recipe.get("loss", "enme"), **recipe.get("loss_options", {})
    )
    trained = models.load_model(model)
    data = catalog.load(
        dataset,
        root,
        catalog.get(dataset).train,
        frame=models.frame_of(trained),
        batch_size=64,
        seed=seed,
        skip_bad=skip_bad,
    )
    refined = models.refine(
        trained,
        data,
        patches={"all": range(trained.output_shape[1])} if whole else None,
        verbose=0 if quiet else 1,
        **options,
    )
    with replacing(out) as temporary:
        refined.save(temporary)
    show(f"wrote {out}", {"model": out, "bytes": Path(out).stat().st_size})


def _join(processes):
    """Joins the processes that the environment names; False where it names none."""
    if processes is not None and processes < 1:
        raise ValueError(f"--processes must be at least 1. Got: {processes}")
    named = os.environ.get("KERAS_DISTRIBUTION_NUM_PROCESSES")
    if named is None and processes is None:
        return False
    if named is None:
        # This process only waits for the others: it must not take a graphics card's memory.
        os.environ["JAX_PLATFORMS"] = "cpu"
    elif processes is not None and str(processes) != named:
        raise ValueError(
            f"--processes must be left out where KERAS_DISTRIBUTION_NUM_PROCESSES is {named}. "
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

    given = [] if root is None else ["--root", root]
    options = []
    for key, value in recipe.dataset_options.items():
        text = value if isinstance(value, str) else json.dumps(value)
        options += ["--option", f"{key}={text}"]
    evaluate = ["evaluate", out, *given, *options]
    if recipe.validation and not catalog.get(recipe.dataset).official:
        evaluate += ["--held-out", f"{recipe.validation:g}"]
    convert = ["convert", out, "--out", str(Path(out) / "model_int8.tflite"), *given]
    # `convert` takes no options of a reader.
    calls = [evaluate] if options else [evaluate, convert]
    return "\n".join(f"next: {shlex.join(['keras-fld', *call])}" for call in calls)


def _show_run(recipe, out, next_steps):
    """Says where the model is and what to do next; as JSON also the recipe and last log row."""
    from keras_fld.reports.training_log import read_log

    log, path = read_log(out / "log.csv"), out / "model.keras"
    last = {name: column[-1] for name, column in log.items()}
    about = {"model": str(path), "recipe": asdict(recipe), "last": last}
    show(f"wrote {path}\n{next_steps}", about)


def _given(**options):
    return {key: value for key, value in options.items() if value is not None}
