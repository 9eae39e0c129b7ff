"""Hides the startup messages that C++ libraries write to standard error."""

import contextlib
import os
import sys
import tempfile

from keras_fld._internal.extras import FINE_TUNING, check_installed


@contextlib.contextmanager
def held_back():
    """Captures standard error, and shows it only if the block fails.

    The startup messages of TensorFlow and LiteRT come from C++ and cannot be disabled from Python.
    They would hide the message that matters to the user.
    """
    with contextlib.ExitStack() as stack:
        try:
            kept = stack.enter_context(tempfile.TemporaryFile())
            terminal = os.dup(2)
        except OSError:  # a full disk, or no standard error: capture nothing
            yield
            return
        sys.stderr.flush()
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except KeyboardInterrupt:  # needs no explanation
            raise
        except BaseException:
            sys.stderr.flush()
            kept.seek(0)
            os.write(terminal, kept.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)


def start_keras(compute=True):
    """Imports Keras and initializes its backend, without startup messages.

    Args:
        compute: run an operation to initialize the backend. Processes that train together must not
            do this before they are connected.
    """
    with held_back():
        import keras

        if compute:
            keras.ops.convert_to_numpy(keras.ops.ones(1) + 1)


def start_fine_tuning():
    """Starts Keras on TensorFlow, which fine-tuning for int8 needs, whatever the user's backend.

    Raises:
        ImportError: the extra `compress` is not installed.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    check_installed(*FINE_TUNING, purpose="Fine-tuning for int8")
    start(keras=True)
    from keras_fld.lite.tfmot import finetune

    finetune.tfmot()


def start_interpreter():
    """Opens a small model, because LiteRT prints a message when it opens the first one."""
    from keras_fld import zoo
    from keras_fld.predict.lite_model import ScoreModel

    with held_back():
        ScoreModel(zoo.score_file())


def start(*models, keras=False):
    """Starts LiteRT, and Keras if a model is a `.keras` file.

    Args:
        models: files or presets, as in `predictor.open_model`.
        keras: start Keras in any case.
    """
    if keras or any(str(model).endswith(".keras") for model in models):
        start_keras()
    start_interpreter()
