"""Networks from a user's module, given as `module:function`."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from keras_fld.geometry.frame import FaceCrop
from keras_fld.models.layers import ShapeOffset, frame_of


def find(name: str) -> Callable[..., keras.Model]:
    """Imports the function with a name such as "my_networks:small".

    The function is called like the package's networks, `function(num_landmarks, input_size, margin,
    scheme=..., mean_shape=..., **options)`, and returns a `keras.Model` that ends in `models.head`.
    The module may also be in the working directory.

    Args:
        name: name of the module and of the function, separated by a colon.

    Returns:
        A function that builds and validates the network.

    Raises:
        ValueError: the module cannot be imported or has no such function.

    Examples:
        >>> find("keras_fld.models:TRNet20")(num_landmarks=68, input_size=64).output_shape
        (None, 68, 2)
    """
    module, _, function = name.partition(":")
    here = str(Path.cwd())
    sys.path.append(here)
    try:
        found = getattr(importlib.import_module(module), function, None)
    except Exception as error:  # importing a user's module may raise anything
        reason = (str(error).strip().splitlines() or [""])[0]
        raise ValueError(
            f"network {name}: the module {module!r} cannot be imported "
            f"({type(error).__name__}: {reason})"
        ) from error
    finally:
        sys.path.remove(here)
    if not callable(found):
        raise ValueError(
            f"network must be module:function. Got: {name}, but {module!r} has no function "
            f"{function!r}"
        )

    def build(num_landmarks: int, input_size: int = 64, *given: Any, **options: Any) -> keras.Model:
        try:
            network = found(num_landmarks, input_size, *given, **options)
        except TypeError as error:
            raise ValueError(
                f"network {name} must take num_landmarks, input_size, margin, scheme=, mean_shape= "
                f"and its options. Got: {str(error).splitlines()[0]}"
            ) from error
        return _checked(network, name, num_landmarks, input_size)

    return build


def _checked(network, name, num_landmarks, input_size):
    """Returns the network; raises ValueError if it cannot be used for training."""
    if not isinstance(network, keras.Model):
        raise ValueError(f"network {name} must return a keras.Model. Got: {type(network).__name__}")
    if not network.layers or not isinstance(network.layers[-1], ShapeOffset):
        raise ValueError(f"network {name} must end in keras_fld.models.head. Got: {network.name!r}")
    frame: FaceCrop = frame_of(network)
    if (frame.size, network.output_shape[1]) != (input_size, num_landmarks):
        raise ValueError(
            f"network {name} must take crops of {input_size} pixels and predict {num_landmarks} "
            f"landmarks. Got: {frame.size} and {network.output_shape[1]}"
        )
    return network
