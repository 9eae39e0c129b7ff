"""The graph of a Keras model: copies without nesting, and what feeds the output."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import keras

from keras_fld.models.sampled import SampledOffsets
from keras_fld.models.windows import WindowedOffsets

# Layers that only change the shape of what a Dense gives.
_SHAPING = (keras.layers.Reshape, keras.layers.Flatten, keras.layers.Identity)


def is_graph(layer: Any) -> bool:
    """Whether something is a Functional or Sequential model, whose layers can be walked."""
    return isinstance(layer, keras.Sequential) or (
        isinstance(layer, keras.Model) and isinstance(layer, keras.Function)
    )


def flat_copy(model: keras.Model) -> keras.Model:
    """A copy of a Functional or Sequential model in which no layer is such a model itself.

    Layers keep their names; where two inner models have layers of one name, the inner model's name
    is put before it. `training=` given to an inner model reaches its layers.

    Args:
        model: the model; it is not changed.

    Returns:
        A Functional model with weights of its own.

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
    # The layers have been called twice by now, inside their models and outside.
    fresh = keras.models.clone_model(
        copy, clone_function=remembering(_again), call_function=_without_conversions
    )
    copy_weights(copy, fresh)
    return fresh


def moved(model: keras.Model, tensor: keras.KerasTensor) -> keras.KerasTensor:
    """The output of new layers like a flat model's, without its weights, on another input.

    Args:
        model: what `flat_copy` gives, of one input and one output.
        tensor: the input.
    """
    # The input tensor is inside another graph, so the new model's own output is not connected.
    outputs: dict[str, Any] = {}
    again = remembering(_again)

    def call(layer, *args, **kwargs):
        outputs[layer.name] = result = layer(*args, **kwargs)
        return result

    keras.models.clone_model(model, clone_function=again, call_function=call, input_tensors=tensor)
    return outputs[writer_of(model, model.outputs[0]).name]


def writer_of(model: keras.Model, tensor: keras.KerasTensor) -> Any:
    """The operation of a model that gives a tensor."""
    for operation in model.operations:
        if any(tensor is x for x in keras.tree.flatten(operation.output)):
            return operation
    return model.layers[-1]  # of a layer called several times, Keras tells the first output


def first_layer(model: keras.Model) -> Any:
    """The one layer that reads a model's input, inside inner models too; None where several do."""
    while is_graph(model):
        flat = keras.Model(model.inputs[0], model.outputs[0])
        readers = consumers(flat)
        after = [] if readers is None else readers.get(id(flat.inputs[0]), [])
        if len(after) != 1:
            return None
        model = after[0]
    return model


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Gives the layers of one flat model the weights of another's layers of the same names."""
    for layer in source.layers:
        if layer.weights:
            target.get_layer(layer.name).set_weights(layer.get_weights())
    _finish(target)


def _finish(model):
    # A Normalization computes with what it has derived from its weights.
    for layer in model.layers:
        if is_graph(layer):
            _finish(layer)
        elif isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()


def _names(model):
    """Names of the layers of a model and of those inside it."""
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
    """A layer of the same configuration, not yet built."""
    config = layer.get_config()
    if prefix:
        config["name"] = prefix + layer.name
    return layer.__class__.from_config(config)


def remembering(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function, giving a layer that the graph calls several times one and the same copy."""
    known: dict[int, Any] = {}

    def remembered(layer):
        if id(layer) not in known:
            known[id(layer)] = function(layer)
        return known[id(layer)]

    return remembered


def _through(layer, *args, **kwargs):
    # `call` runs the inner layers on the outer tensors; calling the model would add one node.
    return layer.call(*args, **kwargs) if is_graph(layer) else layer(*args, **kwargs)


def _without_conversions(layer, *args, **kwargs):
    # `call` of an inner model has made tensors of tensors.
    if type(layer).__name__ == "ConvertToTensor" and layer.dtype in (None, args[0].dtype):
        return args[0]
    return layer(*args, **kwargs)


def consumers(model: keras.Model) -> dict[int, list[Any]] | None:
    """The operations that read each tensor, by the tensor's id.

    Args:
        model: a Functional model.

    Returns:
        The dictionary, or None where a layer is called several times: Keras then tells only the
        tensors of its first call.
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
    """The Dense whose numbers the landmarks, or the score, are made of.

    Args:
        model: a model that ends in the package's output layer.
        linear: only a Dense that nothing but reshaping, the sum with `WindowedOffsets` and
            `SampledOffsets` follow.

    Returns:
        The layer; None for a model whose last weights are in another kind of layer.
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
    """A layer's output in the graph that calls it, also where it is a model itself."""
    # `Model.output` of an inner model is a tensor of its own graph.
    return keras.Operation.output.fget(layer)
