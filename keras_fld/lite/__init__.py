"""From a Keras model to a TFLite file, and running it."""

import importlib
from typing import TYPE_CHECKING

__all__ = ["LiteModel", "compress", "convert", "export", "metadata", "modes", "parity", "qat"]

if TYPE_CHECKING:  # what editors and type checkers see of the lazy names
    from keras_fld.lite import compress, export, metadata, modes, parity, qat
    from keras_fld.lite.conversion import convert
    from keras_fld.lite.runtime import LiteModel


def __getattr__(name):
    # Running a file must not load the converter, which needs TensorFlow.
    if name == "LiteModel":
        return importlib.import_module("keras_fld.lite.runtime").LiteModel
    if name == "convert":
        return importlib.import_module("keras_fld.lite.conversion").convert
    if name in ("compress", "export", "metadata", "modes", "parity", "qat"):
        return importlib.import_module(f"keras_fld.lite.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
