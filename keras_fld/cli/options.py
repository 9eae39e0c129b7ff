"""Options that several commands have, and how commands tell what they found and left out."""

import contextlib
import functools
import sys
from pathlib import Path
from typing import Any

import click

from keras_fld._internal.files import check_writable
from keras_fld.cli import complete
from keras_fld.cli.bars import bars

DATASET = click.option(
    "--dataset",
    default="300w",
    show_default=True,
    help="Dataset's name.",
    shell_complete=complete.DATASETS,
)
RUN_DATASET = click.option(
    "--dataset",
    help="Dataset's name.  [default: the one in the recipe.json beside the model, else 300w]",
    shell_complete=complete.DATASETS,
)
SUBSETS = click.option(
    "--subset",
    "subsets",
    multiple=True,
    help="Subset, several times if wanted.",
    shell_complete=complete.SUBSETS,
)
ROOT = click.option("--root", type=click.Path(), help="Folder of the dataset.")
NAME = click.option("--name", help="Name under which the model is published, for the metadata.")


# The exit code after Ctrl-C.
INTERRUPTED = 130

# What commands have options and arguments of their own for.
_ARGUMENTS = frozenset(
    ("model", "dataset", "name", "root", "split", "subsets", "skip_bad", "flip", "held_out", "seed")
    + ("sizes", "counts", "detector", "passes", "per_split")
)


def _parse_options(context, parameter, given):
    """Options of a reader as a dictionary; numbers, true and false as such."""
    import json

    found = {}
    for text in given:
        name, _, value = text.partition("=")
        if not name.isidentifier() or not value or name in _ARGUMENTS:
            raise click.BadParameter(f"must be NAME=VALUE of the dataset's reader. Got: {text}")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


READER_OPTIONS = click.option(
    "--option",
    "reader_options",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_parse_options,
    help="Option of the dataset's reader, such as recursive=true of pts; see its card.",
)
SKIP_BAD = click.option(
    "--skip-bad", is_flag=True, help="Leave bad files out and list them, instead of stopping."
)


def out_option(what, required=True, **options):
    """The option --out, which says where a command writes.

    Args:
        what: what it names, a file or a folder, for the help.
        required: whether the command needs it.
        **options: as of `click.option`.
    """
    return click.option("--out", required=required, type=click.Path(), help=what, **options)


def of_run(model, dataset=None):
    """A model's file, its dataset and its run's recipe, as far as the run folder tells them.

    Args:
        model: a file or preset, or a run folder, whose model.keras is meant.
        dataset: what --dataset gives, or None.

    Returns:
        The file, the dataset's name, and recipe.json's recipe, empty where there is none.

    Raises:
        ValueError: the recipe.json beside the model is damaged.
    """
    from keras_fld._internal.files import read_json

    path = Path(model)
    if path.is_dir():
        path = path / "model.keras"
        model = str(path)
    note = path.with_name("recipe.json")
    recipe: Any = {}
    if note.is_file():
        about = read_json(note)
        recipe = about.get("recipe") if isinstance(about, dict) else None
        if not isinstance(recipe, dict) or not isinstance(recipe.get("dataset", ""), str):
            raise ValueError(f"{note}: not a recipe of this package")
    return model, dataset or recipe.get("dataset") or "300w", recipe


def check_out(out, suffix=None):
    """Raises ValueError before long work whose result could not be written to --out.

    Args:
        out: the option's value.
        suffix: what the name of the file ends in; None where it is a folder.
    """
    if suffix is not None and Path(out).suffix != suffix:
        raise ValueError(f"--out must end in {suffix}. Got: {out}")
    check_writable(out, folder=suffix is None)


@contextlib.contextmanager
def resumable():
    """Has Ctrl-C end the command with one line: how to resume its training."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("\ninterrupted; the same command resumes after the last full epoch", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def _quiet(passed):
    """The option --quiet: without it the terminal shows bars while the command works."""

    def decorate(command):
        @click.option("--quiet", is_flag=True, help="No progress.")
        @functools.wraps(command)
        def run(*arguments, quiet, **options):
            if passed:
                options["quiet"] = quiet
            with bars(hidden=quiet):
                return command(*arguments, **options)

        return run

    return decorate


# For commands whose bars are all their progress, and for those that show more and are told.
QUIET, QUIET_PASSED = _quiet(False), _quiet(True)

# Where `show` finds the standard output of a command that prints JSON.
_STDOUT = "keras_fld.stdout"


def JSON(command):
    """The option --json: standard output is then what `show` is given as data, as JSON, alone.

    Whatever else the command prints, and what libraries print under it, goes to standard error.
    """

    @click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")
    @functools.wraps(command)
    def run(*arguments, as_json, **options):
        if not as_json:
            return command(*arguments, **options)
        click.get_current_context().meta[_STDOUT] = sys.stdout
        with contextlib.redirect_stdout(sys.stderr):
            return command(*arguments, **options)

    return run


def show(text=None, data=None):
    """Prints a result: as text, or with --json as data.

    Args:
        text: what people read; None prints nothing.
        data: the same for programs, a dictionary that JSON can hold; None prints nothing.
    """
    stdout = click.get_current_context().meta.get(_STDOUT)
    if stdout is None:
        if text is not None:
            # Names of files may hold bytes that no terminal takes.
            click.echo(text.encode("utf-8", "backslashreplace").decode())
    elif data is not None:
        from keras_fld._internal.files import json_text

        click.echo(json_text(data), file=stdout)


def tell(notes):
    """Prints notes on standard error."""
    for note in notes:
        click.echo(f"note: {note}", err=True)
