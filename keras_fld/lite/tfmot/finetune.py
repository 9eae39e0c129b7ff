"""Fine-tuning of a network in Keras 2 with the package's losses and batches."""

import contextlib
import os

import numpy as np

from keras_fld import losses
from keras_fld._internal.extras import FINE_TUNING, check_installed
from keras_fld._internal.progress import counting

# Prefix that the library adds to the names of quantized layers.
PREFIX = "quant_"


def tfmot():
    """Imports tensorflow-model-optimization without affecting the rest of the process.

    Raises:
        ImportError: it is not installed.
        ValueError: Keras does not run on TensorFlow.
    """
    import keras

    check_installed(*FINE_TUNING, purpose="Fine-tuning for int8")
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "quantization-aware training and compression need KERAS_BACKEND=tensorflow. "
            f"Got: {keras.backend.backend()}"
        )
    import tensorflow as tf

    # The library turns `tf.keras` into Keras 2 for the whole process, unless it is loaded before.
    getattr(tf.keras, "version", None)
    before = os.environ.get("TF_USE_LEGACY_KERAS")
    import tensorflow_model_optimization

    os.environ.pop("TF_USE_LEGACY_KERAS", None)
    if before is not None:
        os.environ["TF_USE_LEGACY_KERAS"] = before
    return tensorflow_model_optimization


def check(learning_rate, loss):
    """Raises a ValueError if an option of fine-tuning is out of range."""
    if not learning_rate > 0:
        raise ValueError(f"learning_rate must be above 0. Got: {learning_rate}")
    if loss is not None:
        losses.get(loss)


def steps_of(data, model):
    """Returns the number of batches per epoch, after a check of the first batch.

    Raises:
        ValueError: the number of batches is unknown, or they do not match the model.
    """
    try:
        steps = len(data)
    except TypeError as error:
        raise ValueError(
            f"data must be batches with a known length. Got: {type(data).__name__}"
        ) from error
    images, landmarks = next(iter(data))
    shapes = tuple(images.shape[1:]), tuple(landmarks.shape[1:])
    expected = tuple(model.input_shape[1:]), tuple(model.output_shape[1:])
    if shapes != expected:
        raise ValueError(
            f"data must be crops of shape {expected[0]} with landmarks {expected[1]}. "
            f"Got: {shapes[0]} with {shapes[1]}"
        )
    return steps


def fine_tune(tf_model, data, steps, epochs, learning_rate, loss=None, callbacks=(), verbose=1):
    """Trains a `tf_keras` model with cosine decay of the learning rate to zero.

    Args:
        tf_model: model from (batch, size, size, 3) to (batch, landmarks, 2) crop pixels.
        data: batches, newly augmented at each iteration.
        steps: batches per epoch.
        epochs: passes over the data.
        learning_rate: initial learning rate of Adam.
        loss: a loss or its name; None means `ENME()`.
        callbacks: callbacks of Keras 2.
        verbose: 1 shows the progress bar of Keras; 0 reports steps to `progress.watched`.

    Raises:
        ValueError: the loss is no longer finite.
    """
    import tf_keras

    chosen = losses.ENME() if loss is None else losses.get(loss)
    tf_model.compile(
        tf_keras.optimizers.Adam(
            tf_keras.optimizers.schedules.CosineDecay(learning_rate, max(1, epochs * steps))
        ),
        # Keras 2 accepts a function, but not a loss of Keras 3.
        loss=lambda y_true, y_pred: chosen(y_true, y_pred),
    )
    with contextlib.ExitStack() as stack:
        watchers = [tf_keras.callbacks.TerminateOnNaN(), *callbacks]
        if not verbose:
            done = stack.enter_context(counting("fine-tuning", epochs * steps))
            counts = tf_keras.callbacks.LambdaCallback(on_train_batch_end=lambda *_: done(1))
            watchers.append(counts)
        history = tf_model.fit(
            _dataset(data, steps), epochs=epochs, verbose=verbose, callbacks=watchers
        )
    if not np.isfinite(history.history["loss"]).all():
        raise ValueError(
            f"the loss must stay finite. Got: {history.history['loss'][-1]} in epoch "
            f"{len(history.history['loss'])}. Lower the learning rate"
        )


def flat(model):
    """Returns the model, or a flat copy if some of its layers are models.

    Args:
        model: the Keras model.

    Raises:
        ValueError: it is neither Functional nor Sequential.
    """
    from keras_fld.lite import folding
    from keras_fld.models import graph
    from keras_fld.models.saving import keep_license

    folding.check(model)
    if any(graph.is_graph(layer) for layer in model.layers):
        return keep_license(model, graph.flat_copy(model))
    return model


def with_weights_of(model, tf_model):
    """Returns a copy of a Keras model with the weights of its fine-tuned translation.

    Args:
        model: the Keras model.
        tf_model: the fine-tuned result of `to_tf_keras`, quantized or not.
    """
    import keras

    from keras_fld.models.saving import keep_license

    layers = {layer.name.removeprefix(PREFIX): layer for layer in tf_model.layers}
    tuned = keras.models.clone_model(model)
    for layer in tuned.layers:
        if layer.weights:
            layer.set_weights(_values(layers[layer.name]))
    return keep_license(model, tuned)


def _dataset(data, steps):
    """The batches in a form that Keras 2 accepts."""
    import tensorflow as tf

    if isinstance(data, tf.data.Dataset):
        return data
    images, landmarks = next(iter(data))
    signature = (
        tf.TensorSpec((None, *images.shape[1:]), tf.as_dtype(images.dtype)),
        tf.TensorSpec((None, *landmarks.shape[1:]), tf.float32),
    )
    batches = tf.data.Dataset.from_generator(lambda: iter(data), output_signature=signature)
    return batches.apply(tf.data.experimental.assert_cardinality(steps))


def _values(layer):
    """The weights of a layer as arrays, in the order of Keras 3."""
    inner = getattr(layer, "layer", layer)
    if inner is layer:
        return layer.get_weights()
    # A wrapper has replaced the kernel's variable by a tensor, the quantized kernel.
    values = [weight.numpy() for weight, *_ in getattr(layer, "_weight_vars", ())]
    return values + inner.get_weights()
