"""The distance of a face that its errors are divided by (d of Eq. 4)."""

import numbers

import keras
from keras import ops

from keras_fld import schemes


def check(normalizer):
    """Gives back what may be a normaliser, a saved function as the function.

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
    if isinstance(normalizer, numbers.Real) and not isinstance(normalizer, bool) and normalizer > 0:
        return float(normalizer)
    if normalizer is None or isinstance(normalizer, str) or callable(normalizer):
        return normalizer
    raise ValueError(
        "normalizer must be None, a name such as 'inter_pupil', a number of pixels above 0 or "
        f"a function of the targets. Got: {normalizer!r}"
    )


def serialize(normalizer):
    """What `get_config` keeps of a normaliser: a function by its name, the rest as it is.

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


def normalizing_distance(y_true, normalizer):
    """Normalising distance of each face in pixels.

    Args:
        y_true: (batch, landmarks, 2) targets in pixels.
        normalizer: a name known to the scheme with that many landmarks, a number of pixels, or a
            function of `y_true` giving (batch,) pixels.

    Returns:
        (batch,) float32, NaN where a landmark it needs is not annotated; or the number.

    Raises:
        ValueError: no scheme has that many landmarks, or no such normaliser.

    Example:
        >>> normalizing_distance(y_true, "inter_ocular")  # (batch, 68, 2) to (batch,)
    """
    if callable(normalizer):
        return ops.reshape(ops.cast(normalizer(y_true), "float32"), (-1,))
    if not isinstance(normalizer, str):
        return float(normalizer)
    y_true = ops.cast(y_true, "float32")
    if len(y_true.shape) < 2:
        raise ValueError(
            f"normalizer {normalizer!r} needs targets of shape (batch, landmarks, 2). "
            f"Got: {tuple(y_true.shape)}"
        )
    first, second = schemes.get(y_true.shape[-2]).normalizer_indices(normalizer)
    offset = ops.mean(ops.take(y_true, first, axis=-2), axis=-2) - ops.mean(
        ops.take(y_true, second, axis=-2), axis=-2
    )
    return ops.sqrt(ops.sum(ops.square(offset), axis=-1))
