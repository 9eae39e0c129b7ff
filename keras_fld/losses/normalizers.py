"""Normalizers: the distance that the errors of a face are divided by (d in Eq. 4)."""

import numbers
from collections.abc import Callable, Iterable
from typing import Any, Self

import keras
from keras import ops

from keras_fld import schemes
from keras_fld.geometry.frame import FaceCrop
from keras_fld.losses import shapes

# A name, a number of pixels, or a function of the targets.
Normalizer = str | float | Callable[[Any], Any]


@keras.saving.register_keras_serializable(package="keras_fld.normalizers")
class CenterDistance:
    """Computes the distance between the centers of two groups of landmarks, in any scheme.

    Args:
        first: landmark indices of one group.
        second: landmark indices of the other group.

    Examples:
        >>> loss = keras_fld.losses.NME(CenterDistance((36,), (45,)))
    """

    def __init__(self, first: Iterable[int], second: Iterable[int]) -> None:
        self.first, self.second = [int(i) for i in first], [int(i) for i in second]

    def __call__(self, y_true: Any) -> Any:
        """Maps (batch, landmarks, 2) targets to (batch,) pixels, NaN where not annotated."""
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
    """Returns the normalizer of a dataset for use with metrics on crops.

    Args:
        name: name of the dataset's normalizer, such as `Dataset.normalizer`. "face_box" is the
            width of a square face box; the side of a crop is `frame.margin` times this width.
        scheme: the landmarks' scheme.
        frame: the `FaceCrop` of the crops.

    Returns:
        A name, a number of pixels or a function, for `metrics.NME`. If the scheme has no normalizer
        of this name, its first normalizer; None if it has none.

    Examples:
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
    """Checks a normalizer and returns it; a serialized function is restored.

    Args:
        normalizer: None for no normalizer; a name such as "inter_pupil"; a number of pixels; a
            function that maps `y_true` to (batch,) pixels; or the result of `serialize`.

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
    """Serializes a normalizer for `get_config`: a function by its name, anything else unchanged.

    To be found on loading, a function must be registered with
    `keras.saving.register_keras_serializable` or given to `load_model` in `custom_objects`.

    Raises:
        ValueError: the function has no name.
    """
    if not callable(normalizer):
        return normalizer
    nameless = getattr(normalizer, "__name__", "<lambda>") == "<lambda>"
    if nameless and not hasattr(normalizer, "get_config"):
        raise ValueError(
            "to be saved, a normalizer function must have a name and be registered with "
            f"keras.saving.register_keras_serializable. Got: {normalizer!r}"
        )
    return keras.saving.serialize_keras_object(normalizer)


def normalizing_distance(y_true: Any, normalizer: Normalizer) -> Any:
    """Computes the normalizing distance of each face in pixels.

    Args:
        y_true: (batch, landmarks, 2) targets in pixels.
        normalizer: a normalizer's name in the scheme with that many landmarks, a number of pixels,
            or a function that maps `y_true` to (batch,) pixels.

    Returns:
        (batch,) float32, NaN where a required landmark is not annotated. If `normalizer` is a
        number, that number.

    Raises:
        ValueError: the targets have a wrong shape, no scheme has that many landmarks, or the
            scheme has no such normalizer.

    Examples:
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
