"""Training curves and cumulative error curves, drawn with Matplotlib (extra `plots`)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from keras_fld._internal.plots import new_figure
from keras_fld.reports.training_log import read_log

# Letters of 21 pixels, which can still be read where a telephone halves the picture.
_DPI = 150
_LEGEND_LINE = 34  # pixels
# Column of the log to the label of its axis.
_LABELS = {"loss": "loss", "nme": "NME on the crop in %"}


def training_curves(
    log: str | Path | Mapping[str, np.ndarray], epochs: int | None = None
) -> np.ndarray:
    """Draws the training curves of a run: one panel for the loss and one for each metric.

    Args:
        log: path of a run's log.csv, or the result of `read_log`. The run may still be in progress.
        epochs: number of epochs at which the axis ends. None ends it at the last completed epoch.

    Returns:
        (height, width, 3) uint8 RGB. Each panel is 480 pixels high and 600 pixels wide.

    Raises:
        ValueError: the log is damaged or contains no epoch.

    Examples:
        >>> training_curves("run/log.csv").shape
        (480, 1200, 3)
    """
    name = f"{log}: " if isinstance(log, (str, Path)) else ""
    columns = read_log(log) if isinstance(log, (str, Path)) else log
    done = np.asarray(columns["epoch"]) + 1
    if not len(done):
        raise ValueError(f"{name}a log must contain at least one epoch to draw. Got: none")
    panels = [x for x in columns if x not in ("epoch", "seconds") and not x.startswith("val_")]
    figure, axes = _figure(len(panels))
    for panel, column in zip(axes, panels, strict=True):
        drawn = []
        for key, label in ((column, "training faces, augmented"), (f"val_{column}", "held out")):
            values = np.asarray(columns.get(key, []), float)
            if np.isfinite(values).any():
                # A single epoch needs a marker, because it gives no line.
                marker = "o" if np.isfinite(values).sum() == 1 else None
                panel.plot(done, values, marker=marker, label=label)
                drawn.append(values[np.isfinite(values)])
        panel.set(xlabel="epoch", ylabel=_LABELS.get(column, column))
        panel.set_xlim(0, max(epochs or 0, done[-1]))
        if drawn:
            _scale(panel, np.concatenate(drawn))
            # Above the axes, where it covers no curve.
            panel.legend(
                loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize="small", frameon=False
            )
        panel.grid(alpha=0.3, which="both")
    return _array(figure)


def ced_curves(
    errors: Mapping[str, ArrayLike], label: str = "NME in %", title: str = "", limit: float = 10.0
) -> np.ndarray:
    """Draws cumulative error distributions: the share of faces with an error up to each value.

    Args:
        errors: name of a curve to its (faces,) errors in percent. NaN errors are ignored.
        label: label of the error axis.
        title: title of the plot.
        limit: end of the error axis, in percent.

    Returns:
        (height, 720, 3) uint8 RGB: 480 pixels for the curves and 34 for each line of the
        legend below them.

    Examples:
        >>> ced_curves({"common": [3.1, 4.0, 12.5]}).shape
        (514, 720, 3)
    """
    shown = [name for name, x in errors.items() if not np.isnan(np.asarray(x, float)).all()]
    # Long names take a line of their own, so that the letters stay large.
    between = ",\n" if max(map(len, shown), default=0) > 20 else ", "
    lines = len(shown) * (1 + between.count("\n"))
    figure, (axes,) = _figure(1, 720, 480 + lines * _LEGEND_LINE)
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
            label=f"{name}{between}{len(values)} faces, NME {values.mean():.2f} %",
        )
    axes.set(xlim=(0, limit), ylim=(0, 100), xlabel=label, ylabel="faces in %", title=title)
    axes.grid(alpha=0.3)
    if axes.lines:
        # Below the curves and not to their right: on a telephone the plot keeps the whole width.
        figure.legend(loc="outside lower center", frameon=False)
    return _array(figure)


def _figure(panels, width=600, height=480):
    """An empty figure without a window, and its panels side by side."""
    figure = new_figure(figsize=(width * panels / _DPI, height / _DPI), dpi=_DPI)
    return figure, figure.subplots(1, panels, squeeze=False)[0]


def _scale(panel, values):
    """Makes the axis logarithmic, with plain numbers, if the values fall by a factor of 4 or more.

    On a linear axis, the end of such a curve would look flat.
    """
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
