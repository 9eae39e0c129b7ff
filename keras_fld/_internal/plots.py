"""Figures of matplotlib, without a window and without its state."""

from typing import Any

from keras_fld._internal.extras import load


def new_figure(**options: Any) -> Any:
    """An empty figure that can be saved or turned into pixels.

    Args:
        **options: of `matplotlib.figure.Figure`, such as `figsize`.

    Raises:
        ImportError: matplotlib is not installed.

    Examples:
        >>> new_figure(figsize=(5, 4)).subplots(1, 2).shape
        (2,)
    """
    figure = load("matplotlib.figure", "Drawing curves").Figure(layout="constrained", **options)
    load("matplotlib.backends.backend_agg", "Drawing curves").FigureCanvasAgg(figure)
    return figure
