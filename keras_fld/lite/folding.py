"""The same model in fewer operations, for export."""

import numpy as np


def check(model):
    """Raises ValueError for a model that `export_model` cannot take."""
    from keras_fld.models import graph

    if not graph.is_graph(model):
        raise ValueError(
            "a model to export must be a Functional or Sequential model. "
            f"Got: {model.name!r}, a {type(model).__name__}"
        )
    for layer in model.layers:
        if graph.is_graph(layer):
            check(layer)
        elif layer.dtype_policy.quantization_mode is not None:
            raise ValueError(
                "a model to export must not have been quantized by Keras; the integer modes "
                f"quantize it. Got: layer {layer.name!r} in "
                f"{layer.dtype_policy.quantization_mode}"
            )


def export_model(model):
    """The same function in fewer operations, for a batch of one crop.

    Rescaling and exchanged channels are folded into the first convolution where they stand right
    before it and the result is exactly the same; an offset is not folded over zero padding, which
    would pad with another color. What is not folded stays as an operation.

    Args:
        model: a Keras model of the package. Models among its layers are taken apart.

    Returns:
        A Keras model whose last Dense gives pixels where it can, or what the sigmoid of a face
        score takes. It computes in float32, whatever the model does.

    Raises:
        ValueError: the model is neither Functional nor Sequential, or Keras' own `quantize` has
            changed it.
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
        if "dtype" in config:  # an operation that is no layer has none
            config["dtype"] = "float32"  # of mixed precision only the weights are kept
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
    """The convolution that what stands before it is folded into, these layers, its new weights.

    No layers where nothing stands there, or it cannot be folded without changing the result.
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
            # Scalars stay what they are; per-channel numbers change places with the channels.
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
    """Weights of a convolution that does on the raw crop what it did on the folded layers' output.

    Args:
        layer: the Conv2D.
        source: of each channel that the convolution sees, the crop's channel it is.
        scale, offset: what these were multiplied by, and what was added then: numbers, or one for
            each channel that the convolution sees.
    """
    kernel, *bias = layer.get_weights()
    if np.any(offset != 0):
        every = np.broadcast_to(offset, len(source))
        bias = [bias[0] + np.einsum("hwco,c->o", kernel.astype(float), every).astype(np.float32)]
    # Divided rather than multiplied: 255 is a number of float32, and 1/255 is not.
    kernel = kernel / np.asarray(1 / np.asarray(scale), np.float32).reshape(-1, 1)
    moved = np.empty_like(kernel)
    moved[:, :, source] = kernel
    return [moved, *bias]


def _fold_shape(clone, shape, dense):
    """Mean shape and scale go into the last Dense, the windows and the corrections."""
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
