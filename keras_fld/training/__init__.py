"""Training runs that can be interrupted at any time and resumed."""

from typing import TYPE_CHECKING

from keras_fld._internal.lazy import lazy_names

_NAMES = {
    "PRECISIONS": "recipe",
    "Recipe": "recipe",
    "TrainingDiverged": "diverged",
    "mean_shape": "network",
    "train": "run",
}

__all__ = ["PRECISIONS", "Recipe", "TrainingDiverged", "mean_shape", "train"]

if TYPE_CHECKING:  # the lazy names, for editors and type checkers
    from keras_fld.training.diverged import TrainingDiverged
    from keras_fld.training.network import mean_shape
    from keras_fld.training.recipe import PRECISIONS, Recipe
    from keras_fld.training.run import train

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
