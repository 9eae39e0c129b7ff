"""Checkpoints: the state of a training run after an epoch, with a checksum.

A checkpoint is a Keras weights file that includes the optimizer, followed by a seal: a marker and
the SHA-256 of the bytes before it. HDF5 readers ignore bytes after the end given in the header, so
they can open the file.
"""

import contextlib
import hashlib
import math
import shutil
from pathlib import Path

import keras

from keras_fld._internal.files import replacing

_MARK = b"keras_fld sha256 "


def seal(path):
    """Appends the seal to a weights file.

    Args:
        path: the `.weights.h5` file.

    Examples:
        >>> model.save_weights("last.weights.h5")
        >>> seal("last.weights.h5")
    """
    path = Path(path)
    digest = hashlib.sha256(path.read_bytes()).digest()
    with path.open("ab") as file:
        file.write(_MARK + digest)


def restore(model, path):
    """Restores the weights and optimizer state from a checkpoint.

    Configuration, such as the learning-rate schedule, is not restored.

    Args:
        model: a compiled Keras model of the run's recipe.
        path: the checkpoint.

    Raises:
        ValueError: the checkpoint is damaged, or belongs to another model.

    Examples:
        >>> restore(model, "run/last.weights.h5")
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        end = len(content) - len(_MARK) - hashlib.sha256().digest_size
        if content[max(0, end) : end + len(_MARK)] != _MARK:
            raise ValueError("its seal is missing")
        if hashlib.sha256(content[:end]).digest() != content[end + len(_MARK) :]:
            raise ValueError("its checksum is wrong")
        model.optimizer.build(model.trainable_variables)
        model.load_weights(path)
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path}: the checkpoint is damaged; delete it to start over "
            f"({str(error).splitlines()[0]})"
        ) from error


def restore_newest(model, path):
    """Restores a checkpoint, or the previous one if it is damaged.

    Args:
        model, path: as in `restore`.

    Returns:
        None, or a note if the previous checkpoint was restored.

    Raises:
        ValueError: the checkpoint is damaged, and the previous one is damaged or missing.

    Examples:
        >>> restore_newest(model, "run/last.weights.h5")
    """
    try:
        restore(model, path)
    except ValueError as error:
        if not previous(path).exists():
            raise
        try:
            restore(model, previous(path))
        except ValueError:
            raise error from None
        return f"{path}: the checkpoint is damaged; resuming from {previous(path).name}"
    return None


def previous(path):
    """Path of the previous checkpoint."""
    return Path(path).with_name(f"previous.{Path(path).name.partition('.')[2]}")


def remove(path):
    """Removes both checkpoints of a finished run."""
    for file in (Path(path), previous(path)):
        file.unlink(missing_ok=True)


class Checkpoint(keras.callbacks.Callback):
    """Saves the state after each epoch, and keeps the previous state.

    Args:
        path: the `.weights.h5` file.

    Examples:
        >>> model.fit(data, callbacks=[Checkpoint("run/last.weights.h5")])
    """

    def __init__(self, path):
        super().__init__()
        self.path = Path(path)

    def on_epoch_end(self, epoch, logs=None):
        if not math.isfinite(logs["loss"]):
            return  # keep the last good state
        with contextlib.ExitStack() as stack:
            if self.path.exists():
                # Renamed only after the new state, so that the two are never the same file.
                self._keep_last(stack.enter_context(replacing(previous(self.path))))
            with replacing(self.path) as temporary:
                self.model.save_weights(temporary)
                seal(temporary)

    def _keep_last(self, kept):
        """Keeps the previous state under a second name."""
        kept.unlink()
        try:
            kept.hardlink_to(self.path)
        except OSError:  # a file system without links
            shutil.copyfile(self.path, kept)
