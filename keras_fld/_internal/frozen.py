"""An immutable dictionary."""

from typing import Any, NoReturn


class FrozenDict(dict):
    """An immutable `dict`; lists in it become tuples.

    Unlike `types.MappingProxyType`, it works with JSON, pickle, `copy` and `dataclasses.asdict`.

    Examples:
        >>> FrozenDict({"alpha": 2.0})["alpha"]
        2.0
    """

    def __init__(self, *items: Any) -> None:
        super().__init__((key, _frozen(value)) for key, value in dict(*items).items())

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)

    def _refuse(self, *arguments: Any, **options: Any) -> NoReturn:
        raise TypeError("a frozen dictionary cannot be changed")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


def _frozen(value):
    if isinstance(value, dict):
        return FrozenDict(value)
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
