"""Metrics for `compile` and `fit`, in per cent of the normaliser, measured on the crop.

`keras_fld.evaluate` computes the same figures in photograph pixels, where every normaliser is known.
"""

import keras
from keras import ops

from keras_fld import losses


@keras.saving.register_keras_serializable(package="keras_fld")
class NME(keras.metrics.Metric):
    """Normalised mean error in per cent, averaged over the faces seen.

    A landmark whose target is NaN is left out; so is a face without any, or without its normaliser.

    Args:
        normalizer: a name known to the scheme with that many landmarks, such as "inter_pupil" or
            "inter_ocular", a number of pixels, or a function of the targets giving (batch,) pixels.
        name: name of the metric.

    Example:
        >>> metric = NME("inter_pupil")
        >>> metric.update_state(y_true, y_pred)
        >>> float(metric.result())
    """

    def __init__(self, normalizer="inter_pupil", name="nme", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.normalizer = normalizer
        self.total = self.add_weight(name="total", initializer="zeros", dtype="float32")
        self.count = self.add_weight(name="count", initializer="zeros", dtype="float32")

    def update_state(self, y_true, y_pred, sample_weight=None):
        values = losses.nme(y_true, y_pred, self.normalizer)
        counted = losses.faces_counted(y_true, values)
        if sample_weight is not None:
            counted = counted * ops.reshape(ops.cast(sample_weight, "float32"), (-1,))
        self.total.assign_add(ops.sum(ops.where(counted > 0, values, 0.0) * counted))
        self.count.assign_add(ops.sum(counted))

    def result(self):
        return 100.0 * self.total / ops.where(self.count > 0, self.count, 1.0)

    def get_config(self):
        return {**super().get_config(), "normalizer": self.normalizer}
