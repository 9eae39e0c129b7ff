"""The losses as pure functions that return one value per face.

`l1`, `smooth_l1`, `wing` and `le` work on single coordinates and accept targets of any shape
(batch, ...). They ignore coordinates that are NaN. `l2`, `nme` and `enme` work on points of shape
(batch, landmarks, 2). They ignore a landmark if any of its coordinates is NaN. All functions raise
a ValueError if the targets have the wrong shape or the predictions have a different one.
"""

import math
from typing import Any

import keras
from keras import ops

from keras_fld.losses import shapes
from keras_fld.losses.normalizers import Normalizer, normalizing_distance


def l1(y_true: Any, y_pred: Any, normalizer: Normalizer | None = None, weights: Any = None) -> Any:
    """Computes the mean absolute error of the coordinates of each face.

    Args:
        y_true: (batch, ...) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        normalizer: distance that the errors are divided by: None for no division, as in the paper's
            training; a name such as "inter_pupil"; a number of pixels; or a function that maps
            `y_true` to (batch,) pixels.
        weights: optional weights of the coordinates' losses, (batch,) or (batch, landmarks).

    Returns:
        (batch,) float32 in pixels, or as a fraction of the normalizer. NaN if the normalizer is not
        annotated.

    Examples:
        >>> l1([[[0.0, 0.0]]], [[[3.0, 4.0]]])  # 3.5
    """
    delta, visible = _difference(y_true, y_pred, normalizer)
    return _mean(_absolute(delta), visible, weights)


def smooth_l1(
    y_true: Any,
    y_pred: Any,
    beta: float = 1.0,
    normalizer: Normalizer | None = None,
    weights: Any = None,
) -> Any:
    """Computes the smooth L1 loss of each face, averaged over its coordinates.

    The loss of an error x is x^2 / (2 beta) if |x| is below beta, and |x| - beta / 2 otherwise.

    Args:
        y_true: (batch, ...) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        beta: error in pixels at which the parabola becomes a line of slope 1.
        normalizer: as in `l1`. If given, `beta` is a fraction of it.
        weights: optional weights of the coordinates' losses, (batch,) or (batch, landmarks).

    Returns:
        (batch,) float32.

    Examples:
        >>> smooth_l1([[[0.0, 0.0]]], [[[0.5, 4.0]]])  # (0.125 + 3.5) / 2
    """
    delta, visible = _difference(y_true, y_pred, normalizer)
    size = _absolute(delta)
    parabola = 0.5 * ops.square(size) / beta
    return _mean(ops.where(size < beta, parabola, size - 0.5 * beta), visible, weights)


def l2(y_true: Any, y_pred: Any, normalizer: Normalizer | None = None, weights: Any = None) -> Any:
    """Computes the L2 loss (Eq. 1) of each face.

    It is the square root of the summed squared errors, divided by the number of landmarks N. The
    factor 1/N outside the root makes its gradient smaller than that of the other losses (Eq. 2).
    Tune its learning rate separately when you compare losses.

    Args:
        y_true: (batch, landmarks, 2) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        normalizer: as in `l1`.
        weights: optional weights of the squared errors, (batch,) or (batch, landmarks).

    Returns:
        (batch,) float32 in pixels, or as a fraction of the normalizer. NaN if the normalizer is not
        annotated.

    Examples:
        >>> l2([[[0.0, 0.0], [0.0, 0.0]]], [[[3.0, 0.0], [0.0, 4.0]]])  # 5 / 2
    """
    squared, visible = _squared_distance(y_true, y_pred, normalizer)
    # The mean over landmarks is sum / N, so sqrt(mean / N) is Eq. 1.
    return _root(_mean(squared, visible, weights) / ops.maximum(_face_sum(visible), 1.0))


def nme(y_true: Any, y_pred: Any, normalizer: Normalizer | None = None, weights: Any = None) -> Any:
    """Computes the mean Euclidean distance of the landmarks of each face.

    This is Eq. 5 without a normalizer and Eq. 4 with one.

    Args:
        y_true: (batch, landmarks, 2) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        normalizer: as in `l1`.
        weights: optional weights of the distances, (batch,) or (batch, landmarks).

    Returns:
        (batch,) float32 in pixels, or as a fraction of the normalizer. NaN if the normalizer is not
        annotated.

    Examples:
        >>> nme([[[0.0, 0.0], [0.0, 0.0]]], [[[3.0, 4.0], [0.0, 0.0]]])  # 2.5
    """
    squared, visible = _squared_distance(y_true, y_pred, normalizer)
    return _mean(_root(squared), visible, weights)


def wing(
    y_true: Any,
    y_pred: Any,
    omega: float = 10.0,
    epsilon: float = 2.0,
    normalizer: Normalizer | None = None,
    weights: Any = None,
) -> Any:
    """Computes the Wing loss (Eq. 8) of each face, averaged over its coordinates.

    The loss is logarithmic for errors below omega and linear above.

    Args:
        y_true: (batch, ...) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        omega: width of the logarithmic part in pixels.
        epsilon: curvature of the logarithmic part in pixels.
        normalizer: as in `l1`. If given, `omega` and `epsilon` are fractions of it.
        weights: optional weights of the coordinates' losses, (batch,) or (batch, landmarks).

    Returns:
        (batch,) float32.

    Examples:
        >>> wing([[[0.0, 0.0]]], [[[20.0, 20.0]]])  # 20 - (10 - 10 ln 6)
    """
    delta, visible = _difference(y_true, y_pred, normalizer)
    size = _absolute(delta)
    offset = omega - omega * math.log1p(omega / epsilon)
    # Both branches are finite for every input, so a single `where` is enough here.
    logarithm = omega * ops.log1p(size / epsilon)
    return _mean(ops.where(size < omega, logarithm, size - offset), visible, weights)


def le(
    y_true: Any,
    y_pred: Any,
    alpha: float = 2.0,
    normalizer: Normalizer | None = None,
    weights: Any = None,
) -> Any:
    """Computes the log-enhanced loss (Eq. 9) of each face, averaged over its coordinates.

    Its derivative falls from 1 + alpha at zero error to 1 at an error of about two.

    Args:
        y_true: (batch, ...) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        alpha: additional slope at zero error.
        normalizer: as in `l1`. Normalized errors are far below two, where the slope has fallen to
            1. To measure errors in percent instead, pass a function that returns a hundredth of
            the distance.
        weights: optional weights of the coordinates' losses, (batch,) or (batch, landmarks).

    Returns:
        (batch,) float32.

    Examples:
        >>> le([[[0.0, 0.0]]], [[[30.0, 40.0]]])  # 35 + 2 ln 2
    """
    delta, visible = _difference(y_true, y_pred, normalizer)
    return _mean(_log_enhanced(delta, alpha), visible, weights)


def enme(
    y_true: Any,
    y_pred: Any,
    alpha: float = 2.0,
    normalizer: Normalizer | None = None,
    weights: Any = None,
) -> Any:
    """Computes the enhanced normalized mean error (Eq. 10) of each face.

    It applies the log-enhanced loss (Eq. 9) to the face's NME.

    Args:
        y_true: (batch, landmarks, 2) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        alpha: additional slope at zero error.
        normalizer: as in `le`. The paper uses None.
        weights: optional weights of the distances, (batch,) or (batch, landmarks).

    Returns:
        (batch,) float32.

    Examples:
        >>> enme([[[0.0, 0.0]]], [[[30.0, 40.0]]])  # 50 + 2 ln 2
    """
    return _log_enhanced(nme(y_true, y_pred, normalizer, weights), alpha)


def faces_counted(y_true: Any, normalizer: Normalizer | None = None, points: bool = True) -> Any:
    """Returns 1 for each face that counts and 0 for the others.

    A face counts if at least one landmark and, if used, the normalizer are annotated.

    Args:
        y_true: (batch, ...) targets.
        normalizer: as in `l1`.
        points: whether a landmark needs all its coordinates, as in `l2`, `nme` and `enme`.

    Returns:
        (batch,) float32.
    """
    visible = ops.logical_not(ops.isnan(ops.cast(y_true, "float32")))
    if points:
        visible = ops.all(visible, axis=-1)
    counted = _face_sum(ops.cast(visible, "float32")) > 0
    if normalizer is not None:
        counted = ops.logical_and(counted, normalizing_distance(y_true, normalizer) > 0)
    return ops.cast(counted, "float32")


# Registered so that a model compiled with one of these functions can be saved and loaded.
for _function in (l1, smooth_l1, l2, nme, wing, le, enme):
    keras.saving.register_keras_serializable(package="keras_fld")(_function)


def _difference(y_true, y_pred, normalizer):
    """Prediction minus target in float32 (zero where the target is NaN), and the 0/1 visibility."""
    y_true = ops.cast(y_true, "float32")
    y_pred = ops.cast(y_pred, "float32")
    shapes.check_same(y_true, y_pred)
    visible = ops.logical_not(ops.isnan(y_true))
    # Both `where`s are needed: a NaN in the unselected branch would make the gradient NaN.
    target = ops.where(visible, y_true, 0.0)
    delta = ops.where(visible, y_pred - target, 0.0)
    if normalizer is not None:
        distance = normalizing_distance(y_true, normalizer)
        if not isinstance(distance, float):
            distance = _trailing(distance, delta)
        known = distance > 0
        # A constant NaN: it makes the value NaN, but no gradient flows through it.
        delta = ops.where(known, delta / ops.where(known, distance, 1.0), float("nan"))
    return delta, ops.cast(visible, "float32")


def _squared_distance(y_true, y_pred, normalizer):
    """Squared distance of each landmark (zero where not annotated), and the 0/1 visibility."""
    y_true = ops.cast(y_true, "float32")
    shapes.check_points(y_true, "y_true")
    delta, visible = _difference(y_true, y_pred, normalizer)
    visible = ops.prod(visible, axis=-1)
    return ops.sum(ops.square(delta), axis=-1) * visible, visible


def _absolute(x):
    """Absolute value whose gradient at zero is zero; JAX's own gradient there is 1."""
    return x * ops.sign(x)


def _root(x):
    """Square root whose gradient at zero is zero; the true gradient there is infinite."""
    zero = ops.equal(x, 0.0)
    return ops.where(zero, 0.0, ops.sqrt(ops.where(zero, 1.0, x)))


def _log_enhanced(x, alpha):
    """Eq. 9, accurate for tiny and for huge x."""
    # (alpha + 1)|x| - alpha ln cosh x overflows as written. The identity
    # ln cosh x - |x| = log1p(expm1(-2|x|) / 2) does not overflow. It also loses no digits near
    # zero, where softplus minus ln 2 would.
    x = _absolute(x)
    return x - alpha * ops.log1p(ops.expm1(-2.0 * x) / 2.0)


def _mean(values, visible, weights):
    """Mean of each face's visible values; weights multiply the values, as in Keras."""
    if weights is not None:
        values = values * _trailing(ops.cast(weights, "float32"), values)
    return _face_sum(values * visible) / ops.maximum(_face_sum(visible), 1.0)


def _face_sum(x):
    """Sum over all axes except the first."""
    # For x of shape (batch,) there would be no axis left, which PyTorch reads as "all axes". The
    # added axis avoids that.
    return ops.sum(ops.expand_dims(x, -1), axis=tuple(range(1, len(x.shape) + 1)))


def _trailing(x, like):
    """x with trailing axes of size 1, so that it broadcasts against `like`."""
    return ops.reshape(x, (*ops.shape(x), *[1] * (len(like.shape) - len(x.shape))))
