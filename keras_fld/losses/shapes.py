"""Shape checks of losses and metrics. Broadcasting a wrong shape would give a wrong number."""

from typing import Any


def check_same(y_true: Any, y_pred: Any) -> None:
    """Raises a ValueError if targets and predictions have different shapes."""
    if not agree(y_true.shape, y_pred.shape):
        raise ValueError(
            "y_true and y_pred must have the same shape. "
            f"Got: {tuple(y_true.shape)} and {tuple(y_pred.shape)}"
        )


def check_points(points: Any, what: str) -> None:
    """Raises a ValueError if a tensor is not (batch, landmarks, 2)."""
    if not agree(points.shape, (None, None, 2)):
        raise ValueError(
            f"{what} must have shape (batch, landmarks, 2). Got: {tuple(points.shape)}"
        )


def agree(shape: Any, other: Any) -> bool:
    """Returns whether two shapes can be the same; None is an unknown size."""
    return len(shape) == len(other) and all(
        a == b or a is None or b is None for a, b in zip(shape, other, strict=True)
    )
