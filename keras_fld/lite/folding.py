"""Folding of operations into weights, for export."""

import numpy as np


def check(model):
    """Raises a ValueError for a model that `export_model` does not support."""
    from keras_fld.models import graph

    if not graph.is_graph(model):
        raise ValueError(
            "only Functional and Sequential models can be exported. "
            f"Got: {model.name!r}, a {type(model).__name__}"
        )
    for layer in model.layers:
        if graph.is_graph(layer):
            check(layer)
        elif layer.dtype_policy.quantization_mode is not None:
            raise ValueError(
                "models quantized by Keras cannot be exported; the integer modes quantize the "
                f"original model. Got: layer {layer.name!r} in "
                f"{layer.dtype_policy.quantization_mode}"
            )


def export_model(model):
    """Returns an equivalent model with fewer operations, for a batch of one crop.

    Rescaling and a reversal of channels directly before the first convolution are folded into it,
    if the result is exactly the same. An offset before zero padding is not folded, because the
    padding would then have another color. Everything else stays an operation.

    Args:
        model: a Keras model of the package. Nested models are flattened.

    Returns:
        A Keras model in float32. If possible, its last Dense returns pixels; of a face score, it
        returns the input of the sigmoid.

    Raises:
        ValueError: the model is neither Functional nor Sequential, or was quantized with Keras'
            `quantize`.
    """
    import keras

    from keras_fld.models import graph
    from keras_fld.models.layers import is_score, shape_layer
    from keras_fld.models.sampled import SampledOffsets

    check(model)
    model = graph.flat_copy(model)
    shape = None if is_score(model) else shape_layer(model)
    dense = None if shape is None else graph.output_dense(model)
    convolution, folded, weights = _input_fold(model)

    def plain(layer):
        if any(layer is one for one in folded):
            return keras.layers.Identity(name=layer.name, dtype="float32")
        if layer is shape and dense is not None:
            return keras.layers.Reshape(shape.mean_shape.shape, name=shape.name, dtype="float32")
        config = layer.get_config()
        if isinstance(layer, SampledOffsets) and dense is not None:
            config |= {"mean_shape": np.zeros_like(layer.mean_shape).tolist(), "scale": 1.0}
        if "dtype" in config:  # operations that are not layers have none
            config["dtype"] = "float32"  # drops mixed precision
        return layer.__class__.from_config(config)

    image = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="image")
    clone = keras.models.clone_model(
        model, clone_function=graph.remembering(plain), input_tensors=image
    )
    graph.copy_weights(model, clone)
    if folded:
        clone.get_layer(convolution.name).set_weights(weights)
    if dense is not None:
        _fold_shape(clone, shape, dense.name)
    return clone


def _input_fold(model):
    """The first convolution, the layers before it that are folded into it, and its new weights.

    The layers are empty if there are none, or if folding would change the result.
    """
    import keras

    from keras_fld.models import graph
    from keras_fld.models.layers import ReversedChannels

    nothing: tuple = (None, [], None)
    readers = graph.consumers(model)
    if readers is None:
        return nothing
    tensor, folded = model.inputs[0], []
    while True:
        after = readers.get(id(tensor), [])
        if len(after) != 1 or tensor is model.outputs[0]:
            return nothing
        layer = after[0]
        if type(layer) is keras.layers.Conv2D:
            break
        if not isinstance(layer, (keras.layers.Rescaling, ReversedChannels)):
            return nothing
        folded.append(layer)
        tensor = layer.output
    source: np.ndarray = np.arange(tensor.shape[-1])
    scale, offset = np.ones(()), np.zeros(())
    for one in folded:
        if isinstance(one, ReversedChannels):
            # Per-channel numbers are reversed with the channels.
            source, scale, offset = source[::-1], _reversed(scale), _reversed(offset)
        else:
            factor, added = np.asarray(one.scale, float), np.asarray(one.offset, float)
            if max(factor.ndim, added.ndim) > 1:
                return nothing
            scale, offset = scale * factor, offset * factor + added
    moved = np.any(offset != 0)
    padded = layer.padding != "valid"
    if not folded or (moved and (padded or not layer.use_bias)) or np.any(scale == 0):
        return nothing
    if layer.groups != 1 and len(source) > 1:
        return nothing
    return layer, folded, _folded_weights(layer, source, scale, offset)


def _reversed(numbers):
    return numbers[::-1] if np.ndim(numbers) else numbers


def _folded_weights(layer, source, scale, offset):
    """Weights of the convolution for the raw crop instead of the output of the folded layers.

    Args:
        layer: the Conv2D.
        source: the crop's channel for each input channel of the convolution.
        scale, offset: the factor and the offset of the input channels, as scalars or one for each
            channel.
    """
    kernel, *bias = layer.get_weights()
    if np.any(offset != 0):
        every = np.broadcast_to(offset, len(source))
        bias = [bias[0] + np.einsum("hwco,c->o", kernel.astype(float), every).astype(np.float32)]
    # Division is exact: float32 can represent 255, but not 1/255.
    kernel = kernel / np.asarray(1 / np.asarray(scale), np.float32).reshape(-1, 1)
    moved = np.empty_like(kernel)
    moved[:, :, source] = kernel
    return [moved, *bias]


def _fold_shape(clone, shape, dense):
    """Folds mean shape and scale into the last Dense, the windows and the corrections."""
    from keras_fld.models.sampled import SampledOffsets
    from keras_fld.models.windows import WindowedOffsets

    layer = clone.get_layer(dense)
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel * shape.scale, bias * shape.scale + shape.mean_shape.ravel()])
    for layer in clone.layers:
        if isinstance(layer, WindowedOffsets):
            for name in layer.patches:
                window, kernel, bias = layer.get_patch(name)
                layer.set_patch(name, window, kernel * shape.scale, bias * shape.scale)
        elif isinstance(layer, SampledOffsets):
            *mix, kernel, bias = layer.get_weights()
            layer.set_weights([*mix, kernel * shape.scale, bias * shape.scale])
