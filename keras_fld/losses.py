"""Regression losses for landmarks: L1, L2, NME, Wing and ENME.

Each is a pure function that gives one value per face, and a thin `keras.losses.Loss` that averages
it over a batch. Targets and predictions are (batch, landmarks, 2) pixels of the crop. A landmark
whose target is NaN is left out and gets a gradient of zero; a face without any landmark counts
nothing. Equation numbers are those of the ENME paper.
"""

import inspect

import keras
from keras import ops

from keras_fld import schemes


def _difference(y_true, y_pred):
    """Prediction minus target in float32, zero where the target is NaN, and the 0/1 visibility."""
    y_true = ops.cast(y_true, "float32")
    y_pred = ops.cast(y_pred, "float32")
    visible = ops.logical_not(ops.isnan(y_true))
    # Both `where`s are needed: a NaN on the branch not taken still poisons the gradient.
    target = ops.where(visible, y_true, 0.0)
    return ops.where(visible, y_pred - target, 0.0), ops.cast(visible, "float32")


def _mean(values, visible, weights):
    """Mean of each face over what is visible, weights multiplying the values as in Keras."""
    axes = tuple(range(1, len(values.shape)))
    if weights is not None:
        weights = ops.cast(weights, "float32")
        values = values * ops.reshape(
            weights, (*ops.shape(weights), *[1] * (len(values.shape) - len(weights.shape)))
        )
    count = ops.sum(visible, axis=axes)
    return ops.sum(values * visible, axis=axes) / ops.maximum(count, 1.0)


def _distance(y_true, y_pred):
    """Euclidean distance of each landmark, zero where it is not annotated, and its visibility."""
    delta, visible = _difference(y_true, y_pred)
    visible = ops.min(visible, axis=-1)
    squared = ops.sum(ops.square(delta), axis=-1) * visible
    # The root's gradient is infinite at zero; there the distance is a constant zero instead.
    positive = squared > 0
    return ops.where(positive, ops.sqrt(ops.where(positive, squared, 1.0)), 0.0), visible


def _log_enhanced(x, alpha):
    """Eq. 9 for any real x, exact from the tiniest to the largest."""
    # (alpha + 1)|x| - alpha ln cosh x overflows as written; ln cosh x - |x| = log1p(expm1(-2|x|)/2)
    # does not, nor does it cancel near zero as softplus minus ln 2 would.
    x = ops.abs(x)
    return x - alpha * ops.log1p(ops.expm1(-2.0 * x) / 2.0)


def l1(y_true, y_pred, weights=None):
    """Mean absolute error of the coordinates of each face.

    Args:
        y_true: (batch, ...) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        weights: optional (batch,) or (batch, landmarks) factors.

    Returns:
        (batch,) float32 in pixels.

    Example:
        >>> l1([[[0.0, 0.0]]], [[[3.0, 4.0]]])  # 3.5
    """
    delta, visible = _difference(y_true, y_pred)
    return _mean(ops.abs(delta), visible, weights)


def l2(y_true, y_pred, weights=None):
    """Root of the summed squares over the number of landmarks (Eq. 1) of each face.

    The 1/N outside the root makes its gradient small beside the other losses' (Eq. 2), so
    comparisons need a learning rate of its own.

    Args:
        y_true: (batch, landmarks, 2) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        weights: optional (batch,) or (batch, landmarks) factors of the squares.

    Returns:
        (batch,) float32 in pixels.

    Example:
        >>> l2([[[0.0, 0.0], [0.0, 0.0]]], [[[3.0, 0.0], [0.0, 4.0]]])  # 5 / 2
    """
    delta, visible = _difference(y_true, y_pred)
    visible = ops.min(visible, axis=-1)
    # The mean over landmarks is sum / N, so sqrt(N * mean) / N is Eq. 1.
    mean = _mean(ops.sum(ops.square(delta), axis=-1), visible, weights)
    count = ops.maximum(ops.sum(visible, axis=tuple(range(1, len(visible.shape)))), 1.0)
    positive = mean > 0
    return ops.where(positive, ops.sqrt(ops.where(positive, mean, 1.0) / count), 0.0)


def nme(y_true, y_pred, normalizer=None, weights=None):
    """Mean Euclidean distance of the landmarks (Eq. 5) of each face.

    Args:
        y_true: (batch, landmarks, 2) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        normalizer: None for pixels, as the paper trains; a name such as "inter_pupil", a number of
            pixels, or a function of `y_true` giving (batch,) pixels, for a fraction of it.
        weights: optional (batch,) or (batch, landmarks) factors.

    Returns:
        (batch,) float32: pixels, or a fraction of the normaliser (NaN where it is not annotated).

    Example:
        >>> nme([[[0.0, 0.0], [0.0, 0.0]]], [[[3.0, 4.0], [0.0, 0.0]]])  # 2.5
    """
    distance, visible = _distance(y_true, y_pred)
    value = _mean(distance, visible, weights)
    return value if normalizer is None else value / normalizing_distance(y_true, normalizer)


def wing(y_true, y_pred, omega=10.0, epsilon=2.0, weights=None):
    """Wing loss (Eq. 8) of each face: logarithmic below omega, linear above.

    Args:
        y_true: (batch, ...) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        omega: width of the logarithmic part in pixels.
        epsilon: curvature of the logarithmic part in pixels.
        weights: optional (batch,) or (batch, landmarks) factors.

    Returns:
        (batch,) float32.

    Example:
        >>> wing([[[0.0, 0.0]]], [[[20.0, 20.0]]])  # 20 - (10 - 10 ln 6)
    """
    delta, visible = _difference(y_true, y_pred)
    size = ops.abs(delta)
    offset = omega - omega * ops.log1p(omega / epsilon)
    # The untaken branch stays finite by construction, so one `where` suffices here.
    return _mean(
        ops.where(size < omega, omega * ops.log1p(size / epsilon), size - offset), visible, weights
    )


def enme(y_true, y_pred, alpha=2.0, normalizer=None, weights=None):
    """Enhanced normalised mean error (Eq. 10) of each face.

    Args:
        y_true: (batch, landmarks, 2) targets in pixels, NaN where not annotated.
        y_pred: predictions of the same shape.
        alpha: added slope at zero error: the derivative falls from 1 + alpha to 1.
        normalizer: as in `nme`; None is the paper's choice.
        weights: optional (batch,) or (batch, landmarks) factors of the distances.

    Returns:
        (batch,) float32.

    Example:
        >>> enme([[[0.0, 0.0]]], [[[30.0, 40.0]]])  # 50 + 2 ln 2
    """
    return _log_enhanced(nme(y_true, y_pred, normalizer, weights), alpha)


def normalizing_distance(y_true, normalizer):
    """Normalising distance of each face in pixels.

    Args:
        y_true: (batch, landmarks, 2) targets in pixels.
        normalizer: a name known to the scheme with that many landmarks, a number of pixels, or a
            function of `y_true`.

    Returns:
        (batch,) float32, NaN where a landmark it needs is not annotated; or the number.

    Raises:
        ValueError: no scheme has that many landmarks, or no such normaliser.
    """
    if callable(normalizer):
        return normalizer(y_true)
    if not isinstance(normalizer, str):
        return float(normalizer)
    y_true = ops.cast(y_true, "float32")
    first, second = schemes.get(y_true.shape[-2]).normalizer_indices(normalizer)
    offset = ops.mean(ops.take(y_true, first, axis=-2), axis=-2) - ops.mean(
        ops.take(y_true, second, axis=-2), axis=-2
    )
    return ops.sqrt(ops.sum(ops.square(offset), axis=-1))


class LandmarkLoss(keras.losses.Loss):
    """A loss per face, averaged over the faces that have at least one landmark.

    Args:
        reduction: Keras' reductions; the default divides by the number of such faces.
        name: name of the loss.

    `sample_weight` is (batch,) per face or (batch, landmarks) per landmark. Keras multiplies
    weights after `call()`, too late for the second kind, so both are taken in `__call__`.
    """

    def __init__(self, reduction="sum_over_batch_size", name=None):
        # Losses compute in float32 whatever the policy.
        super().__init__(name=name, reduction=reduction, dtype="float32")

    def call(self, y_true, y_pred, weights=None):
        raise NotImplementedError

    def __call__(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        if y_true.shape[1:] != y_pred.shape[1:]:
            raise ValueError(
                "y_true and y_pred must have the same shape. "
                f"Got: {tuple(y_true.shape)} and {tuple(y_pred.shape)}"
            )
        face_weight = landmark_weight = None
        if sample_weight is not None:
            sample_weight = ops.cast(sample_weight, "float32")
            if len(sample_weight.shape) > 1 and sample_weight.shape[1] != 1:
                landmark_weight = sample_weight
            else:
                face_weight = ops.reshape(sample_weight, (-1,))
        with keras.name_scope(self.name):
            values = self.call(y_true, y_pred, landmark_weight)
            return self._reduce(values, faces_counted(y_true, values), face_weight)

    def _reduce(self, values, counted, weight):
        values = ops.where(counted > 0, values, 0.0)
        if weight is not None:
            values = values * weight
        if self.reduction in (None, "none"):
            return values
        total = ops.sum(values)
        if self.reduction == "sum":
            return total
        if self.reduction == "mean_with_sample_weight" and weight is not None:
            count = ops.sum(counted * weight)
        else:
            count = ops.sum(counted)
        return total / ops.where(count > 0, count, 1.0)


def faces_counted(y_true, values):
    """1 for a face with a landmark and a finite value's normaliser, else 0: (batch,) float32."""
    visible = ops.min(
        ops.cast(ops.logical_not(ops.isnan(ops.cast(y_true, "float32"))), "float32"), axis=-1
    )
    has_landmark = ops.max(ops.reshape(visible, (ops.shape(values)[0], -1)), axis=-1)
    return has_landmark * ops.cast(ops.logical_not(ops.isnan(values)), "float32")


def _registered(cls):
    return keras.saving.register_keras_serializable(package="keras_fld")(cls)


@_registered
class L1(LandmarkLoss):
    """Mean absolute error of the coordinates; see `l1`."""

    def __init__(self, reduction="sum_over_batch_size", name="l1"):
        super().__init__(reduction, name)

    def call(self, y_true, y_pred, weights=None):
        return l1(y_true, y_pred, weights)


@_registered
class L2(LandmarkLoss):
    """Root of the summed squares over the number of landmarks (Eq. 1); see `l2`."""

    def __init__(self, reduction="sum_over_batch_size", name="l2"):
        super().__init__(reduction, name)

    def call(self, y_true, y_pred, weights=None):
        return l2(y_true, y_pred, weights)


@_registered
class NME(LandmarkLoss):
    """Mean Euclidean distance of the landmarks (Eq. 5); see `nme`."""

    def __init__(self, normalizer=None, reduction="sum_over_batch_size", name="nme"):
        super().__init__(reduction, name)
        self.normalizer = normalizer

    def call(self, y_true, y_pred, weights=None):
        return nme(y_true, y_pred, self.normalizer, weights)

    def get_config(self):
        return {**super().get_config(), "normalizer": self.normalizer}


@_registered
class Wing(LandmarkLoss):
    """Wing loss (Eq. 8); see `wing`.

    Raises:
        ValueError: omega or epsilon is not above 0.
    """

    def __init__(self, omega=10.0, epsilon=2.0, reduction="sum_over_batch_size", name="wing"):
        super().__init__(reduction, name)
        for option, value in (("omega", omega), ("epsilon", epsilon)):
            if not value > 0:
                raise ValueError(f"{option} must be above 0. Got: {value}")
        self.omega, self.epsilon = omega, epsilon

    def call(self, y_true, y_pred, weights=None):
        return wing(y_true, y_pred, self.omega, self.epsilon, weights)

    def get_config(self):
        return {**super().get_config(), "omega": self.omega, "epsilon": self.epsilon}


@_registered
class ENME(LandmarkLoss):
    """Enhanced normalised mean error (Eq. 10), the paper's loss; see `enme`.

    Raises:
        ValueError: alpha is negative.

    Example:
        >>> model.compile("adamw", loss=ENME(alpha=2.0))
    """

    def __init__(
        self, alpha=2.0, normalizer=None, reduction="sum_over_batch_size", name="enme"
    ):
        super().__init__(reduction, name)
        if not alpha >= 0:
            raise ValueError(f"alpha must be at least 0. Got: {alpha}")
        self.alpha, self.normalizer = alpha, normalizer

    def call(self, y_true, y_pred, weights=None):
        return enme(y_true, y_pred, self.alpha, self.normalizer, weights)

    def get_config(self):
        return {**super().get_config(), "alpha": self.alpha, "normalizer": self.normalizer}


LOSSES = {"l1": L1, "l2": L2, "nme": NME, "wing": Wing, "enme": ENME}


def get(identifier, **options):
    """Finds a loss.

    Args:
        identifier: a name such as "enme" in any case, a Keras configuration, or a loss.
        **options: arguments of the class, with a name.

    Returns:
        The `keras.losses.Loss`.

    Raises:
        ValueError: there is no such loss, or it does not take an option.

    Example:
        >>> get("enme", alpha=2.0).alpha
        2.0
    """
    if not isinstance(identifier, str):
        return keras.losses.get(identifier)
    if identifier.lower() not in LOSSES:
        raise ValueError(f"loss must be one of {', '.join(LOSSES)}. Got: {identifier!r}")
    cls = LOSSES[identifier.lower()]
    known = inspect.signature(cls).parameters
    for option in options:
        if option not in known:
            raise ValueError(f"loss {cls.__name__} takes {', '.join(known)}. Got: {option!r}")
    return cls(**options)
