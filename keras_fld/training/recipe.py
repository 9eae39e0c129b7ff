"""What a training run is: everything that decides its result, beside its data."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from keras_fld import losses, models
from keras_fld._internal.frozen import FrozenDict
from keras_fld._internal.names import PRECISIONS
from keras_fld.data.augment import Augmentation
from keras_fld.geometry.frame import MARGIN, FaceCrop
from keras_fld.optimizers import OPTIMIZERS
from keras_fld.training.extra_set import ExtraSet, extra_set


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a training run produces, beside its data.

    Args:
        dataset: name of the dataset.
        dataset_options: options of its reader, such as {"count": 20000} of "synthetic".
        repeats: how often an epoch shows each face of the dataset, each time augmented anew.
        limit: most faces of the dataset to train with, taken evenly over it; 0 for all.
        balance: show faces of rare poses more often, see `data.balance.pose_repeats`.
        extra: `ExtraSet`s whose faces an epoch shows too, each also as a dictionary of its fields
            or as its name alone.
        start: name of the run whose result the weights start from, transplanted where the network
            has other numbers of filters; of other landmarks, the body's; empty for random ones.
        network: name of the network, or "module:function" of one of your own, see
            `models.imported`.
        network_options: its arguments, such as {"head": "windows"}.
        loss: name of the loss.
        loss_options: its arguments, such as {"alpha": 2.0}.
        epochs: passes over the training faces.
        batch_size: faces in a step.
        optimizer: "adamw", or "muon": AdamW with orthogonal steps of the convolutions.
        learning_rate: the optimizer's peak; it rises over `warmup` epochs and falls to zero as a
            cosine.
        warmup: epochs of rising learning rate.
        weight_decay: the optimizer's.
        averaging: momentum of the weights' moving average, which is what a run returns; 0 for none.
            A run of few steps takes less, see `averaging_of`.
        input_size: side of the crop in pixels.
        margin: side of the crop in face boxes.
        precision: "float32", or "bfloat16" for convolutions in half the bits, parameters staying in
            float32: on the PyTorch backend alone, and faster where the processor has bfloat16.
        validation: fraction of the training faces held out, by photograph or person.
        seed: seed of weights, order and augmentation.
        augmentation: an `Augmentation`.
    """

    dataset: str = "300w"
    dataset_options: Mapping[str, Any] = field(default_factory=FrozenDict)
    repeats: int = 1
    limit: int = 0
    balance: bool = False
    extra: tuple[ExtraSet, ...] = ()
    start: str = ""
    network: str = "trnet20"
    network_options: Mapping[str, Any] = field(default_factory=FrozenDict)
    loss: str = "enme"
    loss_options: Mapping[str, Any] = field(default_factory=FrozenDict)
    epochs: int = 150
    batch_size: int = 8
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    warmup: float = 2.0
    weight_decay: float = 1e-4
    averaging: float = 0.999
    input_size: int = 64
    margin: float = MARGIN
    precision: str = "float32"
    validation: float = 0.0
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        for name in ("dataset_options", "network_options", "loss_options"):
            object.__setattr__(self, name, FrozenDict(getattr(self, name)))
        object.__setattr__(self, "extra", tuple(map(extra_set, self.extra)))
        names = [extra.name for extra in self.extra]
        if len(set(names)) < len(names):
            raise ValueError(f"extra sets must have different names. Got: {', '.join(names)}")
        for name in ("epochs", "repeats", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1. Got: {getattr(self, name)}")
        if self.limit < 0:
            raise ValueError(f"limit must be at least 1, or 0 for all faces. Got: {self.limit}")
        for name in ("warmup", "weight_decay"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be at least 0. Got: {getattr(self, name)}")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be above 0. Got: {self.learning_rate}")
        for name in ("averaging", "validation"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 0 and below 1. Got: {getattr(self, name)}"
                )
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must be from 0 to 2**32 - 1. Got: {self.seed}")
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"precision must be one of {', '.join(PRECISIONS)}. Got: {self.precision!r}"
            )
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(
                f"optimizer must be one of {', '.join(OPTIMIZERS)}. Got: {self.optimizer!r}"
            )
        losses.get(self.loss, **self.loss_options)
        models.get(self.network)
        FaceCrop(self.input_size, self.margin)

    @property
    def frame(self) -> FaceCrop:
        return FaceCrop(self.input_size, self.margin)


def saved_recipe(fields: dict[str, Any]) -> Recipe:
    """The `Recipe` of a run's recipe.json; what it does not name, being older, has its default.

    Args:
        fields: the dictionary that the file has under "recipe".

    Raises:
        TypeError: a field that recipes have not.
        AttributeError: no dictionary.
        ValueError: a value is out of range.
    """
    augmentation = Augmentation(**fields.get("augmentation", {}))
    return Recipe(**{**fields, "augmentation": augmentation})
