"""The local form of the output layer: offsets from windows on a feature map."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="keras_fld")
class WindowedOffsets(keras.layers.Layer):
    """Computes each patch's offsets from a few learned weighted averages of a feature map.

    Global average pooling gives all positions the same weight. Here, each patch has windows of its
    own: a weight for every position, which starts as a Gaussian around a part of the patch's mean
    landmarks. One Dense maps the features in a patch's windows to its landmarks.

    Args:
        patches: dictionary from name to landmark indices. Together, the patches contain every
            landmark once.
        windows: number of windows of each patch.

    Returns:
        A layer from (batch, rows, columns, channels) to (batch, 2 * landmarks).

    Raises:
        ValueError: windows is below 1.

    Examples:
        >>> features = keras.Input((16, 16, 80))
        >>> WindowedOffsets({"eyes": range(12)})(features).shape
        (None, 24)
    """

    def __init__(self, patches, windows=3, **kwargs):
        # Half precision is not enough for offsets in pixels.
        super().__init__(**{**kwargs, "dtype": "float32"})
        if windows < 1:
            raise ValueError(f"windows must be at least 1. Got: {windows}")
        self.patches = {name: [int(i) for i in indices] for name, indices in patches.items()}
        self.windows = windows
        self._parts = {}

    def build(self, input_shape):
        _, rows, columns, channels = input_shape
        for name, indices in self.patches.items():
            outputs = 2 * len(indices)
            window = self.add_weight(
                shape=(rows * columns, self.windows),
                initializer=keras.initializers.Constant(1 / (rows * columns)),
                name=f"{name}_window",
            )
            kernel = self.add_weight(
                shape=(channels * self.windows, outputs),
                initializer="zeros",
                name=f"{name}_kernel",
            )
            bias = self.add_weight(shape=(outputs,), initializer="zeros", name=f"{name}_bias")
            self._parts[name] = window, kernel, bias

    def call(self, inputs):
        _, rows, columns, channels = inputs.shape
        flat = ops.transpose(ops.reshape(inputs, (-1, rows * columns, channels)), (0, 2, 1))
        # One matrix product for all patches. On a phone, the number of operations and short copies
        # takes longer than the arithmetic.
        windows = ops.concatenate([window for window, _, _ in self._parts.values()], axis=1)
        seen = ops.transpose(ops.matmul(flat, windows), (0, 2, 1))
        offsets = []
        for i, (_, kernel, bias) in enumerate(self._parts.values()):
            of_patch = seen[:, i * self.windows : (i + 1) * self.windows]
            of_patch = ops.reshape(of_patch, (-1, self.windows * channels))
            kernel = ops.reshape(kernel, (channels, self.windows, -1))
            kernel = ops.reshape(ops.transpose(kernel, (1, 0, 2)), (self.windows * channels, -1))
            offsets.append(ops.matmul(of_patch, kernel) + bias)
        offsets = ops.concatenate(offsets, axis=1)
        order = np.argsort([i for indices in self.patches.values() for i in indices])
        if (order != np.arange(len(order))).any():
            offsets = ops.take(offsets, np.stack([2 * order, 2 * order + 1], 1).ravel(), axis=1)
        return offsets

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2 * sum(len(indices) for indices in self.patches.values()))

    def get_patch(self, name):
        """Returns the window (positions, windows), kernel and bias of a patch as arrays.

        The kernel is (channels * windows, 2 * landmarks).
        """
        return tuple(keras.ops.convert_to_numpy(weight) for weight in self._parts[name])

    def set_patch(self, name, window, kernel, bias):
        """Sets the arrays of a patch, as returned by `get_patch`."""
        for weight, value in zip(self._parts[name], (window, kernel, bias), strict=True):
            weight.assign(value)

    def place(self, mean_shape, crop_size):
        """Sets each window to a Gaussian around its part of the patch's landmarks.

        Args:
            mean_shape: (landmarks, 2) crop pixels.
            crop_size: side of the crop in pixels.
        """
        for name, indices in self.patches.items():
            window, kernel, bias = self.get_patch(name)
            rows = columns = round(len(window) ** 0.5)
            y, x = np.mgrid[:rows, :columns]
            # If there are fewer landmarks than windows, some windows start out equal.
            parts = np.array_split(
                np.resize(indices, max(len(indices), self.windows)), self.windows
            )
            for k, part in enumerate(parts):
                points = (np.asarray(mean_shape)[part] + 0.5) * rows / crop_size - 0.5
                middle, spread = points.mean(axis=0), max(0.8, points.std(axis=0).max())
                distance = (x - middle[0]) ** 2 + (y - middle[1]) ** 2
                weight = np.exp(-distance / (2 * spread**2)).ravel()
                window[:, k] = weight / weight.sum()
            self.set_patch(name, window, kernel, bias)

    def get_config(self):
        return {**super().get_config(), "patches": self.patches, "windows": self.windows}
