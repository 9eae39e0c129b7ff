"""The state of a training run after an epoch: written whole, and known to be what was written.

A checkpoint is a Keras weights file, optimizer included, with a seal after its last byte: a mark
and the SHA-256 of all before it. HDF5 ends where its header says, so any reader still opens it.
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
    """Puts weights and optimizer state of a checkpoint back.

    What is configuration, such as the learning rate's schedule, is not taken from it.

    Args:
        model: a compiled Keras model of the run's recipe.
        path: the checkpoint.

    Raises:
        ValueError: a byte of it is not what was written, or it is another model's.

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
            f"{path}: the checkpoint is damaged; delete it to start again "
            f"({str(error).splitlines()[0]})"
        ) from error


def restore_newest(model, path):
    """Puts back a checkpoint, or the one before it where it is damaged.

    Args:
        model, path: as of `restore`.

    Returns:
        None, or a sentence that says what is damaged and what was taken.

    Raises:
        ValueError: both are damaged, or there is no other.

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
        return f"{path}: the checkpoint is damaged; going on from {previous(path).name}"
    return None


def previous(path):
    """Where the checkpoint before the last one is."""
    return Path(path).with_name(f"previous.{Path(path).name.partition('.')[2]}")


def remove(path):
    """Removes both checkpoints of a run that is done."""
    for file in (Path(path), previous(path)):
        file.unlink(missing_ok=True)


class Checkpoint(keras.callbacks.Callback):
    """Saves the whole state after each epoch, the old one in place until the new one is whole, and
    then beside it.

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
            return  # the state before is worth more
        with contextlib.ExitStack() as stack:
            if self.path.exists():
                # Takes its place after the new state has, so that the two are never one file.
                self._keep_last(stack.enter_context(replacing(previous(self.path))))
            with replacing(self.path) as temporary:
                self.model.save_weights(temporary)
                seal(temporary)

    def _keep_last(self, kept):
        """Gives the state before a second name, so that it stays."""
        kept.unlink()
        try:
            kept.hardlink_to(self.path)
        except OSError:  # a file system without links
            shutil.copyfile(self.path, kept)
