"""The log of a training run: log.csv, with one row per epoch."""

import csv
from pathlib import Path

import numpy as np


def read_log(path):
    """Reads the log.csv of a run, even while it is being written.

    Args:
        path: the file.

    Returns:
        Column name, such as "loss", "nme" or "val_nme", to (epochs,) float64 values. NaN where a
        value is missing. "epoch" counts from 0.

    Raises:
        ValueError: the file cannot be read or is not a log. The message names the line.

    Examples:
        >>> read_log("run/log.csv")["nme"].ndim
        1
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not a text file ({error})") from error
    lines = text.splitlines()
    if not text.endswith("\n"):
        lines = lines[:-1]  # the last line is still being written
    try:
        rows = list(csv.reader(lines))
    except csv.Error as error:  # an unclosed quote
        raise ValueError(f"{path}: not a log of this package ({error})") from error
    if not rows:
        return {"epoch": np.empty(0)}
    head, *rows = rows
    if head[:1] != ["epoch"] or len(set(head)) < len(head):
        raise ValueError(
            f"{path}, line 1: the first column must be epoch, and names must not repeat. "
            f"Got: {lines[0][:60]}"
        )
    values = []
    for number, row in enumerate(rows, start=2):
        if len(row) != len(head):
            raise ValueError(
                f"{path}, line {number}: must have {len(head)} columns. Got: {len(row)}"
            )
        values.append([_number(path, number, cell) for cell in row])
    columns = np.array(values, float).reshape(-1, len(head)).T
    if np.isnan(columns[0]).any():
        raise ValueError(f"{path}: every row must contain the number of its epoch")
    return dict(zip(head, columns, strict=True))


def _number(path, line, cell):
    if cell in ("", "NA"):
        return np.nan
    try:
        return float(cell)
    except ValueError:
        raise ValueError(f"{path}, line {line}: must be numbers. Got: {cell[:40]!r}") from None
