"""The network of a run: built, started from another's weights, ready for `fit`."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from keras_fld import losses, metrics, models
from keras_fld.data import catalog
from keras_fld.data.crops import OVERSAMPLING, Crops
from keras_fld.losses import normalizers
from keras_fld.models.transplant import transplant_body
from keras_fld.models.windows import WindowedOffsets
from keras_fld.optimizers import OPTIMIZERS
from keras_fld.training import distributed
from keras_fld.training.recipe import Recipe


def new_network(
    recipe: Recipe,
    data: Crops,
    start: keras.Model | str | Path | None = None,
    tell: Callable[[list[str]], None] = lambda sentences: None,
) -> keras.Model:
    """The recipe's network at its first step.

    Args:
        recipe: a `Recipe`.
        data: the training crops, whose mean shape the network's landmarks start from.
        start: the model that the weights are taken from, or its file; None for random weights.
            Of a model of another scheme, or with another kind of head, they are the body's.
        tell: is given a sentence on what was taken where it is not all.
    """
    keras.utils.set_random_seed(recipe.seed)
    network = models.get(recipe.network)(
        data.landmarks.shape[1],
        recipe.input_size,
        recipe.margin,
        scheme=data.scheme,
        mean_shape=mean_shape(data),
        **recipe.network_options,
    )
    if start is not None:
        trained = models.load_model(start) if isinstance(start, (str, Path)) else start
        tell(_start_from(trained, network))
    return network


def _start_from(trained, network):
    """Takes a model's weights; returns a sentence where the head's are not among them."""
    kept, wanted = models.scheme_of(trained), models.scheme_of(network)
    counts = trained.output_shape[1], network.output_shape[1]
    heads = [
        {layer.name for layer in model.layers if isinstance(layer, WindowedOffsets)}
        for model in (trained, network)
    ]
    if kept == wanted and counts[0] == counts[1] and heads[0] == heads[1]:
        models.transplant(trained, network)
        return []
    taken = transplant_body(trained, network)
    names = [scheme.name if scheme else "no scheme" for scheme in (kept, wanted)]
    return [
        f"the weights of the body are taken from {trained.name}, {len(taken)} layers from "
        f"{taken[0]} to {taken[-1]}; the head begins anew: {counts[1]} landmarks ({names[1]}), "
        f"the start has {counts[0]} ({names[0]})"
    ]


def compiled(
    recipe: Recipe,
    network: keras.Model,
    data: Crops,
    steps: int,
    shared: bool = False,
    begun: int = 0,
) -> keras.Model:
    """The network, ready for `fit`: on PyTorch through its own kernels.

    Args:
        recipe: a `Recipe`.
        network: what `new_network` gives.
        data: the training crops.
        steps: of an epoch.
        shared: whether several devices train it together.
        begun: epochs of the finished run that this one extends.

    Raises:
        ValueError: bfloat16 on another backend than PyTorch.
    """
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
    chosen = normalizers.on_crop(catalog.get(recipe.dataset).normalizer, data.scheme, data.frame)
    model.compile(
        _optimizer(recipe, steps, begun),
        loss=losses.get(recipe.loss, **recipe.loss_options),
        metrics=[] if chosen is None else [metrics.NME(chosen)],
        # XLA where Keras would choose it, but no second compiler on PyTorch, which is slower.
        jit_compile=False if keras.backend.backend() == "torch" else "auto",
    )
    return model


def learning_rates(recipe: Recipe, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate of each step of a recipe's run.

    Args:
        recipe: a `Recipe`.
        steps: of an epoch.
    """
    warmup = round(recipe.warmup * steps)
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else recipe.learning_rate,
        max(1, recipe.epochs * steps - warmup),
        warmup_target=recipe.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


@keras.saving.register_keras_serializable(package="keras_fld")
class FromStep(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule from a later step on.

    Args:
        schedule: a learning-rate schedule.
        first: the step that it begins with.
    """

    def __init__(self, schedule, first):
        super().__init__()
        self.schedule, self.first = schedule, first

    def __call__(self, step):
        return self.schedule(step + self.first)

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {"schedule": serialize(self.schedule), "first": self.first}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["first"])


def _optimizer(recipe, steps, begun):
    schedule = learning_rates(recipe, steps)
    if begun:
        schedule = FromStep(schedule, begun * steps)
    momentum = averaging_of(recipe, steps)
    optimizer = OPTIMIZERS[recipe.optimizer](
        schedule,
        weight_decay=recipe.weight_decay,
        use_ema=momentum > 0,
        ema_momentum=momentum or 0.99,
    )
    # Decay pulls filters, not the offsets and scales that BatchNorm and the biases are.
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    return optimizer


def averaging_of(recipe: Recipe, steps: int) -> float:
    """Momentum of a run's moving average of the weights.

    The average starts at the random first weights, of which momentum ** steps is left at the end:
    after 1,260 steps with 0.999 still 28 %. So it spans a tenth of the run at most.

    Args:
        recipe: a `Recipe`.
        steps: of an epoch.

    Examples:
        >>> averaging_of(Recipe(epochs=20, averaging=0.999), steps=50)
        0.99
    """
    return max(0.0, min(recipe.averaging, 1 - 10 / (recipe.epochs * steps)))


def mean_shape(data: Crops) -> np.ndarray:
    """Mean of the faces' shapes in the model's frame, over annotated landmarks: (landmarks, 2)."""
    wide = data.images.shape[1]
    annotated = ~np.isnan(data.landmarks).any(axis=-1)
    never = np.flatnonzero(~annotated.any(axis=0))
    if len(never):
        raise ValueError(
            "every landmark must be annotated in some training face. "
            f"Got: none with landmark {', '.join(map(str, never))}"
        )
    middle = np.nanmean(data.landmarks, axis=0)
    return (middle - (wide - 1) / 2) / OVERSAMPLING + (data.frame.size - 1) / 2
