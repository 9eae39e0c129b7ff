"""Keras, for modules that people import directly: without a backend the error says what to do."""

from keras_fld._internal.extras import explained

try:
    import keras
except ImportError as error:
    raise explained(error) from error

__all__ = ["keras"]
