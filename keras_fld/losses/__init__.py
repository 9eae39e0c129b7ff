"""Regression losses for landmarks: L1, L2, SmoothL1, NME, Wing, LE and ENME.

Each loss exists as a pure function that returns one value per face, and as a `keras.losses.Loss`
that averages it over a batch. Targets and predictions are (batch, landmarks, 2) in crop pixels. The
losses on single coordinates (L1, SmoothL1, Wing, LE) also accept any other regression target of
shape (batch, ...). NaN targets are ignored and their gradient is zero; a face without any annotated
landmark does not count. Equation numbers are those of the ENME paper.

    model.compile("adamw", loss=keras_fld.losses.ENME(alpha=2.0))
"""

import inspect
from typing import Any

from keras_fld._internal import names
from keras_fld._internal.backend import keras
from keras_fld.losses.classes import ENME, L1, L2, LE, NME, LandmarkLoss, SmoothL1, Wing
from keras_fld.losses.functions import enme, l1, l2, le, nme, smooth_l1, wing
from keras_fld.losses.normalizers import normalizing_distance

__all__ = [
    "ENME",
    "L1",
    "L2",
    "LE",
    "LOSSES",
    "NME",
    "LandmarkLoss",
    "SmoothL1",
    "Wing",
    "enme",
    "get",
    "l1",
    "l2",
    "le",
    "nme",
    "normalizing_distance",
    "smooth_l1",
    "wing",
]

LOSSES = dict(zip(names.LOSSES, (L1, L2, SmoothL1, NME, Wing, LE, ENME), strict=True))


def get(identifier: str | dict[str, Any] | keras.losses.Loss, **options: Any) -> keras.losses.Loss:
    """Returns a loss by name.

    Args:
        identifier: a case-insensitive name such as "enme" or "SmoothL1", a Keras configuration, or
            a loss.
        **options: arguments of the loss class. Only allowed with a name.

    Returns:
        A `keras.losses.Loss`.

    Raises:
        ValueError: the loss is unknown, or it does not accept an option.

    Examples:
        >>> get("enme", alpha=2.0).alpha
        2.0
    """
    if not isinstance(identifier, str):
        if options:
            raise ValueError(
                "options can only be given with the name of a loss. "
                f"Got: {', '.join(options)} with {identifier!r}"
            )
        return keras.losses.get(identifier)
    known = {name.replace("_", ""): cls for name, cls in LOSSES.items()}
    cls = known.get(identifier.lower().replace("_", ""))
    if cls is None:
        raise ValueError(f"loss must be one of {', '.join(LOSSES)}. Got: {identifier!r}")
    arguments = inspect.signature(cls).parameters
    for option in options:
        if option not in arguments:
            raise ValueError(f"loss {cls.__name__} accepts {', '.join(arguments)}. Got: {option!r}")
    return cls(**options)
