"""The network of a run: construction, initial weights, and compilation."""

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
    """Builds the recipe's network with its initial weights.

    Args:
        recipe: a `Recipe`.
        data: the training crops. Their mean shape is the network's.
        start: the model that provides the weights, or its file; None for random weights. If its
            scheme or kind of head differs, only the weights of the body are used.
        tell: called with a note if not all weights are used, or if the crops differ.
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
        tell(_start_from(trained, network) + _other_crops(trained, network))
    return network


def _start_from(trained, network):
    """Copies a model's weights; returns a note if those of the head cannot be used."""
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
        f"the weights of {len(taken)} layers, {taken[0]} to {taken[-1]}, are from {trained.name}; "
        f"the head is new: it predicts {counts[1]} landmarks ({names[1]}), that of {trained.name} "
        f"{counts[0]} ({names[0]})"
    ]


def _other_crops(trained, network):
    """Returns a note if the weights were trained on crops of another size."""
    sizes = [models.frame_of(model).size for model in (trained, network)]
    if sizes[0] == sizes[1]:
        return []
    return [
        f"{trained.name} was trained on crops of {sizes[0]} pixels, and this network sees "
        f"{sizes[1]} (--input-size): the weights fit less well"
    ]


def compiled(
    recipe: Recipe,
    network: keras.Model,
    data: Crops,
    steps: int,
    shared: bool = False,
    begun: int = 0,
) -> keras.Model:
    """Compiles the network for `fit`. On PyTorch, it uses PyTorch's own kernels.

    Args:
        recipe: a `Recipe`.
        network: the result of `new_network`.
        data: the training crops.
        steps: steps per epoch.
        shared: whether several devices train it together.
        begun: epochs of the finished run that this one extends.

    Raises:
        ValueError: bfloat16 without the PyTorch backend.
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
        # Keras chooses, except on PyTorch, where compilation is slower.
        jit_compile=False if keras.backend.backend() == "torch" else "auto",
    )
    return model


def learning_rates(recipe: Recipe, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """The learning-rate schedule of a recipe.

    Args:
        recipe: a `Recipe`.
        steps: steps per epoch.
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
    """A schedule that starts at a later step.

    Args:
        schedule: a learning-rate schedule.
        first: the step to start at.
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
    # Weight decay applies to filters only, not to biases and BatchNorm parameters.
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    return optimizer


def averaging_of(recipe: Recipe, steps: int) -> float:
    """Momentum of the moving average of a run's weights.

    The average starts at the random initial weights. Their share at the end is momentum ** steps,
    which is 28 % after 1,260 steps with 0.999. The momentum is therefore limited, so that the
    average spans at most a tenth of the run.

    Args:
        recipe: a `Recipe`.
        steps: steps per epoch.

    Examples:
        >>> averaging_of(Recipe(epochs=20, averaging=0.999), steps=50)
        0.99
    """
    return max(0.0, min(recipe.averaging, 1 - 10 / (recipe.epochs * steps)))


def mean_shape(data: Crops) -> np.ndarray:
    """Mean shape of the faces in the model's frame, over annotated landmarks: (landmarks, 2)."""
    wide = data.images.shape[1]
    annotated = ~np.isnan(data.landmarks).any(axis=-1)
    never = np.flatnonzero(~annotated.any(axis=0))
    if len(never):
        raise ValueError(
            "every landmark must be annotated in at least one training face. "
            f"Got: no face with landmark {', '.join(map(str, never))}"
        )
    middle = np.nanmean(data.landmarks, axis=0)
    return (middle - (wide - 1) / 2) / OVERSAMPLING + (data.frame.size - 1) / 2
