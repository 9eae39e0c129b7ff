"""Training runs that can be stopped at any moment and go on where they were.

A run folder holds:
    recipe.json       what is trained, how, on which faces and with which versions
    last.weights.h5   the state after the last whole epoch, optimiser included, see `checkpoints`;
                      previous.weights.h5 the one before, should that be damaged
    log.csv           a row an epoch
    batch.npz         the batch whose loss was no number, where that ended the run
    model.keras       the result, written when all epochs are done
"""

import sys
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import keras
import numpy as np

from keras_fld import checkpoints, distributed, losses, metrics, models, run_record
from keras_fld.bad_batch import StopAtBadBatch
from keras_fld.data import catalog, crops, feed
from keras_fld.data.balance import pose_repeats
from keras_fld.data.sampling import Samples
from keras_fld.files import reason, replacing, sweep
from keras_fld.losses import normalizers
from keras_fld.models.saving import save
from keras_fld.optimizers import OPTIMIZERS
from keras_fld.recipe import PRECISIONS, Recipe

__all__ = ["PRECISIONS", "Recipe", "mean_shape", "train"]


def train(
    recipe: Recipe,
    out: str | Path,
    root: str | Path | None = None,
    skip_bad: bool = False,
    verbose: int = 1,
    extra: Mapping[str, str | Path] | None = None,
    start: keras.Model | str | Path | None = None,
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
        start: the model that `recipe.start` names: a Keras model, or the path of a `.keras` file.

    Returns:
        The trained Keras model, also at `out`/model.keras without optimiser state.

    Raises:
        ValueError: bad data, `out` holds a run of another recipe, other faces or a damaged
            checkpoint or cannot be written, bfloat16 on a backend that has it not, what the recipe
            names is not given or fits not, processes differ or do not divide the batch size, or the
            loss is no longer finite: `out`/batch.npz then has the batch.

    Example:
        >>> model = train(Recipe(epochs=60), "run", root="300w")
    """
    out, extra = Path(out), extra or {}
    names = [more.name for more in recipe.extra]
    if set(extra) != set(names) or (start is not None) != bool(recipe.start):
        raise ValueError(
            "extra and start must be given as the recipe names them, "
            f"{names} and {recipe.start!r}. Got: {list(extra)} and {start}"
        )
    share = distributed.share()
    share.check(recipe.batch_size)
    run_record.check_recipe(out / "recipe.json", recipe)
    result, checkpoint = out / "model.keras", out / "last.weights.h5"
    if share.processes > 1:
        state = checkpoint.read_bytes() if checkpoint.exists() else b""
        distributed.agree("recipe and run folder", recipe, result.exists(), state)
    if result.exists():
        model = models.load(result)
        if share.writes:
            checkpoints.remove(checkpoint)  # of a run killed between the two
        return model
    split = catalog.find(recipe.dataset).train
    faces = catalog.read(recipe.dataset, root, split, skip_bad, **recipe.dataset_options)
    held = None
    if recipe.validation:
        faces, held = faces.split(recipe.validation)
    data = crops.training_crops(faces, recipe.frame, skip_bad)
    network = _new_network(recipe, data)
    if start is not None:
        trained = models.load(start) if isinstance(start, (str, Path)) else start
        models.transplant(trained, network)
    repeats = np.full(len(data), recipe.repeats)
    if recipe.balance:
        repeats *= pose_repeats(data.landmarks, data.scheme)
    for more in recipe.extra:
        added = more.read(extra[more.name], skip_bad)
        data = crops.join(data, crops.training_crops(added, recipe.frame, skip_bad))
        repeats = np.append(repeats, np.full(len(data) - len(repeats), more.repeats))
    if share.processes > 1:
        distributed.agree("faces", data.names, data.landmarks.tobytes())
    for sentence in faces.missing + faces.skipped + data.skipped if share.writes else ():
        print(f"note: {sentence}", file=sys.stderr)
    epoch = _Epoch()
    dataset = feed.training_batches(
        data,
        recipe.batch_size,
        recipe.augmentation,
        recipe.seed,
        lambda: epoch.number,
        repeats,
        share,
    )
    showings = int(repeats.sum())
    steps = -(-showings // recipe.batch_size)
    model = _compiled(recipe, network, data, steps, share.devices > 1)
    if share.writes:
        # Not before: bad data leaves no run behind.
        path = start if isinstance(start, (str, Path)) else None
        run_record.note(out / "recipe.json", recipe, data, repeats, path)
        sweep(out)
    if checkpoint.exists():
        damaged = checkpoints.restore_newest(model, checkpoint)
        if damaged and share.writes:
            print(f"note: {damaged}", file=sys.stderr)
    done = int(model.optimizer.iterations) // steps
    if share.writes:
        run_record.forget_rows(out / "log.csv", done)
    # All save, the others for nothing: Keras reads the optimiser's learning rate meanwhile, which
    # is computed from a variable of all processes, and so by all or never.
    scratch = None if share.writes else tempfile.TemporaryDirectory()
    mine = Path(scratch.name) if scratch else out
    held_size = share.devices * -(-64 // share.devices)
    if held:
        held = crops.model_crops(held, recipe.frame, skip_bad)
    if share.devices > 1:
        model.train_faces = partial(share.real, faces=showings, batch_size=recipe.batch_size)
        model.test_faces = partial(share.real, faces=len(held or ()), batch_size=held_size)
    # Kept for inspection: a batch follows from its epoch and its place alone.
    samples = Samples(data, recipe.augmentation, recipe.seed, repeats)
    bad = StopAtBadBatch(samples, recipe.batch_size, out / "batch.npz", share.writes)
    try:
        model.fit(
            dataset,
            epochs=recipe.epochs,
            initial_epoch=done,
            validation_data=held and feed.plain_batches(held, held_size, share),
            shuffle=False,  # the pipeline does, by (seed, epoch)
            verbose=verbose if share.writes else 0,
            callbacks=[
                epoch,
                bad,
                keras.callbacks.CSVLogger(mine / "log.csv", append=True),
                checkpoints.Checkpoint(mine / checkpoint.name),
            ],
        )
    except OSError as error:
        raise ValueError(f"{out}: cannot be written ({reason(error)})") from error
    if bad.found:
        raise ValueError(
            f"{out}: the loss must stay a finite number; look at its batch, or lower the learning "
            f"rate. Got: {bad.found}"
        )
    # `fit` has put the averaged weights in place; the optimiser has done its work.
    with replacing(mine / result.name) as temporary:
        save(network, temporary)
    if share.writes:
        checkpoints.remove(checkpoint)
    # Loading would be for all, and the others see the file when their disk shows it.
    return network if share.processes > 1 else models.load(result)


def mean_shape(data: crops.Crops) -> np.ndarray:
    """Mean of the faces' shapes in the model's frame, over annotated landmarks: (landmarks, 2)."""
    frame, scale = data.frame, crops.OVERSAMPLING
    wide = data.images.shape[1]
    annotated = ~np.isnan(data.landmarks).any(axis=-1)
    never = np.flatnonzero(~annotated.any(axis=0))
    if len(never):
        raise ValueError(
            "every landmark must be annotated in some training face. "
            f"Got: none with landmark {', '.join(map(str, never))}"
        )
    middle = np.nanmean(data.landmarks, axis=0)
    return (middle - (wide - 1) / 2) / scale + (frame.size - 1) / 2


def averaging_of(recipe: Recipe, steps: int) -> float:
    """Momentum of a run's moving average of the weights.

    The average starts at the random first weights, of which momentum ** steps is left at the end:
    after 1,260 steps with 0.999 still 28 %. So it spans a tenth of the run at most.

    Args:
        recipe: a `Recipe`.
        steps: of an epoch.

    Example:
        >>> averaging_of(Recipe(epochs=20, averaging=0.999), steps=50)
        0.99
    """
    return max(0.0, min(recipe.averaging, 1 - 10 / (recipe.epochs * steps)))


def _new_network(recipe, data):
    keras.utils.set_random_seed(recipe.seed)
    return models.get(recipe.network)(
        data.landmarks.shape[1],
        recipe.input_size,
        recipe.margin,
        scheme=data.scheme,
        mean_shape=mean_shape(data),
        **recipe.network_options,
    )


def _compiled(recipe, network, data, steps, shared=False):
    """The network, ready for `fit`: on PyTorch through its own kernels."""
    model = network
    if shared:
        model = distributed.WholeBatches(network.inputs, network.outputs[0], name=network.name)
    if keras.backend.backend() == "torch":
        from keras_fld.models.torch_forward import TorchForward

        model = TorchForward(network, bfloat16=recipe.precision == "bfloat16")
    elif recipe.precision == "bfloat16":
        raise ValueError(
            "precision bfloat16 needs the PyTorch backend: set KERAS_BACKEND=torch. "
            f"Got: {keras.backend.backend()}"
        )
    warmup = round(recipe.warmup * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else recipe.learning_rate,
        max(1, recipe.epochs * steps - warmup),
        warmup_target=recipe.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    momentum = averaging_of(recipe, steps)
    optimizer = OPTIMIZERS[recipe.optimizer](
        schedule,
        weight_decay=recipe.weight_decay,
        use_ema=momentum > 0,
        ema_momentum=momentum or 0.99,
    )
    # Decay pulls filters, not the offsets and scales that BatchNorm and the biases are.
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    chosen = normalizers.on_crop(catalog.find(recipe.dataset).normalizer, data.scheme, data.frame)
    model.compile(
        optimizer,
        loss=losses.get(recipe.loss, **recipe.loss_options),
        metrics=[] if chosen is None else [metrics.NME(chosen)],
        # XLA where Keras would choose it, but no second compiler on PyTorch, which is slower.
        jit_compile=False if keras.backend.backend() == "torch" else "auto",
    )
    return model


class _Epoch(keras.callbacks.Callback):
    """Number of the running epoch, which the pipeline's random numbers depend on, and its time."""

    number = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.number, self._started = epoch, time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        logs["seconds"] = round(time.monotonic() - self._started, 2)
