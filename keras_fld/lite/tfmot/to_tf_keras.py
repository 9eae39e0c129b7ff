"""Translation of the package's networks to Keras 2, for tensorflow-model-optimization."""

import inspect
from typing import Any

import tf_keras

from keras_fld.models import windows
from keras_fld.models.layers import ShapeOffset

# Layers with the same name and arguments in Keras 2 and 3.
SAME = (
    "Add",
    "BatchNormalization",
    "Conv2D",
    "Dense",
    "Flatten",
    "GlobalAveragePooling2D",
    "MaxPooling2D",
    "ReLU",
    "Rescaling",
    "Reshape",
)
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


def to_tf_keras(model):
    """Translates a network to Keras 2.

    Args:
        model: a Keras model of the package, or the result of `folding.export_model`.

    Returns:
        A `tf_keras.Model` whose layers have the same names, weights and outputs. The weights are
        copies. Crop and scheme are lost.

    Raises:
        ValueError: the model has a layer that the package's networks do not use.

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
    if isinstance(layer, windows.WindowedOffsets):
        kind = WindowedOffsets
    elif name in SAME:
        kind = getattr(tf_keras.layers, name)
    else:
        raise ValueError(
            f"a network must consist of {', '.join(SAME)} and the package's own layers. "
            f"Got: {name} ({layer.name!r})"
        )
    known = set(inspect.signature(kind).parameters) | {"name"}
    return kind(
        **{k: v for k, v in config.items() if k in known and not k.endswith(_DROPPED)},
    )


def _pixels(layer, offsets):
    """`mean_shape + scale * offsets` of a `ShapeOffset`."""
    pixels = tf_keras.layers.Rescaling(layer.scale, layer.mean_shape.tolist(), name=layer.name)
    return pixels(offsets)
