"""Training recipes by name, read from recipes.toml."""

import dataclasses
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_fld.training.recipe import Recipe


__all__ = ["get", "names"]

_FILE = Path(__file__).with_suffix(".toml")


def names() -> list[str]:
    """Names of the recipes, in the order of the file."""
    return list(tomllib.loads(_FILE.read_text("utf-8")))


def get(name: str, **changes: Any) -> "Recipe":
    """Returns a recipe.

    Args:
        name: its name, such as "trnet20_300w".
        **changes: fields of `training.Recipe` to change.

    Returns:
        A `training.Recipe`.

    Raises:
        ValueError: the recipe or a field is unknown, or a value is out of range.

    Examples:
        >>> get("trnet20_300w", epochs=10).loss
        'enme'
    """
    # Imported here, because reading the names must not load Keras.
    from keras_fld.data.augment import Augmentation
    from keras_fld.training.recipe import Recipe

    recipes = tomllib.loads(_FILE.read_text("utf-8"))
    if name not in recipes:
        raise ValueError(f"recipe must be one of {', '.join(recipes)}. Got: {name!r}")
    unknown = set(changes) - {field.name for field in dataclasses.fields(Recipe)}
    if unknown:
        raise ValueError(f"a recipe has no field {', '.join(sorted(unknown))}")
    fields = {**recipes[name], **changes}
    if isinstance(fields.get("augmentation"), dict):
        fields["augmentation"] = Augmentation(**fields["augmentation"])
    return Recipe(**fields)
