"""Training runs that can be interrupted at any time and resumed.

A run folder contains:
    recipe.json       the recipe, with the faces, backend and versions
    last.weights.h5   the state after the last full epoch, including the optimizer, see
                      `checkpoints`; previous.weights.h5 is the state before, in case of damage
    log.csv           a row for each epoch
    batch.npz         the batch whose loss was not finite, if this ended the run
    model.keras       the result, written after the last epoch; model_N_epochs.keras is the result
                      of a run of N epochs that was extended, see `extension`
"""

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import keras

from keras_fld import models
from keras_fld._internal.files import reason, replacing
from keras_fld.data import feed
from keras_fld.data.sampling import Samples
from keras_fld.data.share import Share
from keras_fld.models.saving import save
from keras_fld.training import checkpoints, distributed, extension
from keras_fld.training.bad_batch import StopAtBadBatch
from keras_fld.training.diverged import TrainingDiverged
from keras_fld.training.faces import TrainingFaces, training_faces
from keras_fld.training.network import compiled, new_network
from keras_fld.training.recipe import Recipe
from keras_fld.training.record import RunFolder

_HELD_OUT_BATCH = 64


def train(
    recipe: Recipe,
    out: str | Path,
    root: str | Path | None = None,
    skip_bad: bool = False,
    verbose: int = 1,
    extra: Mapping[str, str | Path] | None = None,
    start: keras.Model | str | Path | None = None,
    extend: bool = False,
) -> keras.Model:
    """Trains a network, or resumes the run in `out`.

    Under `keras.distribution` (see `distributed.join`), several processes train the network
    together. Each process calls this function with the same arguments. The first one writes `out`.

    Args:
        recipe: a `Recipe`.
        out: run folder. A run of the same recipe in it is resumed after its last full epoch.
        root: folder of the dataset.
        skip_bad: skip bad files instead of stopping at the first.
        verbose: verbosity of Keras; 0 is silent.
        extra: name of each set in `recipe.extra` to its folder or file.
        start: the model named by `recipe.start`: a Keras model, the path of a `.keras` file, or
            the name of a preset.
        extend: extend a finished run of fewer epochs in `out`, see `extension`.

    Returns:
        The trained Keras model, which is also saved as `out`/model.keras without optimizer state.

    Raises:
        ValueError: the data is bad; `out` cannot be written, or contains a run of another recipe or
            other faces, or damaged checkpoints; the backend does not support bfloat16; `extra` or
            `start` does not match the recipe; the processes disagree, or their number does not
            divide the batch size; or the loss is no longer finite (`out`/batch.npz then contains
            the batch).

    Examples:
        >>> model = train(Recipe(epochs=60), "run", root="300w")
    """
    extra = extra or {}
    _check_given(recipe, extra, start)
    share = distributed.share()
    share.check(recipe.batch_size)
    folder = RunFolder(Path(out), share.writes)
    longer = _check_folder(folder, recipe, share, extend)
    if not longer and extension.finished(folder):
        model = models.load_model(folder.result)
        checkpoints.remove(
            folder.to_write(folder.last)
        )  # left by a run that was killed after saving the result
        return model
    folder.check_writable()
    faces = training_faces(recipe, root, extra, skip_bad)
    if share.processes > 1:
        distributed.agree("faces", faces.data.names, faces.data.landmarks.tobytes())
    folder.tell(faces.notes)
    network = new_network(recipe, faces.data, start, folder.tell)
    _train(network, recipe, faces, folder, share, start, verbose, longer)
    # Other processes may not see the file yet, so it is loaded only by a single process.
    return network if share.processes > 1 else models.load_model(folder.result)


def _check_given(recipe, extra, start):
    """Raises a ValueError if `extra` or `start` does not match the recipe."""
    names = [more.name for more in recipe.extra]
    if set(extra) != set(names) or (start is not None) != bool(recipe.start):
        raise ValueError(
            f"extra and start must match the recipe: {names} and {recipe.start!r}. "
            f"Got: {list(extra)} and {start}"
        )


def _check_folder(folder, recipe, share, extend):
    """The number of epochs of the finished run that the recipe extends, or 0.

    Raises:
        ValueError: the folder contains another run, or the processes see different runs.
    """
    longer = extension.asked(folder, recipe) if extend else 0
    if longer and share.processes > 1:
        raise ValueError("only a single process can extend a finished run")
    if not longer:
        folder.check(recipe)
    if share.processes > 1:
        found = folder.last.read_bytes() if folder.last.exists() else b""
        distributed.agree("recipe and run folder", recipe, folder.result.exists(), found)
    return longer


def _train(network, recipe, faces, folder, share, start, verbose, longer):
    """Trains the network from the state in the folder, and saves the result there."""
    steps = -(-faces.showings // recipe.batch_size)
    begun = longer or extension.begun(folder)[0]
    model = compiled(recipe, network, faces.data, steps, share.devices > 1, begun)
    # Written only now, so that bad data leaves no run folder.
    folder.note(recipe, faces.data, faces.repeats, start)
    if longer:
        extension.begin(folder, recipe, longer)
    if begun:
        network.set_weights(models.load_model(extension.begun(folder)[1]).get_weights())
        folder.tell([extension.sentence(recipe, steps, begun)])
    done = begun + _resume(model, folder) // steps
    folder.forget_rows(done)
    _fit(model, recipe, faces, folder, share, done, verbose)
    # `fit` has already replaced the weights by their moving average.
    with replacing(folder.to_write(folder.result)) as temporary:
        save(network, temporary)
    checkpoints.remove(folder.to_write(folder.last))


def _resume(model: keras.Model, folder: RunFolder) -> int:
    """Restores the checkpoint in the folder, if any; returns the number of steps done."""
    if folder.last.exists():
        damaged = checkpoints.restore_newest(model, folder.last)
        folder.tell([damaged] if damaged else [])
    return int(model.optimizer.iterations)


def _fit(
    model: keras.Model,
    recipe: Recipe,
    faces: TrainingFaces,
    folder: RunFolder,
    share: Share,
    done: int,
    verbose: int,
) -> None:
    """Trains, starting with epoch `done`.

    Raises:
        ValueError: the folder cannot be written, or the loss is no longer finite.
    """
    epoch, held_out = _Epoch(), faces.held_out
    source = faces.data, recipe.batch_size, recipe.augmentation, recipe.seed
    batches = feed.training_batches(*source, lambda: epoch.number, faces.repeats, share)
    held_size = share.devices * -(-_HELD_OUT_BATCH // share.devices)
    if share.devices > 1:
        model.train_faces = partial(share.real, faces=faces.showings, batch_size=recipe.batch_size)
        model.test_faces = partial(share.real, faces=len(held_out or ()), batch_size=held_size)
    # A batch is determined by its epoch and position, so a bad one can be drawn again.
    samples = Samples(faces.data, recipe.augmentation, recipe.seed, faces.repeats)
    bad = StopAtBadBatch(samples, recipe.batch_size, folder.to_write(folder.batch))
    try:
        model.fit(
            batches,
            epochs=recipe.epochs,
            initial_epoch=done,
            validation_data=held_out and feed.plain_batches(held_out, held_size, share),
            shuffle=False,  # the pipeline shuffles by (seed, epoch)
            verbose=verbose if share.writes else 0,
            callbacks=[
                epoch,
                bad,
                keras.callbacks.CSVLogger(folder.to_write(folder.log), append=True),
                checkpoints.Checkpoint(folder.to_write(folder.last)),
            ],
        )
    except OSError as error:
        raise ValueError(f"{folder.path}: cannot be written ({reason(error)})") from error
    if bad.found:
        raise TrainingDiverged(
            f"{folder.path}: the loss must stay finite. Got: {bad.found}. Inspect the batch in "
            f"{folder.batch}, or lower the learning rate"
        )


class _Epoch(keras.callbacks.Callback):
    """Tracks the current epoch, which seeds the pipeline, and logs the time of each epoch."""

    number = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.number, self._started = epoch, time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        logs["seconds"] = round(time.monotonic() - self._started, 2)
