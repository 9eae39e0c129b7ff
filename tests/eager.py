"""Training without graphs: a few steps of a deep network begin ten seconds sooner."""

import contextlib
import warnings


@contextlib.contextmanager
def eager():
    """Lets TensorFlow run what it would first trace and compile; another backend is left as it is.

    The numbers are the same. It pays for a few steps only: each takes longer.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    warnings.filterwarnings("ignore", ".*option does not apply to tf.data", UserWarning)
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)
