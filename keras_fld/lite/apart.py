"""Finds the first layer at which a converted file and its Keras model differ."""

from typing import TYPE_CHECKING

import numpy as np

from keras_fld.lite import modes
from keras_fld.predict.lite_model import new_interpreter

if TYPE_CHECKING:
    import keras

# Relative difference of a layer's output above which it is more than a rounding error.
_PART = 0.01


def lite_outputs(content: bytes, images: np.ndarray) -> np.ndarray:
    """Dequantized outputs of a file with one input and one output, for uint8 crops."""
    interpreter = new_interpreter(content)
    given, taken = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero_point = taken["quantization"]
    found = []
    for image in images:
        pixels = (image ^ 0x80).view(np.int8) if given["dtype"] == np.int8 else image
        interpreter.set_tensor(given["index"], pixels[None].astype(given["dtype"]))
        interpreter.invoke()
        found.append(interpreter.get_tensor(taken["index"])[0].astype(np.float32))
    outputs = np.stack(found)
    return (outputs - zero_point) * np.float32(scale) if scale else outputs


def keras_outputs(model, images):
    """Outputs of a Keras model for uint8 crops, one array or a list, in float32."""
    import keras

    found = model(images.astype(np.float32), training=False)
    if isinstance(found, (list, tuple)):
        return [np.asarray(keras.ops.convert_to_numpy(x), np.float32) for x in found]
    return np.asarray(keras.ops.convert_to_numpy(found), np.float32)


def constant_layer(model: "keras.Model", images: np.ndarray) -> tuple[str, float] | None:
    """The first layer whose output is the same number for all crops, and that number, or None.

    Args:
        model: the Keras model.
        images: (crops, size, size, 3) crops.
    """
    import keras

    from keras_fld.models import graph

    layers = [x for x in model.layers if not isinstance(x, keras.layers.InputLayer)]
    every = keras.Model(model.inputs[0], [graph.output_of(layer) for layer in layers])
    for layer, found in zip(layers, keras_outputs(every, images), strict=True):
        if found.min() == found.max():
            return layer.name, float(found.min())
    return None


def folded_apart(model: "keras.Model", images: np.ndarray) -> str | None:
    """The first layer whose output `export_model` changes, or None.

    Args:
        model: the Keras model.
        images: (crops, size, size, 3) crops.
    """
    import keras

    from keras_fld.lite.folding import export_model

    exported = export_model(model)
    pairs = [
        (layer.name, *tensors)
        for layer in model.layers
        if (tensors := _tensors(layer, exported)) is not None
    ]
    before = keras.Model(model.inputs[0], [first for _, first, _ in pairs])
    after = keras.Model(exported.inputs[0], [second for _, _, second in pairs])
    expected = keras_outputs(before, images)
    found = [keras_outputs(after, image[None]) for image in images]
    for place, (name, _, _) in enumerate(pairs):
        if _differ(expected[place], np.concatenate([one[place] for one in found])):
            return name
    return None


def _tensors(layer, exported):
    """A layer's output in the model and in its export, or None if they may differ."""
    from keras_fld.models import graph
    from keras_fld.models.sampled import SampledOffsets
    from keras_fld.models.windows import WindowedOffsets

    last = layer
    while graph.is_graph(last):
        last = next(x for x in reversed(last.layers))
    names = {x.name: x for x in exported.layers}
    other = names.get(last.name)
    if other is None or type(other) is not type(last):
        return None  # the input, or a folded layer
    if graph.output_dense(exported) is other or isinstance(
        other, (WindowedOffsets, SampledOffsets)
    ):
        return None  # returns pixels in the export
    return graph.output_of(layer), other.output


def converted_apart(exported: "keras.Model", images: np.ndarray) -> str | None:
    """The first layer whose output the float32 file changes, by bisection, or None.

    Args:
        exported: the result of `export_model`, on the TensorFlow backend.
        images: (crops, size, size, 3) crops.
    """
    import keras

    layers = [x for x in exported.layers if not isinstance(x, keras.layers.InputLayer)]

    def differs(count):
        part = keras.Model(exported.inputs[0], layers[count].output)
        expected = np.concatenate([keras_outputs(part, image[None]) for image in images])
        found = lite_outputs(modes.float32(part), images)
        return _differ(expected, found.reshape(expected.shape))

    if not differs(len(layers) - 1):
        return None
    low, high = 0, len(layers) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if differs(middle) else (middle + 1, high)
    return layers[low].name


def _differ(expected, found):
    size = np.abs(expected).max()
    return not np.abs(found - expected).max() <= _PART * size + 1e-6
