"""Lazy imports: public names of a package that are imported on first use."""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

from keras_fld._internal.extras import explained


def lazy_names(
    package: str, names: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Returns the functions `__getattr__` and `__dir__` of a package with lazy names.

    Args:
        package: the package's `__name__`.
        names: public name to the submodule that defines it, or to "" if the name is a submodule
            itself.

    Returns:
        The two functions.

    Examples:
        >>> __getattr__, __dir__ = lazy_names(__name__, {"evaluate": "protocol", "worst": ""})
    """

    def get(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            module = importlib.import_module(f"{package}.{names[name] or name}")
        except ImportError as error:
            raise explained(error) from error.__cause__
        if not names[name]:
            return module
        value = getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    def listing() -> list[str]:
        return sorted({*vars(sys.modules[package]), *names})

    return get, listing
