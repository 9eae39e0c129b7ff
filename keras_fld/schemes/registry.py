"""The schemes by name."""

from typing import Any

from keras_fld.schemes import custom
from keras_fld.schemes.aflw19 import AFLW19
from keras_fld.schemes.cofw29 import COFW29
from keras_fld.schemes.ibug68 import IBUG68
from keras_fld.schemes.mtfl5 import MTFL5
from keras_fld.schemes.scheme import Scheme
from keras_fld.schemes.wflw98 import WFLW98

SCHEMES = {scheme.name: scheme for scheme in (IBUG68, AFLW19, COFW29, WFLW98)}
# Found by name alone: MTFL's, as many sets have five points, and those that a program registers.
_OTHERS = {MTFL5.name: MTFL5}


def get(scheme: Scheme | str | int | dict[str, Any], also: str = "") -> Scheme:
    """Finds a scheme.

    Args:
        scheme: a `Scheme`, its name, its description as a dictionary, or a number of landmarks that
            only one of the package's schemes has.
        also: a name that the caller takes besides, for the error.

    Returns:
        The `Scheme`.

    Raises:
        ValueError: there is none such.

    Examples:
        >>> get(68).name
        'ibug68'
    """
    if isinstance(scheme, Scheme):
        return scheme
    if isinstance(scheme, dict):
        return described(scheme)
    for known in SCHEMES.values():
        if scheme in (known.name, known.num_landmarks):
            return known
    if isinstance(scheme, str) and scheme in _OTHERS:
        return _OTHERS[scheme]
    names = ", ".join(f"{s.name} ({s.num_landmarks} landmarks)" for s in SCHEMES.values())
    names += f" or {also}" if also else ""
    raise ValueError(f"scheme must be one of {names}. Got: {scheme!r}")


def described(description: dict[str, Any]) -> Scheme:
    """The scheme that a dictionary describes, such as that of a file.

    It is not registered: whatever was read carries the scheme itself.

    Args:
        description: as of `schemes.custom`.

    Returns:
        The `Scheme`.

    Raises:
        ValueError: the description is bad, or another scheme of the package has that name.
    """
    return _with_free_name(custom.from_dict(description))


def register(scheme: Scheme) -> Scheme:
    """Makes a scheme found by its name in this process; the last one of a name counts.

    Models and data sets carry their schemes and need no registration. It is for programs that name
    a scheme of their own where one of the package's could be named.

    Returns:
        The scheme.

    Raises:
        ValueError: another scheme of the package has that name.

    Examples:
        >>> register(custom.from_dict({"name": "two", "landmarks": 2}))
        >>> get("two").num_landmarks
        2
    """
    _with_free_name(scheme)
    if scheme.name not in SCHEMES:
        _OTHERS[scheme.name] = scheme
    return scheme


def reference(scheme: Scheme) -> str | dict[str, Any]:
    """What a file keeps of a scheme, for `get`: the name of the package's own, else all of it."""
    return scheme.name if SCHEMES.get(scheme.name) == scheme else custom.to_dict(scheme)


def with_landmarks(num_landmarks: int) -> Scheme | None:
    """The scheme with that many landmarks, or None."""
    return next((s for s in SCHEMES.values() if s.num_landmarks == num_landmarks), None)


def _with_free_name(scheme):
    if SCHEMES.get(scheme.name, scheme) != scheme:
        raise ValueError(f"another scheme cannot be called {scheme.name!r}")
    return scheme
