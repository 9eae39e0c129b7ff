"""The optimizers that training recipes select by name."""

from typing import Any

from keras_fld._internal import names
from keras_fld._internal.backend import keras

ops = keras.ops

__all__ = ["OPTIMIZERS", "Muon"]

# Coefficients of a quintic. Applied repeatedly, it maps singular values in (0, 1] to about 1
# (Jordan et al., 2024).
_QUINTIC = (3.4445, -4.7750, 2.0315)
# Root mean square of an update, in units of the learning rate. It is close to AdamW's, so both
# optimizers work with the same learning rates and weight decays (Liu et al., arXiv 2502.16982).
_RMS = 0.2
# Entries below this are set to zero. In a matrix of norm 1 they are far below float32 precision.
_NOTHING = 1e-12

# On PyTorch, Keras replaces AdamW with a class that has fused updates. `__new__` returns that class
# without creating an optimizer: its variables would start TensorFlow's threads on import, and a
# process with such threads cannot be forked.
_AdamW = type(keras.optimizers.AdamW.__new__(keras.optimizers.AdamW))


@keras.saving.register_keras_serializable(package="keras_fld")
class Muon(_AdamW):  # type: ignore[misc, valid-type]
    """Muon optimizer: orthogonal updates for convolution kernels, AdamW for all other weights.

    A kernel is reshaped to a matrix of shape (height * width * channels, filters). The update is
    the orthogonal matrix nearest to its momentum, so it has the same size in all directions,
    including those that few faces require. `keras.optimizers.Muon` does this for 2-D weights only,
    and a convolutional network has just one of them. Here, biases, BatchNorm and output layers use
    AdamW.

    Args:
        learning_rate: as in AdamW.
        momentum: momentum of the kernels.
        rounds: number of Newton-Schulz iterations towards the orthogonal matrix.
        **kwargs: other arguments of AdamW.

    Examples:
        >>> model.compile(Muon(4e-3, weight_decay=1e-4), loss=keras_fld.losses.ENME())
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 1e-3,
        momentum: float = 0.95,
        rounds: int = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.momentum, self.rounds = momentum, rounds

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        pairs = list(zip(grads, trainable_variables, strict=True))
        rest = [pair for pair in pairs if len(pair[1].shape) != 4]
        if rest:
            super()._backend_update_step(*map(list, zip(*rest, strict=True)), learning_rate)
        for gradient, kernel in pairs:
            if len(kernel.shape) == 4:
                self._orthogonal_step(gradient, kernel, learning_rate)

    def _orthogonal_step(self, gradient, kernel, learning_rate):
        momentum = self._momentums[self._get_variable_index(kernel)]
        momentum.assign(momentum * self.momentum + gradient)
        filters = kernel.shape[-1]
        matrix = ops.reshape(gradient + momentum * self.momentum, (-1, filters))  # Nesterov's
        step = _orthogonal(matrix, self.rounds) * (_RMS * max(matrix.shape) ** 0.5)
        rate = ops.cast(learning_rate, kernel.dtype)
        kernel.assign_sub(rate * ops.reshape(step, kernel.shape))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "rounds": self.rounds}


def _orthogonal(matrix, rounds):
    """Approximates the nearest orthogonal matrix: the singular values become 0.7 to 1.2."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = ops.transpose(matrix) if tall else matrix
    x = x / (ops.norm(x) + 1e-7)
    # The momentum of filters that no longer get a gradient decays to subnormal numbers. They make
    # PyTorch's matrix products three times as slow and do not change the result.
    x = ops.where(ops.abs(x) < _NOTHING, ops.zeros_like(x), x)
    a, b, c = _QUINTIC
    for _ in range(rounds):
        square = x @ ops.transpose(x)
        x = a * x + (b * square + c * (square @ square)) @ x
    return ops.transpose(x) if tall else x


OPTIMIZERS = dict(zip(names.OPTIMIZERS, (keras.optimizers.AdamW, Muon), strict=True))
