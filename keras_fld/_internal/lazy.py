"""Public names of a package that are imported when they are first used."""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

from keras_fld._internal.extras import explained


def lazy_names(
    package: str, names: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The module functions `__getattr__` and `__dir__` of a package with lazy names.

    Args:
        package: the package's `__name__`.
        names: public name to the module below the package that defines it; a name that is itself
            a submodule has "".

    Returns:
        The two functions.

    Example:
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
