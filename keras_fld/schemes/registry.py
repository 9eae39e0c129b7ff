"""Registry of the schemes."""

from typing import Any

from keras_fld.schemes import custom
from keras_fld.schemes.aflw19 import AFLW19
from keras_fld.schemes.cofw29 import COFW29
from keras_fld.schemes.ibug68 import IBUG68
from keras_fld.schemes.mtfl5 import MTFL5
from keras_fld.schemes.scheme import Scheme
from keras_fld.schemes.wflw98 import WFLW98

SCHEMES = {scheme.name: scheme for scheme in (IBUG68, AFLW19, COFW29, WFLW98)}
# Found only by name, not by number of landmarks: MTFL's, because many datasets have five points,
# and the schemes that a program registers.
_OTHERS = {MTFL5.name: MTFL5}


def get(scheme: Scheme | str | int | dict[str, Any], also: str = "") -> Scheme:
    """Returns a scheme by name, number of landmarks or description.

    Args:
        scheme: a `Scheme`, its name, its description as a dictionary, or a number of landmarks that
            only one of the package's schemes has.
        also: another name that the caller accepts, to be listed in the error message.

    Returns:
        The `Scheme`.

    Raises:
        ValueError: the scheme is unknown.

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
    """Creates a scheme from its description, such as that in a file, without registering it.

    Args:
        description: dictionary as in `schemes.custom`.

    Returns:
        The `Scheme`.

    Raises:
        ValueError: the description is invalid, or a different scheme of the package has its name.
    """
    return _with_free_name(custom.from_dict(description))


def register(scheme: Scheme) -> Scheme:
    """Registers a scheme in this process, so that `get` finds it by name.

    Models and datasets contain their schemes and do not need this. Register a scheme if you want to
    pass its name to functions of the package. Registering another scheme under the same name
    replaces the first.

    Args:
        scheme: the `Scheme`.

    Returns:
        The scheme.

    Raises:
        ValueError: a different scheme of the package has this name.

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
    """Returns what a file stores of a scheme, for `get`.

    This is the name of one of the package's schemes, or the description of any other.
    """
    return scheme.name if SCHEMES.get(scheme.name) == scheme else custom.to_dict(scheme)


def with_landmarks(num_landmarks: int) -> Scheme | None:
    """Returns the package's scheme with that many landmarks, or None."""
    return next((s for s in SCHEMES.values() if s.num_landmarks == num_landmarks), None)


def _with_free_name(scheme):
    if SCHEMES.get(scheme.name, scheme) != scheme:
        raise ValueError(
            "the name of a scheme must not be that of one of the package's schemes. "
            f"Got: {scheme.name!r}"
        )
    return scheme
