"""A dictionary that stays as it is made."""

from typing import Any, NoReturn


class FrozenDict(dict):
    """A `dict` that refuses changes, and holds lists as tuples.

    JSON, pickle, `copy` and `dataclasses.asdict` take it as the dictionary that it is, which
    `types.MappingProxyType` does not allow.

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
