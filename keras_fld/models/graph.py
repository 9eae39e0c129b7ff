"""The graph of a Keras model: copies without nested models, and the layer before the output."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import keras

from keras_fld.models.sampled import SampledOffsets
from keras_fld.models.windows import WindowedOffsets

# Layers that only change the shape of a Dense's output.
_SHAPING = (keras.layers.Reshape, keras.layers.Flatten, keras.layers.Identity)


def is_graph(layer: Any) -> bool:
    """Whether an object is a Functional or Sequential model, whose layers can be traversed."""
    return isinstance(layer, keras.Sequential) or (
        isinstance(layer, keras.Model) and isinstance(layer, keras.Function)
    )


def flat_copy(model: keras.Model) -> keras.Model:
    """Copies a Functional or Sequential model without nested models.

    Layers keep their names. If two nested models have layers of the same name, the name of the
    nested model is prepended. An argument `training=` of a nested model is passed to its layers.

    Args:
        model: the model, which is not changed.

    Returns:
        A Functional model with its own weights.

    Examples:
        >>> flat_copy(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])).output_shape
        (None, 2)
    """
    twice = {name for name, count in Counter(_names(model)).items() if count > 1}
    copy = _copy(model, twice, "")
    copy.set_weights(model.get_weights())
    _finish(copy)
    if not any(map(is_graph, copy.layers)):
        return copy
    while any(map(is_graph, copy.layers)):
        copy = keras.models.clone_model(
            copy, clone_function=lambda layer: layer, call_function=_through
        )
    # By now, the layers have been called twice, inside their models and outside.
    fresh = keras.models.clone_model(
        copy, clone_function=remembering(_again), call_function=_without_conversions
    )
    copy_weights(copy, fresh)
    return fresh


def moved(model: keras.Model, tensor: keras.KerasTensor) -> keras.KerasTensor:
    """Applies new layers like those of a flat model, without its weights, to another input.

    Args:
        model: a result of `flat_copy`, with one input and one output.
        tensor: the new input.

    Returns:
        The output tensor.
    """
    # The input tensor belongs to another graph, so the new model's own output is not connected.
    outputs: dict[str, Any] = {}
    again = remembering(_again)

    def call(layer, *args, **kwargs):
        outputs[layer.name] = result = layer(*args, **kwargs)
        return result

    keras.models.clone_model(model, clone_function=again, call_function=call, input_tensors=tensor)
    return outputs[writer_of(model, model.outputs[0]).name]


def writer_of(model: keras.Model, tensor: keras.KerasTensor) -> Any:
    """Returns the operation of a model that outputs a tensor."""
    for operation in model.operations:
        if any(tensor is x for x in keras.tree.flatten(operation.output)):
            return operation
    return model.layers[-1]  # for a layer with several calls, Keras only knows the first output


def first_layer(model: keras.Model) -> Any:
    """Returns the only layer that reads a model's input, also in nested models, else None."""
    while is_graph(model):
        flat = keras.Model(model.inputs[0], model.outputs[0])
        readers = consumers(flat)
        after = [] if readers is None else readers.get(id(flat.inputs[0]), [])
        if len(after) != 1:
            return None
        model = after[0]
    return model


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copies the weights of one flat model to the layers of another with the same names."""
    for layer in source.layers:
        if layer.weights:
            target.get_layer(layer.name).set_weights(layer.get_weights())
    _finish(target)


def _finish(model):
    # A Normalization computes with values derived from its weights.
    for layer in model.layers:
        if is_graph(layer):
            _finish(layer)
        elif isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


def _names(model):
    """Yields the names of a model's layers, including nested ones."""
    for layer in model.layers:
        if is_graph(layer):
            yield from _names(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            yield layer.name


def _copy(model, twice, prefix):
    def one(layer):
        if is_graph(layer):
            return _copy(layer, twice, f"{prefix}{layer.name}_")
        return _again(layer, prefix if layer.name in twice else "")

    inputs, outputs = (x[0] if len(x) == 1 else x for x in (model.inputs, model.outputs))
    plain = keras.Model(inputs, outputs, name=model.name)
    return keras.models.clone_model(plain, clone_function=remembering(one))


def _again(layer, prefix=""):
    """Creates an unbuilt layer with the same configuration."""
    config = layer.get_config()
    if prefix:
        config["name"] = prefix + layer.name
    return layer.__class__.from_config(config)


def remembering(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Caches a function of layers, so that a layer with several calls is copied once."""
    known: dict[int, Any] = {}

    def remembered(layer):
        if id(layer) not in known:
            known[id(layer)] = function(layer)
        return known[id(layer)]

    return remembered


def _through(layer, *args, **kwargs):
    # `call` applies the inner layers to the outer tensors; calling the model would add a node.
    return layer.call(*args, **kwargs) if is_graph(layer) else layer(*args, **kwargs)


def _without_conversions(layer, *args, **kwargs):
    # `call` of a nested model has converted tensors to tensors.
    if type(layer).__name__ == "ConvertToTensor" and layer.dtype in (None, args[0].dtype):
        return args[0]
    return layer(*args, **kwargs)


def consumers(model: keras.Model) -> dict[int, list[Any]] | None:
    """Finds the operations that read each tensor.

    Args:
        model: a Functional model.

    Returns:
        A dictionary from the tensor's id to its operations, or None if a layer is called several
        times, because Keras then only knows the tensors of its first call.
    """
    found: dict[int, list[Any]] = {}
    written = {id(x) for op in model.operations for x in keras.tree.flatten(op.output)}
    for operation in model.operations:
        if not isinstance(operation, keras.layers.InputLayer):
            for tensor in keras.tree.flatten(operation.input):
                found.setdefault(id(tensor), []).append(operation)
    every = [*found, *map(id, model.outputs)]
    return found if written.issuperset(every) else None


def output_dense(model: keras.Model, linear: bool = True) -> keras.layers.Dense | None:
    """Finds the Dense that computes the landmarks' offsets, or the score.

    Args:
        model: a model that ends in an output layer of the package.
        linear: accept only a linear Dense that is followed by nothing but reshaping, the sum with
            `WindowedOffsets`, and `SampledOffsets`.

    Returns:
        The layer; None if the model's last weights are in a layer of another type.
    """
    writers = {id(x): op for op in model.operations for x in keras.tree.flatten(op.output)}
    layer = model.layers[-1]
    while True:
        inputs = keras.tree.flatten(layer.input)
        before = [writers[id(tensor)] for tensor in inputs if id(tensor) in writers]
        if isinstance(layer, keras.layers.Add):
            before = [one for one in before if not isinstance(one, WindowedOffsets)]
        if isinstance(layer, SampledOffsets):
            before = before[:1]  # the other is a feature map
        if len(before) != 1 or isinstance(before[0], keras.layers.InputLayer):
            return None
        layer = before[0]
        if isinstance(layer, keras.layers.Dense):
            good = len(layer.output.shape) == 2 and layer.use_bias
            straight = layer.activation is keras.activations.linear
            return layer if not linear or (good and straight) else None
        if isinstance(layer, SampledOffsets):
            continue
        if layer.weights if not linear else not isinstance(layer, (*_SHAPING, keras.layers.Add)):
            return None


def output_of(layer: Any) -> Any:
    """Returns a layer's output in the graph that calls it, even if the layer is a model."""
    # `Model.output` of a nested model is a tensor of its own graph.
    return keras.Operation.output.fget(layer)
