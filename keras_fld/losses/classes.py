"""The losses as `keras.losses.Loss` classes, for `compile` and for saving."""

from collections.abc import Callable
from typing import Any, cast

import keras
from keras import ops

from keras_fld.losses import functions, normalizers, shapes
from keras_fld.losses.normalizers import Normalizer

_registered = keras.saving.register_keras_serializable(package="keras_fld")


class LandmarkLoss(keras.losses.Loss):
    """Base class of the losses: one value per face, averaged over the faces that count.

    A face counts if at least one landmark and, if used, the normalizer are annotated. A subclass
    sets `function` to its pure function, or defines `call(y_true, y_pred, weights)`.

    `sample_weight` has shape (batch,) or (batch, 1) to weight faces, or (batch, landmarks) to
    weight landmarks.

    Args:
        normalizer: distance that the errors are divided by; see `l1`.
        reduction: a Keras reduction. The default divides by the number of faces that count,
            "mean_with_sample_weight" by the sum of their weights.
        name: name of the loss.
        **options: further arguments of the pure function, stored as attributes.

    Raises:
        ValueError: `normalizer` or `reduction` is unknown. When called: targets and predictions
            have different shapes, or they are not points although the loss needs points.
    """

    function: Callable | None = None  # the pure function
    points = False  # whether a NaN coordinate excludes its whole landmark or only itself

    def __init__(
        self,
        normalizer: Normalizer | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        **options: Any,
    ) -> None:
        # Losses always compute in float32, whatever the dtype policy.
        super().__init__(name=name, reduction=reduction, dtype="float32")
        self.normalizer = normalizers.check(normalizer)
        self._options = tuple(options)
        self.__dict__.update(options)

    def call(self, y_true: Any, y_pred: Any, weights: Any = None) -> Any:
        options = {name: getattr(self, name) for name in self._options}
        function = cast(Callable[..., Any], type(self).function)
        return function(y_true, y_pred, normalizer=self.normalizer, weights=weights, **options)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        if len(y_pred.shape) == len(y_true.shape) + 1 and y_pred.shape[-1] == 1:
            y_true = ops.expand_dims(y_true, -1)  # (batch,) targets of a Dense(1), as Keras does
        if self.points:
            shapes.check_points(y_true, "y_true")
        shapes.check_same(y_true, y_pred)
        # Keras applies weights after `call`, which is too late for weights of landmarks.
        face_weight, landmark_weight = self._weights(sample_weight, y_true)
        with keras.name_scope(self.name):
            values = self.call(y_true, y_pred, landmark_weight)
            counted = functions.faces_counted(y_true, self.normalizer, self.points)
            return self._reduce(values, counted, face_weight)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in self._options},
            "normalizer": normalizers.serialize(self.normalizer),
        }

    def _weights(self, sample_weight, y_true):
        """The weights of the faces and those of the landmarks; None for the kind not given."""
        if sample_weight is None:
            return None, None
        weight = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
        batch, *items = y_true.shape
        shape = tuple(weight.shape)
        if shapes.agree(shape[:1], (batch,)):
            if shape[1:] in ((), (1,)):
                return ops.reshape(weight, (-1,)), None
            if shapes.agree(shape[1:], items[:1]):
                return None, weight
        raise ValueError(
            "sample_weight must be (batch,), (batch, 1) or (batch, landmarks) for targets of shape "
            f"{tuple(y_true.shape)}. Got: {shape}"
        )

    def _reduce(self, values, counted, weight):
        values = ops.where(counted > 0, values, 0.0)
        if self.reduction in ("sum_over_batch_size", "mean"):
            # Keras divides by the number of all faces; this factor corrects that.
            counted = counted * ops.sum(ops.ones_like(counted)) / ops.maximum(ops.sum(counted), 1.0)
        weight = counted if weight is None else counted * weight
        return _Reduction(self.name, self.reduction, "float32")(values, values, weight)


class _Reduction(keras.losses.Loss):
    """Applies Keras' reduction, which handles replicas, to values that are already computed."""

    def call(self, y_true, y_pred):
        return y_pred


@_registered
class L1(LandmarkLoss):
    """Computes the mean absolute error of the coordinates; see `l1`."""

    function = functions.l1

    def __init__(
        self,
        normalizer: Normalizer | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "l1",
    ) -> None:
        super().__init__(normalizer, reduction, name)


@_registered
class L2(LandmarkLoss):
    """Computes the L2 loss (Eq. 1); see `l2`."""

    function = functions.l2
    points = True

    def __init__(
        self,
        normalizer: Normalizer | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "l2",
    ) -> None:
        super().__init__(normalizer, reduction, name)


@_registered
class SmoothL1(LandmarkLoss):
    """Computes the smooth L1 loss: a parabola below beta and a line above; see `smooth_l1`.

    Raises:
        ValueError: beta is not above 0.
    """

    function = functions.smooth_l1

    def __init__(
        self,
        beta: float = 1.0,
        normalizer: Normalizer | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "smooth_l1",
    ) -> None:
        super().__init__(normalizer, reduction, name, beta=_positive("beta", beta))


@_registered
class NME(LandmarkLoss):
    """Computes the mean Euclidean distance of the landmarks (Eq. 5); see `nme`."""

    function = functions.nme
    points = True

    def __init__(
        self,
        normalizer: Normalizer | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "nme",
    ) -> None:
        super().__init__(normalizer, reduction, name)


@_registered
class Wing(LandmarkLoss):
    """Computes the Wing loss (Eq. 8); see `wing`.

    Raises:
        ValueError: omega or epsilon is not above 0.
    """

    function = functions.wing

    def __init__(
        self,
        omega: float = 10.0,
        epsilon: float = 2.0,
        normalizer: Normalizer | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "wing",
    ) -> None:
        options = {"omega": _positive("omega", omega), "epsilon": _positive("epsilon", epsilon)}
        super().__init__(normalizer, reduction, name, **options)


@_registered
class LE(LandmarkLoss):
    """Computes the log-enhanced loss (Eq. 9); see `le`.

    Raises:
        ValueError: alpha is negative.
    """

    function = functions.le

    def __init__(
        self,
        alpha: float = 2.0,
        normalizer: Normalizer | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "le",
    ) -> None:
        super().__init__(normalizer, reduction, name, alpha=_not_negative("alpha", alpha))


@_registered
class ENME(LandmarkLoss):
    """Computes the enhanced normalized mean error (Eq. 10), the paper's loss; see `enme`.

    Raises:
        ValueError: alpha is negative.

    Examples:
        >>> model.compile("adamw", loss=ENME(alpha=2.0))
    """

    function = functions.enme
    points = True

    def __init__(
        self,
        alpha: float = 2.0,
        normalizer: Normalizer | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "enme",
    ) -> None:
        super().__init__(normalizer, reduction, name, alpha=_not_negative("alpha", alpha))


def _positive(option, value):
    if not value > 0:
        raise ValueError(f"{option} must be above 0. Got: {value}")
    return float(value)


def _not_negative(option, value):
    if not value >= 0:
        raise ValueError(f"{option} must be at least 0. Got: {value}")
    return float(value)
