"""Conversion of Keras models to TFLite, and evaluation of the files."""

from typing import TYPE_CHECKING

from keras_fld._internal.lazy import lazy_names

# Running a file must not load the converter and TensorFlow.
_NAMES = {
    "benchmark": "latency",
    "compress": "tfmot.compress",
    "convert": "conversion",
    "export": "exporting",
    "modes": "",
    "parity": "parity_check",
    "qat": "tfmot.qat",
}

__all__ = ["benchmark", "compress", "convert", "export", "modes", "parity", "qat"]

if TYPE_CHECKING:  # the lazy names, for editors and type checkers
    from keras_fld.lite import modes
    from keras_fld.lite.conversion import convert
    from keras_fld.lite.exporting import export
    from keras_fld.lite.latency import benchmark
    from keras_fld.lite.parity_check import parity
    from keras_fld.lite.tfmot.compress import compress
    from keras_fld.lite.tfmot.qat import qat

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
