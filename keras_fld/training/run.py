"""Training runs that can be stopped at any moment and go on where they were.

A run folder holds:
    recipe.json       what is trained, how, on which faces and with which versions
    last.weights.h5   the state after the last whole epoch, optimizer included, see `checkpoints`;
                      previous.weights.h5 the one before, should that be damaged
    log.csv           a row an epoch
    batch.npz         the batch whose loss was no number, where that ended the run
    model.keras       the result, written when all epochs are done; model_N_epochs.keras the one of
                      a run of N epochs that was then made longer, see `extension`
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
    """Trains a network, or continues the run that `out` holds.

    Under `keras.distribution`, see `distributed.join`, the processes train it together: each calls
    this with the same arguments and the same `out`, and the first one writes there.

    Args:
        recipe: a `Recipe`.
        out: run folder; a run of the same recipe in it goes on after its last whole epoch.
        root: folder of the dataset.
        skip_bad: leave bad files out instead of stopping at the first.
        verbose: Keras' verbosity, 0 for silence.
        extra: the folder or file of each set in `recipe.extra`, by its name.
        start: the model that `recipe.start` names: a Keras model, the path of a `.keras` file or
            the name of a preset.
        extend: make a finished run of fewer epochs in `out` longer, see `extension`.

    Returns:
        The trained Keras model, also at `out`/model.keras without optimizer state.

    Raises:
        ValueError: bad data, `out` holds a run of another recipe, other faces or a damaged
            checkpoint or cannot be written, bfloat16 on a backend that has it not, what the recipe
            names is not given or fits not, processes differ or do not divide the batch size, or the
            loss is no longer finite: `out`/batch.npz then has the batch.

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
        checkpoints.remove(folder.to_write(folder.last))  # of a run killed between the two
        return model
    faces = training_faces(recipe, root, extra, skip_bad)
    if share.processes > 1:
        distributed.agree("faces", faces.data.names, faces.data.landmarks.tobytes())
    folder.tell(faces.notes)
    network = new_network(recipe, faces.data, start, folder.tell)
    _train(network, recipe, faces, folder, share, start, verbose, longer)
    # Loading would be for all, and the others see the file when their disk shows it.
    return network if share.processes > 1 else models.load_model(folder.result)


def _check_given(recipe, extra, start):
    """Raises ValueError where what the recipe names is not what is given."""
    names = [more.name for more in recipe.extra]
    if set(extra) != set(names) or (start is not None) != bool(recipe.start):
        raise ValueError(
            "extra and start must be given as the recipe names them, "
            f"{names} and {recipe.start!r}. Got: {list(extra)} and {start}"
        )


def _check_folder(folder, recipe, share, extend):
    """Epochs of the finished run that the recipe makes longer, or 0.

    Raises:
        ValueError: the folder holds another run, or each process sees another one.
    """
    longer = extension.asked(folder, recipe) if extend else 0
    if longer and share.processes > 1:
        raise ValueError("a finished run must be extended by one process")
    if not longer:
        folder.check(recipe)
    if share.processes > 1:
        found = folder.last.read_bytes() if folder.last.exists() else b""
        distributed.agree("recipe and run folder", recipe, folder.result.exists(), found)
    return longer


def _train(network, recipe, faces, folder, share, start, verbose, longer):
    """Trains the network from where the folder's run is, and puts the result into the folder."""
    steps = -(-faces.showings // recipe.batch_size)
    begun = longer or extension.begun(folder)[0]
    model = compiled(recipe, network, faces.data, steps, share.devices > 1, begun)
    # Not before: bad data leaves no run behind.
    folder.note(recipe, faces.data, faces.repeats, start)
    if longer:
        extension.begin(folder, recipe, longer)
    if begun:
        network.set_weights(models.load_model(extension.begun(folder)[1]).get_weights())
        folder.tell([extension.sentence(recipe, steps, begun)])
    done = begun + _resume(model, folder) // steps
    folder.forget_rows(done)
    _fit(model, recipe, faces, folder, share, done, verbose)
    # `fit` has put the averaged weights in place; the optimizer has done its work.
    with replacing(folder.to_write(folder.result)) as temporary:
        save(network, temporary)
    checkpoints.remove(folder.to_write(folder.last))


def _resume(model: keras.Model, folder: RunFolder) -> int:
    """Restores the state that the folder holds, if any; returns the steps that it has made."""
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
    """Trains from epoch `done` on.

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
    # Kept for inspection: a batch follows from its epoch and its place alone.
    samples = Samples(faces.data, recipe.augmentation, recipe.seed, faces.repeats)
    bad = StopAtBadBatch(samples, recipe.batch_size, folder.to_write(folder.batch))
    try:
        model.fit(
            batches,
            epochs=recipe.epochs,
            initial_epoch=done,
            validation_data=held_out and feed.plain_batches(held_out, held_size, share),
            shuffle=False,  # the pipeline does, by (seed, epoch)
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
            f"{folder.path}: the loss must stay a finite number; look at its batch, or lower the "
            f"learning rate. Got: {bad.found}; {folder.batch} has the batch"
        )


class _Epoch(keras.callbacks.Callback):
    """Number of the running epoch, which the pipeline's random numbers depend on, and its time."""

    number = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.number, self._started = epoch, time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        logs["seconds"] = round(time.monotonic() - self._started, 2)
