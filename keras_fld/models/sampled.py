"""Offsets corrected by what a feature map shows at the landmarks: a second look."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="keras_fld")
class SampledOffsets(keras.layers.Layer):
    """Moves landmarks by the features at the places where they were predicted.

    The offsets so far say where each landmark is. The layer reads a feature map there, bilinearly,
    and a linear map of each landmark's own turns what it reads into a correction. Reading is a
    product with a matrix of weights that are 0 but at the four nearest positions: every
    accelerator has that, and few can gather.

    Args:
        mean_shape: (landmarks, 2) pixels of the crop that offsets are added to.
        scale: crop pixels per unit of the offsets.
        crop_size: side of the crop in pixels.
        channels: numbers that are read at each landmark.

    Returns:
        From offsets, (batch, 2 * landmarks), and a map, (batch, side, side, features), to offsets.

    Raises:
        ValueError: there is nothing to read, or the map is not square.

    Examples:
        >>> layer = SampledOffsets(np.full((68, 2), 31.5), scale=6.4, crop_size=64)
        >>> layer([np.zeros((1, 136), "float32"), np.zeros((1, 16, 16, 8), "float32")]).shape[1]
        136
    """

    def __init__(self, mean_shape, scale, crop_size, channels=32, **kwargs):
        # Offsets become pixels, which need more digits than half precision has.
        super().__init__(**{**kwargs, "dtype": "float32"})
        if channels < 1:
            raise ValueError(f"channels must be at least 1. Got: {channels}")
        self.mean_shape = np.asarray(mean_shape, "float32")
        self.scale, self.crop_size, self.channels = float(scale), int(crop_size), int(channels)

    def build(self, input_shape):
        _, (_, rows, columns, features) = input_shape
        if rows != columns:
            raise ValueError(f"the feature map must be square. Got: {rows} x {columns}")
        count, one = len(self.mean_shape), (self.channels,)
        self.mix = self.add_weight(shape=(features, *one), initializer="he_normal", name="mix")
        self.mix_bias = self.add_weight(shape=one, initializer="zeros", name="mix_bias")
        # Zeros: a layer that is new to a trained network changes nothing at first.
        self.kernel = self.add_weight(shape=(count, *one, 2), initializer="zeros", name="kernel")
        self.bias = self.add_weight(shape=(count, 2), initializer="zeros", name="bias")

    def call(self, inputs):
        offsets, features = inputs
        count, side, positions = len(self.mean_shape), features.shape[1], features.shape[1] ** 2
        weights = ops.reshape(self._weights_of(offsets, side), (-1, count, positions))
        features = ops.reshape(features, (-1, positions, features.shape[-1]))
        seen = ops.matmul(weights, ops.matmul(features, self.mix))
        seen = ops.relu(seen + self.mix_bias)
        moved = ops.sum(ops.expand_dims(seen, 3) * self.kernel, axis=2) + self.bias
        return offsets + ops.reshape(moved, (-1, 2 * count))

    def _weights_of(self, offsets, side):
        """(batch, landmarks, side, side): how much of each position a landmark reads."""
        # From pixels to positions of the map, by their centers, and not beyond the outermost.
        step = side / self.crop_size
        start = (self.mean_shape.ravel() + 0.5) * step - 0.5
        places = ops.stop_gradient(offsets) * (self.scale * step) + ops.convert_to_tensor(start)
        places = ops.reshape(ops.clip(places, 0, side - 1), (-1, len(self.mean_shape), 2))
        numbers = ops.convert_to_tensor(np.arange(side, dtype="float32"))
        across = ops.relu(1 - ops.abs(places[..., :1] - numbers))
        down = ops.relu(1 - ops.abs(places[..., 1:] - numbers))
        return ops.expand_dims(down, 3) * ops.expand_dims(across, 2)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), **self._options()}

    def _options(self):
        return {
            "mean_shape": self.mean_shape.tolist(),
            "scale": self.scale,
            "crop_size": self.crop_size,
            "channels": self.channels,
        }
