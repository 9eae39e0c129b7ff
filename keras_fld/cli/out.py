"""The option --out, and other options that name what a command writes: a file or a folder."""

from pathlib import Path

import click

from keras_fld._internal import image_formats

# Files that commands read or write, and other common ones. A dot alone does not make a name that of
# a file: folders may be called run.v2 or rate0.001.
FILE_SUFFIXES = frozenset(
    (*image_formats.SUFFIXES, ".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm")
    + (".csv", ".json", ".jsonl", ".mat", ".npy", ".npz", ".pts", ".tfrecord", ".txt", ".xml")
    + (".h5", ".keras", ".onnx", ".pb", ".pt", ".pth", ".tflite", ".yaml", ".yml", ".zip")
    + (".htm", ".html", ".md", ".pdf", ".svg", ".toml")
)


def out_option(what, suffix=None, required=True, formats=(), **options):
    """Returns the option --out, the path that a command writes to.

    Args:
        what: the help text, which says whether it is a file or a folder.
        suffix: the suffix of the file, such as ".json". None for a folder.
        required: whether the option is required.
        formats: values of the command's option --format, which an error points to.
        **options: as in `click.option`.
    """
    if suffix is None:
        what += " The name must not end in a file suffix such as .json."
    check = output(suffix, formats)
    return click.option(
        "--out", required=required, type=click.Path(), help=what, callback=check, **options
    )


def output(suffix=None, formats=()):
    """Returns the callback of an option that names a file or folder to write.

    It refuses a folder where a file is expected, and the other way round, before the command does
    anything.

    Args:
        suffix, formats: as in `out_option`.
    """

    def check(context, option, path):
        if path is not None and not context.resilient_parsing:
            _check(path, option.opts[0], suffix, formats)
        return path

    return check


def _check(path, option, suffix, formats):
    found, ending = Path(path), Path(path).suffix
    if suffix is not None and ending != suffix:
        raise ValueError(f"{option} must end in {suffix}. Got: {path}")
    if suffix is not None and found.is_dir():
        raise ValueError(f"{option} must be a file. Got: {path}, which is a folder")
    if suffix is None and found.is_file():
        raise ValueError(f"{option} must be a folder. Got: {path}, which is a file")
    if suffix is None and ending.lower() in FILE_SUFFIXES and not found.is_dir():
        chosen = ending.lower().removeprefix(".")
        hint = f". To write only such files, use --format {chosen}" if chosen in formats else ""
        raise ValueError(
            f"{option} must be a folder, whose name must not end in {ending}. Got: {path}{hint}"
        )
