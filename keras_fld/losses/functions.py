"""The losses as pure functions that give one value per face.

`l1`, `smooth_l1`, `wing` and `le` treat every coordinate by itself and take targets of any shape
(batch, ...); of them, only coordinates that are NaN are left out. `l2`, `nme` and `enme` measure
points, (batch, landmarks, 2): a landmark with a NaN coordinate is left out whole. Another shape, or
predictions of another shape than the targets, is a ValueError.
"""

import math
from typing import Any

import keras
from keras import ops

from keras_fld.losses import shapes
from keras_fld.losses.normalizers import Normalizer, normalizing_distance


def l1(y_true: Any, y_pred: Any, normalizer: Normalizer | None = None, weights: Any = None) -> Any:
    """Mean absolute error of the coordinates of each face.

    Args:
        y_true: (batch, ...) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        normalizer: what errors are divided by first: None for nothing, as the paper trains; a name
            such as "inter_pupil", a number of pixels, or a function of `y_true` giving (batch,)
            pixels.
        weights: optional factors of the coordinates' losses, (batch,) or (batch, landmarks).

    Returns:
        (batch,) float32: pixels, or a fraction of the normalizer (NaN where it is not annotated).

    Example:
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
    """Mean over the coordinates of each face of x^2 / (2 beta) below beta, |x| - beta / 2 above.

    Args:
        y_true: (batch, ...) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        beta: error in pixels at which the parabola becomes a line of slope 1.
        normalizer: as in `l1`; `beta` is then in its unit.
        weights: optional factors of the coordinates' losses, (batch,) or (batch, landmarks).

    Returns:
        (batch,) float32.

    Example:
        >>> smooth_l1([[[0.0, 0.0]]], [[[0.5, 4.0]]])  # (0.125 + 3.5) / 2
    """
    delta, visible = _difference(y_true, y_pred, normalizer)
    size = _absolute(delta)
    parabola = 0.5 * ops.square(size) / beta
    return _mean(ops.where(size < beta, parabola, size - 0.5 * beta), visible, weights)


def l2(y_true: Any, y_pred: Any, normalizer: Normalizer | None = None, weights: Any = None) -> Any:
    """Root of the summed squares over the number of landmarks (Eq. 1) of each face.

    The 1/N outside the root makes its gradient small beside the other losses' (Eq. 2), so
    comparisons need a learning rate of its own.

    Args:
        y_true: (batch, landmarks, 2) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        normalizer: as in `l1`.
        weights: optional factors of the squares, (batch,) or (batch, landmarks).

    Returns:
        (batch,) float32: pixels, or a fraction of the normalizer (NaN where it is not annotated).

    Example:
        >>> l2([[[0.0, 0.0], [0.0, 0.0]]], [[[3.0, 0.0], [0.0, 4.0]]])  # 5 / 2
    """
    squared, visible = _squared_distance(y_true, y_pred, normalizer)
    # The mean over landmarks is sum / N, so sqrt(mean / N) is Eq. 1.
    return _root(_mean(squared, visible, weights) / ops.maximum(_face_sum(visible), 1.0))


def nme(y_true: Any, y_pred: Any, normalizer: Normalizer | None = None, weights: Any = None) -> Any:
    """Mean Euclidean distance of the landmarks (Eq. 5) of each face; normalized, Eq. 4.

    Args:
        y_true: (batch, landmarks, 2) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        normalizer: as in `l1`.
        weights: optional factors of the distances, (batch,) or (batch, landmarks).

    Returns:
        (batch,) float32: pixels, or a fraction of the normalizer (NaN where it is not annotated).

    Example:
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
    """Wing loss (Eq. 8), mean over the coordinates of each face: logarithmic below omega, linear
    above.

    Args:
        y_true: (batch, ...) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        omega: width of the logarithmic part in pixels.
        epsilon: curvature of the logarithmic part in pixels.
        normalizer: as in `l1`; `omega` and `epsilon` are then in its unit.
        weights: optional factors of the coordinates' losses, (batch,) or (batch, landmarks).

    Returns:
        (batch,) float32.

    Example:
        >>> wing([[[0.0, 0.0]]], [[[20.0, 20.0]]])  # 20 - (10 - 10 ln 6)
    """
    delta, visible = _difference(y_true, y_pred, normalizer)
    size = _absolute(delta)
    offset = omega - omega * math.log1p(omega / epsilon)
    # The untaken branch stays finite by construction, so one `where` suffices here.
    logarithm = omega * ops.log1p(size / epsilon)
    return _mean(ops.where(size < omega, logarithm, size - offset), visible, weights)


def le(
    y_true: Any,
    y_pred: Any,
    alpha: float = 2.0,
    normalizer: Normalizer | None = None,
    weights: Any = None,
) -> Any:
    """Log-enhanced loss (Eq. 9), mean over the coordinates of each face.

    Its derivative falls from 1 + alpha at zero to 1, within about two pixels.

    Args:
        y_true: (batch, ...) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        alpha: added slope at zero error.
        normalizer: as in `l1`. A fraction of a face is far below the 2 where the slope has fallen;
            a function giving a hundredth of the distance makes it per cent.
        weights: optional factors of the coordinates' losses, (batch,) or (batch, landmarks).

    Returns:
        (batch,) float32.

    Example:
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
    """Enhanced normalized mean error (Eq. 10) of each face: Eq. 9 of its NME.

    Args:
        y_true: (batch, landmarks, 2) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        alpha: added slope at zero error.
        normalizer: as in `le`; None is the paper's choice.
        weights: optional factors of the distances, (batch,) or (batch, landmarks).

    Returns:
        (batch,) float32.

    Example:
        >>> enme([[[0.0, 0.0]]], [[[30.0, 40.0]]])  # 50 + 2 ln 2
    """
    return _log_enhanced(nme(y_true, y_pred, normalizer, weights), alpha)


def faces_counted(y_true: Any, normalizer: Normalizer | None = None, points: bool = True) -> Any:
    """1 for a face that has a landmark, and its normalizer, annotated; else 0.

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


# A model compiled with one of these functions is saved with its name.
for _function in (l1, smooth_l1, l2, nme, wing, le, enme):
    keras.saving.register_keras_serializable(package="keras_fld")(_function)


def _difference(y_true, y_pred, normalizer):
    """Prediction minus target in float32, zero where the target is NaN, and the 0/1 visibility."""
    y_true = ops.cast(y_true, "float32")
    y_pred = ops.cast(y_pred, "float32")
    shapes.check_same(y_true, y_pred)
    visible = ops.logical_not(ops.isnan(y_true))
    # Both `where`s are needed: a NaN on the branch not taken still poisons the gradient.
    target = ops.where(visible, y_true, 0.0)
    delta = ops.where(visible, y_pred - target, 0.0)
    if normalizer is not None:
        distance = normalizing_distance(y_true, normalizer)
        if not isinstance(distance, float):
            distance = _trailing(distance, delta)
        known = distance > 0
        # A constant NaN: it shows in the value, and no gradient passes.
        delta = ops.where(known, delta / ops.where(known, distance, 1.0), float("nan"))
    return delta, ops.cast(visible, "float32")


def _squared_distance(y_true, y_pred, normalizer):
    """Squared distance of each landmark, zero where it is not annotated, and its visibility."""
    y_true = ops.cast(y_true, "float32")
    shapes.check_points(y_true, "y_true")
    delta, visible = _difference(y_true, y_pred, normalizer)
    visible = ops.prod(visible, axis=-1)
    return ops.sum(ops.square(delta), axis=-1) * visible, visible


def _absolute(x):
    """Absolute value with gradient zero at zero, where JAX's own is 1."""
    return x * ops.sign(x)


def _root(x):
    """Square root with gradient zero at zero, where the root's own is infinite."""
    zero = ops.equal(x, 0.0)
    return ops.where(zero, 0.0, ops.sqrt(ops.where(zero, 1.0, x)))


def _log_enhanced(x, alpha):
    """Eq. 9 for any real x, exact from the tiniest to the largest."""
    # (alpha + 1)|x| - alpha ln cosh x overflows as written; ln cosh x - |x| = log1p(expm1(-2|x|)/2)
    # does not, nor does it cancel near zero as softplus minus ln 2 would.
    x = _absolute(x)
    return x - alpha * ops.log1p(ops.expm1(-2.0 * x) / 2.0)


def _mean(values, visible, weights):
    """Mean of each face over what is visible, weights multiplying the values as in Keras."""
    if weights is not None:
        values = values * _trailing(ops.cast(weights, "float32"), values)
    return _face_sum(values * visible) / ops.maximum(_face_sum(visible), 1.0)


def _face_sum(x):
    """Sum over all axes but the first."""
    # The added axis is for x of shape (batch,): PyTorch takes no axes for all of them.
    return ops.sum(ops.expand_dims(x, -1), axis=tuple(range(1, len(x.shape) + 1)))


def _trailing(x, like):
    """x with axes of size 1 added at its end, so that it multiplies `like`."""
    return ops.reshape(x, (*ops.shape(x), *[1] * (len(like.shape) - len(x.shape))))
