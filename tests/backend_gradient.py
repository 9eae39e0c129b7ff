"""Value and gradient of a function on whichever backend Keras runs."""

import keras
import numpy as np


def value_and_gradient(function, x, dtype="float32", jit=False):
    """A scalar function's value at x and its gradient.

    Args:
        function: from a tensor to a scalar tensor, in `keras.ops`.
        x: array.
        dtype: dtype that x is given in.
        jit: whether XLA compiles; not on PyTorch.

    Returns:
        A float and a float64 array of x's shape.
    """
    backend = keras.backend.backend()
    x = keras.ops.convert_to_tensor(x, dtype=dtype)
    if backend == "tensorflow":
        import tensorflow as tf

        def both(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = function(x)
            return value, tape.gradient(value, x)

        value, gradient = tf.function(both, jit_compile=True)(x) if jit else both(x)
    elif backend == "jax":
        import jax

        both = jax.value_and_grad(function)
        value, gradient = (jax.jit(both) if jit else both)(x)
    else:
        x = x.detach().clone().requires_grad_(True)
        value = function(x)
        value.backward()
        gradient = x.grad
    value, gradient = (keras.ops.cast(t, "float32") for t in (value, gradient))
    return (
        float(keras.ops.convert_to_numpy(value)),
        keras.ops.convert_to_numpy(gradient).astype(np.float64),
    )


def gradient(function, x, **options):
    """The gradient of `value_and_gradient`."""
    return value_and_gradient(function, x, **options)[1]
