"""What C++ libraries write to standard error while they start, kept from the terminal."""

import contextlib
import os
import sys
import tempfile

from keras_fld._internal.extras import FINE_TUNING, check_installed


@contextlib.contextmanager
def held_back():
    """Keeps what is written to standard error, and shows it only where the block fails.

    TensorFlow's first lines and LiteRT's come from C++ and heed no setting of Python's. They say
    nothing of the user's work, and hide the one line that does.
    """
    with contextlib.ExitStack() as stack:
        try:
            kept = stack.enter_context(tempfile.TemporaryFile())
            terminal = os.dup(2)
        except OSError:  # a full disk, or no standard error: then nothing is held back
            yield
            return
        sys.stderr.flush()
        os.dup2(kept.fileno(), 2)
        try:
            yield
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
    """Imports Keras with its backend, which computes something unless told not to, without noise.

    Processes that are to train together must not compute before they have met.
    """
    with held_back():
        import keras

        if compute:
            keras.ops.convert_to_numpy(keras.ops.ones(1) + 1)


def start_fine_tuning():
    """Starts Keras on TensorFlow, whatever the user trains with, and what fine-tunes for int8.

    Raises:
        ImportError: the group `compress` is not installed.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    check_installed(*FINE_TUNING, purpose="Fine-tuning for int8")
    start(keras=True)
    from keras_fld.lite.tfmot import finetune

    finetune.tfmot()


def start_interpreter():
    """Opens a small model: LiteRT announces its delegate once, with the first."""
    from keras_fld import zoo
    from keras_fld.predict.lite_model import ScoreModel

    with held_back():
        ScoreModel(zoo.score_file())


def start(*models, keras=False):
    """Starts what predicts with models, files or presets: Keras for `.keras`, and LiteRT.

    Args:
        models: as of `predictor.open_model`.
        keras: start Keras whatever they are.
    """
    if keras or any(str(model).endswith(".keras") for model in models):
        start_keras()
    start_interpreter()
