"""Curves of a training and of errors, drawn by Matplotlib (group `plots`)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from keras_fld._internal.plots import new_figure
from keras_fld.reports.training_log import read_log

_DPI = 120
# What an axis says of a column of the log.
_LABELS = {"loss": "loss", "nme": "NME on the crop in %"}


def training_curves(
    log: str | Path | Mapping[str, np.ndarray], epochs: int | None = None
) -> np.ndarray:
    """Draws the training of a run: a panel for the loss, and one for each metric.

    Args:
        log: path of a run's log.csv, which may still be written, or what `read_log` returns.
        epochs: epochs of the whole run, where the axis ends; None ends it at the last one done.

    Returns:
        (height, width, 3) uint8 RGB, 480 pixels high and 600 wide for each panel.

    Raises:
        ValueError: the log is damaged, or no epoch is in it.

    Example:
        >>> training_curves("run/log.csv").shape
        (480, 1200, 3)
    """
    name = f"{log}: " if isinstance(log, (str, Path)) else ""
    columns = read_log(log) if isinstance(log, (str, Path)) else log
    done = np.asarray(columns["epoch"]) + 1
    if not len(done):
        raise ValueError(f"{name}a log must have an epoch or more to draw. Got: none")
    panels = [x for x in columns if x not in ("epoch", "seconds") and not x.startswith("val_")]
    figure, axes = _figure(len(panels))
    for panel, column in zip(axes, panels, strict=True):
        drawn = []
        for key, label in ((column, "training faces, augmented"), (f"val_{column}", "held out")):
            values = np.asarray(columns.get(key, []), float)
            if np.isfinite(values).any():
                # One epoch is no line.
                marker = "o" if np.isfinite(values).sum() == 1 else None
                panel.plot(done, values, marker=marker, label=label)
                drawn.append(values[np.isfinite(values)])
        panel.set(xlabel="epoch", ylabel=_LABELS.get(column, column))
        panel.set_xlim(0, max(epochs or 0, done[-1]))
        if drawn:
            _scale(panel, np.concatenate(drawn))
            panel.legend(loc="upper right")
        panel.grid(alpha=0.3, which="both")
    return _array(figure)


def ced_curves(
    errors: Mapping[str, ArrayLike], label: str = "NME in %", title: str = "", limit: float = 10.0
) -> np.ndarray:
    """Draws cumulative error distributions: the share of faces whose error is at most so large.

    Args:
        errors: name of a curve to its (faces,) errors in per cent; NaN ones are left out.
        label: what the axis of the errors says.
        title: above the curves.
        limit: where the axis ends, in per cent.

    Returns:
        (480, 720, 3) uint8 RGB.

    Example:
        >>> ced_curves({"common": [3.1, 4.0, 12.5]}).shape
        (480, 720, 3)
    """
    figure, (axes,) = _figure(1, width=6)
    for name, values in errors.items():
        values = np.sort(np.asarray(values, float))
        values = values[~np.isnan(values)]
        if not len(values):
            continue
        share = 100 * np.arange(1, len(values) + 1) / len(values)
        axes.step(
            np.concatenate([[0], values, [max(limit, values[-1])]]),
            np.concatenate([[0], share, [100]]),
            where="post",
            label=f"{name}, {len(values)} faces, NME {values.mean():.2f} %",
        )
    axes.set(xlim=(0, limit), ylim=(0, 100), xlabel=label, ylabel="faces in %", title=title)
    axes.grid(alpha=0.3)
    if axes.lines:
        wide = max(len(line.get_label()) for line in axes.lines) > 40
        axes.legend(loc="lower right", fontsize="small" if wide else None)
    return _array(figure)


def _figure(panels, width=5):
    """An empty figure without a window, and its panels side by side."""
    figure = new_figure(figsize=(width * panels, 4), dpi=_DPI)
    return figure, figure.subplots(1, panels, squeeze=False)[0]


def _scale(panel, values):
    """A logarithmic axis with plain numbers where values fall far: the end would be a flat line."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    if values.min() <= 0 or values.max() < 4 * values.min():
        return
    panel.set_yscale("log")
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))


def _array(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
