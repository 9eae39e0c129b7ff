"""The distance of a face that its errors are divided by (d of Eq. 4)."""

import numbers
from collections.abc import Callable, Iterable
from typing import Any, Self

import keras
from keras import ops

from keras_fld import schemes
from keras_fld.geometry.frame import FaceCrop
from keras_fld.losses import shapes

# What errors are divided by: a name, a number of pixels, or a function of the targets.
Normalizer = str | float | Callable[[Any], Any]


@keras.saving.register_keras_serializable(package="keras_fld.normalizers")
class CenterDistance:
    """Distance between the centers of two groups of landmarks: a normalizer of any scheme.

    Args:
        first: indices of the landmarks of one group.
        second: indices of the other.

    Example:
        >>> loss = keras_fld.losses.NME(CenterDistance((36,), (45,)))
    """

    def __init__(self, first: Iterable[int], second: Iterable[int]) -> None:
        self.first, self.second = [int(i) for i in first], [int(i) for i in second]

    def __call__(self, y_true: Any) -> Any:
        """Targets (batch, landmarks, 2) to (batch,) pixels, NaN where one is not annotated."""
        y_true = ops.cast(y_true, "float32")
        shapes.check_points(y_true, "targets of a normalizer between landmarks")
        offset = ops.mean(ops.take(y_true, self.first, axis=-2), axis=-2) - ops.mean(
            ops.take(y_true, self.second, axis=-2), axis=-2
        )
        return ops.sqrt(ops.sum(ops.square(offset), axis=-1))

    def get_config(self) -> dict[str, list[int]]:
        return {"first": self.first, "second": self.second}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)


def on_crop(name: str, scheme: schemes.Scheme, frame: FaceCrop) -> Normalizer | None:
    """What a metric on the crop takes for a dataset's normalizer.

    Args:
        name: the dataset's, as `Dataset.normalizer`; "face_box" is the width of a square face box,
            of which every crop's side is `frame.margin`.
        scheme: the landmarks' scheme.
        frame: the `FaceCrop` of the crops.

    Returns:
        A name, a number of pixels or a function, for `metrics.NME`; another normalizer of the
        scheme where it has none of that name, and None where it has none at all.

    Example:
        >>> on_crop("face_box", AFLW19, FaceCrop(64, margin=1.25))
        51.2
    """
    if name == "face_box":
        return frame.size / frame.margin
    known = name if name in scheme.normalizers else next(iter(scheme.normalizers), None)
    if known is None or schemes.SCHEMES.get(scheme.name) == scheme:
        return known
    return CenterDistance(*scheme.normalizer_indices(known))


def check(normalizer: Any) -> Normalizer | None:
    """Gives back what may be a normalizer, a saved function as the function.

    Args:
        normalizer: None for none; a name such as "inter_pupil"; a number of pixels; a function of
            `y_true` giving (batch,) pixels; or what `serialize` made of one.

    Returns:
        None, the name, the number or the function.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(normalizer, dict):
        normalizer = keras.saving.deserialize_keras_object(normalizer)
    real = isinstance(normalizer, numbers.Real) and not isinstance(normalizer, bool)
    if real and normalizer > 0:
        return float(normalizer)
    if normalizer is None or isinstance(normalizer, str) or callable(normalizer):
        return normalizer
    raise ValueError(
        "normalizer must be None, a name such as 'inter_pupil', a number of pixels above 0 or "
        f"a function of the targets. Got: {normalizer!r}"
    )


def serialize(normalizer: Normalizer | None) -> str | float | dict[str, Any] | None:
    """What `get_config` keeps of a normalizer: a function by its name, the rest as it is.

    Loading finds a function by `keras.saving.register_keras_serializable`, or in the
    `custom_objects` given to `load_model`.

    Raises:
        ValueError: the function has no name to be found by.
    """
    if not callable(normalizer):
        return normalizer
    nameless = getattr(normalizer, "__name__", "<lambda>") == "<lambda>"
    if nameless and not hasattr(normalizer, "get_config"):
        raise ValueError(
            "a normalizer that is saved must be a function with a name, registered by "
            f"keras.saving.register_keras_serializable. Got: {normalizer!r}"
        )
    return keras.saving.serialize_keras_object(normalizer)


def normalizing_distance(y_true: Any, normalizer: Normalizer) -> Any:
    """Normalizing distance of each face in pixels.

    Args:
        y_true: (batch, landmarks, 2) targets in pixels.
        normalizer: a name known to the scheme with that many landmarks, a number of pixels, or a
            function of `y_true` giving (batch,) pixels.

    Returns:
        (batch,) float32, NaN where a landmark it needs is not annotated; or the number.

    Raises:
        ValueError: the targets have another shape, no scheme has that many landmarks, or it has no
            such normalizer.

    Example:
        >>> normalizing_distance(y_true, "inter_ocular")  # (batch, 68, 2) to (batch,)
    """
    if callable(normalizer):
        return ops.reshape(ops.cast(normalizer(y_true), "float32"), (-1,))
    if not isinstance(normalizer, str):
        return float(normalizer)
    y_true = ops.cast(y_true, "float32")
    shapes.check_points(y_true, f"targets of normalizer {normalizer!r}")
    first, second = schemes.get(y_true.shape[-2]).normalizer_indices(normalizer)
    return CenterDistance(first, second)(y_true)
