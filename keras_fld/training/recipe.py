"""The recipe of a training run: all settings that determine its result, except the data."""

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
    """All settings that determine the result of a training run, except the data.

    Args:
        dataset: name of the dataset.
        dataset_options: options of its reader, such as {"count": 20000} of "synthetic".
        repeats: how often an epoch shows each face of the dataset, with new augmentation each time.
        limit: maximum number of training faces from the dataset, evenly spaced; 0 for all.
        balance: show faces with rare poses more often, see `data.balance.pose_repeats`.
        extra: `ExtraSet`s to train on in addition, also given as names or as dictionaries of their
            fields.
        start: name of the model that provides the initial weights; empty for random weights. The
            weights are transplanted if the numbers of filters differ. If the landmarks differ, only
            the weights of the body are used.
        network: name of the network, or "module:function" for your own, see `models.imported`.
        network_options: its arguments, such as {"head": "windows"}.
        loss: name of the loss.
        loss_options: its arguments, such as {"alpha": 2.0}.
        epochs: passes over the training faces.
        batch_size: faces per step.
        optimizer: "adamw", or "muon": AdamW with orthogonalized updates of the convolutions.
        learning_rate: peak learning rate, reached after `warmup` epochs; a cosine decay to zero
            follows.
        warmup: epochs of rising learning rate.
        weight_decay: weight decay of the optimizer.
        averaging: momentum of the moving average of the weights, which is the result of a run; 0
            disables averaging. Short runs use less, see `averaging_of`.
        input_size: side of the crop in pixels.
        margin: side of the crop in face boxes.
        precision: "float32", or "bfloat16" for convolutions in bfloat16 with float32 parameters.
            It needs the PyTorch backend, and is faster if the processor supports bfloat16.
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
    """The `Recipe` in a recipe.json. Fields that an older file lacks get their default.

    Args:
        fields: the dictionary under "recipe" in the file.

    Raises:
        TypeError: a field is unknown.
        AttributeError: `fields` is not a dictionary.
        ValueError: a value is out of range.
    """
    augmentation = Augmentation(**fields.get("augmentation", {}))
    return Recipe(**{**fields, "augmentation": augmentation})
