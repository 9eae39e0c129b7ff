"""Metrics for `compile` and `fit`, in percent of the normalizer, measured on the crop.

`keras_fld.evaluate` computes the same figures in photograph pixels, where every normalizer is
known.
"""

from typing import Any

from keras_fld import losses
from keras_fld._internal.backend import keras
from keras_fld.losses import functions, normalizers
from keras_fld.losses.normalizers import Normalizer

ops = keras.ops

__all__ = ["CEDAUC", "FaceMetric", "FailureRate", "NME"]

# Not "keras_fld": there NME is the loss.
_registered = keras.saving.register_keras_serializable(package="keras_fld.metrics")


class FaceMetric(keras.metrics.Metric):
    """Base class of the metrics: averages a function of each face's NME over the faces seen.

    Landmarks whose target is NaN are ignored, and so are faces without any landmark or without
    their normalizer. The result is NaN until a face has been counted. The state consists of two
    sums, so the states of replicas can be added.

    Args:
        normalizer: a normalizer's name in the scheme with that many landmarks, such as
            "inter_pupil" or "inter_ocular"; a number of pixels; or a function that maps the targets
            to (batch,) pixels.
        name: name of the metric.
        dtype: Keras' dtype of the metric. The sums are always float32.
        **options: further arguments of the metric in percent, stored as attributes.

    Raises:
        ValueError: the normalizer is unknown, or an option is not above 0.
    """

    def __init__(
        self,
        normalizer: Normalizer,
        name: str,
        dtype: "str | keras.DTypePolicy | None" = None,
        **options: float,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if normalizer is None:
            raise ValueError("a metric in percent needs a normalizer. Got: None")
        for option, value in options.items():
            if not value > 0:
                raise ValueError(f"{option} must be above 0 percent. Got: {value}")
            setattr(self, option, float(value))
        self.normalizer = normalizers.check(normalizer)
        self._options = tuple(options)
        self.total = self.add_weight(name="total", initializer="zeros", dtype="float32")
        self.count = self.add_weight(name="count", initializer="zeros", dtype="float32")

    def figure(self, nme: Any) -> Any:
        """Maps each face's NME in percent to the value to average: (batch,) to (batch,)."""
        raise NotImplementedError

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch to the mean.

        Args:
            y_true: (batch, landmarks, 2) targets in pixels, NaN where not annotated.
            y_pred: predictions of the same shape.
            sample_weight: optional (batch,) or (batch, 1) weights of the faces.

        Raises:
            ValueError: targets, predictions or `sample_weight` have a wrong shape.
        """
        figures = self.figure(100.0 * losses.nme(y_true, y_pred, self.normalizer))
        counted = functions.faces_counted(y_true, self.normalizer)
        figures = ops.where(counted > 0, figures, 0.0)
        if sample_weight is not None:
            sample_weight = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
            if tuple(sample_weight.shape[1:]) not in ((), (1,)):
                raise ValueError(
                    "sample_weight of a metric must be (batch,) or (batch, 1). "
                    f"Got: {tuple(sample_weight.shape)}"
                )
            counted = counted * ops.reshape(sample_weight, (-1,))
        self.total.assign_add(ops.sum(figures * counted))
        self.count.assign_add(ops.sum(counted))

    def result(self) -> Any:
        return self.total / self.count

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in self._options},
            "normalizer": normalizers.serialize(self.normalizer),
        }


@_registered
class NME(FaceMetric):
    """Computes the normalized mean error (Eq. 4) in percent, averaged over the faces seen.

    For the arguments, see `FaceMetric`.

    Examples:
        >>> metric = NME("inter_pupil")
        >>> metric.update_state(y_true, y_pred)
        >>> float(metric.result())
    """

    def __init__(
        self,
        normalizer: Normalizer = "inter_pupil",
        name: str = "nme",
        dtype: "str | keras.DTypePolicy | None" = None,
    ) -> None:
        super().__init__(normalizer, name, dtype)
        self._direction = "down"  # read by callbacks of mode "auto", as with Keras' own metrics

    def figure(self, nme: Any) -> Any:
        return nme


@_registered
class FailureRate(FaceMetric):
    """Computes the failure rate: the percentage of faces whose NME is above a threshold.

    Args:
        normalizer: as in `FaceMetric`.
        threshold: largest NME in percent that is not a failure.
        name, dtype: as in `FaceMetric`.

    Examples:
        >>> model.compile("adamw", loss, metrics=[FailureRate("inter_pupil", threshold=8.0)])
    """

    def __init__(
        self,
        normalizer: Normalizer = "inter_pupil",
        threshold: float = 10.0,
        name: str = "failure_rate",
        dtype: "str | keras.DTypePolicy | None" = None,
    ) -> None:
        super().__init__(normalizer, name, dtype, threshold=threshold)
        self._direction = "down"

    def figure(self, nme: Any) -> Any:
        # Written so that a NaN prediction is a failure, too.
        return 100.0 * ops.cast(ops.logical_not(nme <= self.threshold), "float32")


@_registered
class CEDAUC(FaceMetric):
    """Computes the area under the cumulative error curve up to a limit, in percent.

    The curve is a step function, so the area is exactly the mean of max(0, 1 - NME / limit).

    Args:
        normalizer: as in `FaceMetric`.
        limit: NME in percent at which the curve ends.
        name, dtype: as in `FaceMetric`.

    Examples:
        >>> model.compile("adamw", loss, metrics=[CEDAUC("inter_ocular", limit=8.0)])
    """

    def __init__(
        self,
        normalizer: Normalizer = "inter_pupil",
        limit: float = 10.0,
        name: str = "ced_auc",
        dtype: "str | keras.DTypePolicy | None" = None,
    ) -> None:
        super().__init__(normalizer, name, dtype, limit=limit)
        self._direction = "up"

    def figure(self, nme: Any) -> Any:
        return 100.0 * ops.maximum(0.0, 1.0 - nme / self.limit)
