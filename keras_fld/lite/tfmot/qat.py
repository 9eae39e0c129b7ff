"""Quantization-aware training: fine-tuning of a network that simulates int8 arithmetic.

It applies tensorflow-model-optimization to a translation into Keras 2. Every weight and activation
up to the features is rounded as in int8. The output layer stays in float, as in mode "int8", and
the file has the same operations.
"""

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_fld._internal.files import replacing
from keras_fld.lite import flatbuffer, metadata, modes
from keras_fld.lite.folding import export_model
from keras_fld.lite.tfmot import finetune

if TYPE_CHECKING:
    import keras


# Layers after the features. They stay in float.
_HEAD = ("offsets", "windows", "sum", "landmarks", "landmarks_reshape", "rescale")
# Number of batches for the initial ranges of activations, which training updates.
CALIBRATION_BATCHES = 20


def qat(
    model: "keras.Model",
    path: str | Path,
    data: Iterable[Any],
    epochs: int = 2,
    learning_rate: float = 1e-4,
    loss: "keras.losses.Loss | str | None" = None,
    name: str | None = None,
    verbose: int = 1,
) -> "keras.Model":
    """Fine-tunes a trained model for int8 and writes the file.

    Input and output are as with `convert` in mode "int8". Needs the TensorFlow backend and the
    extra `compress`.

    Args:
        model: a trained Keras model of the package; it is not changed.
        path: the `.tflite` file to write.
        data: augmented batches of (images, landmarks), newly augmented at each iteration, as from
            `keras_fld.data.load`.
        epochs: passes over the data; 0 only calibrates the ranges of activations.
        learning_rate: initial learning rate of Adam, with cosine decay to zero.
        loss: a loss or its name; None means `ENME()`.
        name: name of the published model, for the metadata.
        verbose: 0 is silent, 1 shows a progress bar.

    Returns:
        The fine-tuned Keras model, in float.

    Raises:
        ImportError: the extra `compress` is not installed.
        ValueError: the backend is not TensorFlow, the data does not match the model, or the loss is
            not finite.

    Examples:
        >>> qat(model, "face.tflite", keras_fld.data.load("300w", root, batch_size=16))
    """
    check(epochs, learning_rate, loss)
    library = finetune.tfmot()
    from keras_fld.lite.tfmot.to_tf_keras import to_tf_keras

    steps = finetune.steps_of(data, model)
    model = finetune.flat(model)
    _check_input(model)
    plain = to_tf_keras(model)
    trained = quantized(library, plain, _head(model))
    start_ranges(trained, plain, data)
    for layer in trained.layers:
        # Keeps the statistics that export folds; those of augmented batches differ.
        if type(getattr(layer, "layer", None)).__name__ == "BatchNormalization":
            layer.trainable = False
    if epochs:
        finetune.fine_tune(trained, data, steps, epochs, learning_rate, loss, verbose=verbose)
    tuned = finetune.with_weights_of(model, trained)
    content = file_content(library, tuned, trained)
    content = metadata.write(content, metadata.describe(tuned, modes.QAT, content, name))
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return tuned


def _head(model):
    """Names of the layers that stay in float: the output layer, all after it, and any rescaling."""
    import keras

    from keras_fld.models import graph

    layers, output = model.layers, graph.output_dense(model, linear=False)
    behind = layers[layers.index(output) :] if output in layers else layers[-1:]
    names = [layer.name for layer in behind] + [f"{layers[-1].name}_reshape"]
    folded = [layer.name for layer in layers if isinstance(layer, keras.layers.Rescaling)]
    return {*_HEAD, *names, *folded}


def _check_input(model):
    """Raises a ValueError if export cannot fold the rescaling of a model."""
    import keras

    for layer in export_model(model).layers:
        if isinstance(layer, keras.layers.Rescaling):
            raise ValueError(
                "to be fine-tuned for int8, a network must rescale its input by a single Rescaling "
                "without offset directly before its first convolution, or not at all. "
                "keras-fld convert has no such limit. "
                f"Got: {layer.name!r}"
            )


def check(epochs, learning_rate, loss):
    """Raises a ValueError if an option of `qat` is out of range."""
    if epochs < 0:
        raise ValueError(f"epochs must be at least 0. Got: {epochs}")
    finetune.check(learning_rate, loss)


def quantized(library, plain, head=_HEAD):
    """A copy of a network that simulates int8 rounding, except in its head.

    Args:
        library: the result of `finetune.tfmot`.
        plain: the result of `to_tf_keras`.
        head: names of the layers that stay in float.

    Raises:
        ValueError: the library cannot quantize a layer.
    """
    import tf_keras

    from keras_fld.lite.tfmot.to_tf_keras import OWN

    keras = library.quantization.keras
    own = tuple(OWN.values())

    def annotate(layer):
        if layer.name in head or isinstance(layer, own):
            return layer
        return keras.quantize_annotate_layer(layer)

    with keras.quantize_scope({kind.__name__: kind for kind in own}):
        # Layers are reused with their weights; `quantize_apply` copies them.
        annotated = tf_keras.models.clone_model(plain, clone_function=annotate)
        try:
            return keras.quantize_apply(annotated, _scheme(library))
        except (RuntimeError, ValueError) as error:
            why = str(error).strip().splitlines()[0]
            raise ValueError(f"the network cannot be fine-tuned for int8: {why}") from error


def _scheme(library):
    """The library's scheme, extended to the weights of layers directly before a ReLU.

    The library does not quantize them: `LayerReLUQuantize`, intended for Add, matches convolutions,
    too.
    """
    import tf_keras
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_configs as configs,
    )
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_registry as registry,
    )

    default = library.quantization.keras.default_8bit
    of_kernels = {
        tf_keras.layers.Conv2D: registry.Default8BitConvQuantizeConfig(["kernel"], [], False),
        tf_keras.layers.Dense: registry.Default8BitQuantizeConfig(["kernel"], [], False),
    }

    transform: Any = default.Default8BitQuantizeLayoutTransform
    scheme: Any = default.Default8BitQuantizeScheme

    class Layout(transform):
        def apply(self, model, layer_quantize_map):
            model, chosen = super().apply(model, layer_quantize_map)
            for layer in model.layers:
                about = chosen.get(layer.name, {})
                passed_over = isinstance(about.get("quantize_config"), configs.NoOpQuantizeConfig)
                if passed_over and type(layer) in of_kernels:
                    about["quantize_config"] = of_kernels[type(layer)]
            return model, chosen

    class Scheme(scheme):
        def get_layout_transformer(self):
            return Layout()

    return Scheme()


def _ranges(layer):
    """The variables with the output range of a layer, if its output is quantized."""
    return [layer._output_quantizer_vars] if getattr(layer, "_output_quantizers", None) else []


def start_ranges(trained, plain, data):
    """Initializes the ranges of activations with the mean extremes of batches."""
    import tf_keras

    rounded = [layer for layer in trained.layers if _ranges(layer)]
    outputs = [plain.get_layer(layer.layer.name).output for layer in rounded]
    probe = tf_keras.Model(plain.input, outputs)
    lows, highs = [], []
    for images, _ in itertools.islice(data, CALIBRATION_BATCHES):
        found = probe(np.asarray(images, np.float32), training=False)
        # A model with one output does not return a list.
        values = [np.asarray(x) for x in (found if len(outputs) > 1 else [found])]
        lows.append([x.min() for x in values])
        highs.append([x.max() for x in values])
    for layer, low, high in zip(rounded, np.mean(lows, 0), np.mean(highs, 0), strict=True):
        for pair in _ranges(layer):
            pair["min_var"].assign(min(low, 0.0))
            pair["max_var"].assign(max(high, 0.0))


def file_content(library, tuned, trained):
    """Bytes of the file, without its metadata.

    Args:
        library: the result of `finetune.tfmot`.
        tuned: the fine-tuned Keras model.
        trained: the result of `quantized`, which contains the ranges of activations.
    """
    from keras_fld.lite.tfmot.to_tf_keras import to_tf_keras

    exported = quantized(library, to_tf_keras(export_model(tuned)), _head(tuned))
    found = {layer.name: layer for layer in trained.layers}
    for layer in exported.layers:
        if type(layer).__name__ == "QuantizeLayer":
            # The input takes uint8 values unchanged.
            layer.quantizer_vars["min_var"].assign(0.0)
            layer.quantizer_vars["max_var"].assign(255.0)
        for pair, source in zip(_ranges(layer), _ranges(found.get(layer.name, layer)), strict=True):
            for name, variable in pair.items():
                variable.assign(source[name])
        for weight, quantizer, pair in getattr(layer, "_weight_vars", ()):
            size = np.abs(weight.numpy())
            extreme = size.max(axis=tuple(range(size.ndim - 1)) if quantizer.per_axis else None)
            pair["min_var"].assign(-extreme)
            pair["max_var"].assign(extreme)
    return flatbuffer.tidy(modes.int8_qat(exported))
