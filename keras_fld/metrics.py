"""Metrics for `compile` and `fit`, in per cent of the normalizer, measured on the crop.

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
    """Mean over the faces seen of a figure made of each face's NME.

    A landmark whose target is NaN is left out; so is a face without any, or without its normalizer.
    Before any face is counted, the result is NaN. The state is two sums, so replicas and parts of a
    data set are merged by adding it up.

    Args:
        normalizer: a name known to the scheme with that many landmarks, such as "inter_pupil" or
            "inter_ocular", a number of pixels, or a function of the targets giving (batch,) pixels.
        name: name of the metric.
        dtype: Keras' dtype of the metric; the sums are float32 whatever it is.
        **options: further arguments of the metric in per cent, kept as attributes.

    Raises:
        ValueError: there is no such normalizer, or an option is not above 0.
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
            raise ValueError("normalizer of a metric in per cent must be given. Got: None")
        for option, value in options.items():
            if not value > 0:
                raise ValueError(f"{option} must be above 0 per cent. Got: {value}")
            setattr(self, option, float(value))
        self.normalizer = normalizers.check(normalizer)
        self._options = tuple(options)
        self.total = self.add_weight(name="total", initializer="zeros", dtype="float32")
        self.count = self.add_weight(name="count", initializer="zeros", dtype="float32")

    def figure(self, nme: Any) -> Any:
        """What is averaged, of each face's NME in per cent: (batch,) to (batch,)."""
        raise NotImplementedError

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch.

        Args:
            y_true: (batch, landmarks, 2) targets in pixels, NaN where not annotated.
            y_pred: predictions of the same shape.
            sample_weight: optional (batch,) or (batch, 1) weights of the faces.

        Raises:
            ValueError: targets, predictions or `sample_weight` have another shape.
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
    """Normalized mean error (Eq. 4) in per cent, averaged over the faces seen; see `FaceMetric`.

    Example:
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
        self._direction = "down"  # what callbacks of mode "auto" read from Keras' own metrics too

    def figure(self, nme: Any) -> Any:
        return nme


@_registered
class FailureRate(FaceMetric):
    """Share in per cent of the faces whose NME is above a threshold; see `FaceMetric`.

    Args:
        normalizer: as in `FaceMetric`.
        threshold: NME in per cent that is no failure yet.

    Example:
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
        # A prediction of NaN is a failure too.
        return 100.0 * ops.cast(ops.logical_not(nme <= self.threshold), "float32")


@_registered
class CEDAUC(FaceMetric):
    """Area under the cumulative error curve up to a limit, in per cent; see `FaceMetric`.

    The curve is a step function, so the area is exactly the mean of max(0, 1 - NME / limit).

    Args:
        normalizer: as in `FaceMetric`.
        limit: NME in per cent at which the curve ends.

    Example:
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
