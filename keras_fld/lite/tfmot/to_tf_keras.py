"""Translation of the package's networks to Keras 2, for tensorflow-model-optimization."""

import inspect
from typing import Any

import numpy as np
import tf_keras

from keras_fld.models import sampled, windows
from keras_fld.models.layers import ShapeOffset

# Layers with the same name and arguments in Keras 2 and 3.
SAME = (
    "Activation",
    "Add",
    "AveragePooling2D",
    "BatchNormalization",
    "Concatenate",
    "Conv2D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "MaxPooling2D",
    "Multiply",
    "ReLU",
    "Rescaling",
    "Reshape",
    "ZeroPadding2D",
)
# Activations that Keras 2 and 3 compute alike. hard_sigmoid, for example, has different slopes.
ACTIVATIONS = ("elu", "linear", "relu", "selu", "sigmoid", "softmax", "softplus", "tanh")
# Arguments that are Keras 3 objects and do not affect the output.
_DROPPED = ("_initializer", "_regularizer", "_constraint", "dtype")


@tf_keras.utils.register_keras_serializable(package="keras_fld")
class WindowedOffsets(tf_keras.layers.Layer):
    """`models.windows.WindowedOffsets` as a Keras 2 layer with the same weights and arithmetic."""

    build, call = windows.WindowedOffsets.build, windows.WindowedOffsets.call

    def __init__(self, patches, windows, **kwargs):
        super().__init__(**kwargs)
        self.patches = {name: list(indices) for name, indices in patches.items()}
        self.windows, self._parts = windows, {}

    def get_config(self):
        patches = {name: list(indices) for name, indices in self.patches.items()}
        return {**super().get_config(), "patches": patches, "windows": self.windows}


@tf_keras.utils.register_keras_serializable(package="keras_fld")
class SampledOffsets(tf_keras.layers.Layer):
    """`models.sampled.SampledOffsets` as a Keras 2 layer with the same weights and arithmetic."""

    build, call = sampled.SampledOffsets.build, sampled.SampledOffsets.call
    _weights_of = sampled.SampledOffsets._weights_of
    _options = sampled.SampledOffsets._options

    def __init__(self, mean_shape, scale, crop_size, channels, **kwargs):
        super().__init__(**kwargs)
        self.mean_shape = np.asarray(mean_shape, "float32")
        self.scale, self.crop_size, self.channels = scale, crop_size, channels

    def get_config(self):
        return {**super().get_config(), **self._options()}


# Translations of the package's own layers.
OWN = {windows.WindowedOffsets: WindowedOffsets, sampled.SampledOffsets: SampledOffsets}


def to_tf_keras(model):
    """Translates a network to Keras 2.

    Args:
        model: a Keras model of the package, or the result of `folding.export_model`.

    Returns:
        A `tf_keras.Model` whose layers have the same names, weights and outputs. The weights are
        copies. Crop and scheme are lost.

    Raises:
        ValueError: the model has a layer or an activation that is not in `SAME` or `ACTIVATIONS`.

    Examples:
        >>> to_tf_keras(TRNet20()).output_shape
        (None, 68, 2)
    """
    tensors: dict[int, Any] = {}
    for layer in model.layers:
        made = None
        if type(layer).__name__ == "InputLayer":
            output = tf_keras.Input(batch_shape=layer.batch_shape, name=layer.name)
        else:
            inputs = layer.input
            inputs = (
                [tensors[id(x)] for x in inputs]
                if isinstance(inputs, (list, tuple))
                else tensors[id(inputs)]
            )
            made = _layer(layer)
            output = inputs if made is None else made(inputs)
        if made is not None and layer.weights:
            made.set_weights(layer.get_weights())
        if isinstance(layer, ShapeOffset):
            output = _pixels(layer, output)
        tensors[id(layer.output)] = output
    return tf_keras.Model(
        tensors[id(model.inputs[0])], tensors[id(model.outputs[0])], name=model.name
    )


def _layer(layer):
    """The layer in Keras 2, without its weights; None for an Identity."""
    name, config = type(layer).__name__, layer.get_config()
    if name == "Identity":
        return None
    if isinstance(layer, ShapeOffset):
        return tf_keras.layers.Reshape(layer.mean_shape.shape, name=f"{layer.name}_reshape")
    if type(layer) in OWN:
        kind = OWN[type(layer)]
    elif name in SAME:
        kind = getattr(tf_keras.layers, name)
    else:
        raise ValueError(
            f"a network must consist of {', '.join(SAME)} and the package's own layers. "
            f"Got: {name} ({layer.name!r})"
        )
    activation = config.get("activation", "linear")
    if activation not in ACTIVATIONS:
        raise ValueError(
            f"activations of a network must be {', '.join(ACTIVATIONS)} or ReLU layers. "
            f"Got: {_name(activation)} of {layer.name!r}"
        )
    known = set(inspect.signature(kind).parameters) | {"name"}
    return kind(
        **{k: v for k, v in config.items() if k in known and not k.endswith(_DROPPED)},
    )


def _name(activation):
    """The name of a Keras 3 activation, or the config of one that is an object."""
    return activation.get("config", activation) if isinstance(activation, dict) else activation


def _pixels(layer, offsets):
    """`mean_shape + scale * offsets` of a `ShapeOffset`."""
    pixels = tf_keras.layers.Rescaling(layer.scale, layer.mean_shape.tolist(), name=layer.name)
    return pixels(offsets)
