"""Options that several commands share, and output of results and notes."""

import contextlib
import functools
import sys
from pathlib import Path
from typing import Any

import click

from keras_fld.cli import complete
from keras_fld.cli.bars import bars

DATASET = click.option(
    "--dataset",
    default="300w",
    show_default=True,
    help="Name of the dataset; see keras-fld datasets list.",
    shell_complete=complete.DATASETS,
)
RUN_DATASET = click.option(
    "--dataset",
    help="Name of the dataset.  [default: that of the recipe.json next to the model, or 300w]",
    shell_complete=complete.DATASETS,
)
SUBSETS = click.option(
    "--subset",
    "subsets",
    multiple=True,
    help="Test subset; repeatable.  [default: all]",
    shell_complete=complete.SUBSETS,
)
ROOT = click.option("--root", type=click.Path(), help="Folder of the dataset.")
NAME = click.option("--name", help="Name of the published model, for the metadata.")


# The exit code after Ctrl-C.
INTERRUPTED = 130

# Names that commands use for options and arguments of their own.
_ARGUMENTS = frozenset(
    ("model", "dataset", "name", "root", "split", "subsets", "skip_bad", "flip", "held_out", "seed")
    + ("sizes", "counts", "detector", "passes", "per_split")
)


def _parse_options(context, parameter, given):
    """Parses a reader's options into a dictionary. Numbers, true and false are read as JSON."""
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
    help="Option of the dataset's reader, such as recursive=true for pts; repeatable. The "
    "dataset's card lists them.",
)
RUN_READER_OPTIONS = click.option(
    "--option",
    "reader_options",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_parse_options,
    help="Option of the dataset's reader; repeatable.  [default: those of the recipe.json next to "
    "the model, for its dataset]",
)
SKIP_BAD = click.option(
    "--skip-bad", is_flag=True, help="Skip bad files and list them instead of stopping."
)


def of_run(model, dataset=None):
    """Finds a model's file, and its dataset and recipe if it is in a run folder.

    Args:
        model: a file, a preset, or a run folder, which stands for its model.keras.
        dataset: the value of --dataset, or None.

    Returns:
        The file, the name of the dataset, and the recipe in recipe.json, empty if there is none.

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
        if (
            not isinstance(recipe, dict)
            or not isinstance(recipe.get("dataset", ""), str)
            or not isinstance(recipe.get("dataset_options", {}), dict)
        ):
            raise ValueError(f"{note}: not a recipe of this package")
    return model, dataset or recipe.get("dataset") or "300w", recipe


def of_reader(recipe, dataset, given=None):
    """Returns the options with which a command reads a dataset.

    Args:
        recipe: the recipe of the model's run, from `of_run`.
        dataset: name of the dataset.
        given: the value of --option, or None.

    Returns:
        The options of the run, if the dataset is its own, changed by those that are given.
    """
    own = dict(recipe.get("dataset_options", {})) if recipe.get("dataset") == dataset else {}
    own.pop("count", None)  # the number of faces to draw for training
    return own | (given or {})


_TRAINED = "last.weights.h5", "model.keras"


def repeated(folder, files=_TRAINED, part="epoch"):
    """Says, as the end of a sentence, what a repeated command does after it was stopped.

    Args:
        folder: folder of the results; it need not exist.
        files: patterns of the files, also in subfolders, of which one exists as soon as there is
            something to resume.
        part: what the command resumes after.
    """
    if any(path for pattern in files for path in Path(folder).rglob(pattern)):
        return f"; the same command resumes after the last complete {part}"
    return f" before the first {part} was complete; the same command starts over"


@contextlib.contextmanager
def resumable(folder, files=_TRAINED, part="epoch"):
    """Ends the command on Ctrl-C with one line, which says what the same command would do.

    Args:
        folder, files, part: as in `repeated`.
    """
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"\ninterrupted{repeated(folder, files, part)}", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def _quiet(passed):
    """Returns the option --quiet, which hides the progress bars."""

    def decorate(command):
        @click.option("--quiet", is_flag=True, help="Do not show progress.")
        @functools.wraps(command)
        def run(*arguments, quiet, **options):
            if passed:
                options["quiet"] = quiet
            with bars(hidden=quiet):
                return command(*arguments, **options)

        return run

    return decorate


# QUIET_PASSED also passes `quiet` to the command, for progress other than bars.
QUIET, QUIET_PASSED = _quiet(False), _quiet(True)

# Key under which the context stores standard output while --json redirects it.
_STDOUT = "keras_fld.stdout"


def JSON(command):
    """Adds the option --json, with which standard output holds only the data given to `show`.

    All other output of the command and of libraries goes to standard error.
    """

    @click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
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
        text: text for people; None prints nothing.
        data: the same for programs, a dictionary that JSON can represent; None prints nothing.
    """
    stdout = click.get_current_context().meta.get(_STDOUT)
    if stdout is None:
        if text is not None:
            # File names may contain bytes that terminals cannot show.
            click.echo(text.encode("utf-8", "backslashreplace").decode())
    elif data is not None:
        from keras_fld._internal.files import json_text

        click.echo(json_text(data), file=stdout)


def tell(notes):
    """Prints notes on standard error."""
    for note in notes:
        click.echo(f"note: {note}", err=True)
