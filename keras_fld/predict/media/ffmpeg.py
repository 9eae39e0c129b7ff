"""PyAV, which includes FFmpeg. It is loaded when the first video is opened."""

from fractions import Fraction
from types import ModuleType

from keras_fld._internal import extras

# Used if the file or camera does not specify a rate.
DEFAULT_FPS = 30.0
# Default unit of time, if the source does not define one.
TIME_BASE = Fraction(1, 90000)


def load() -> ModuleType:
    """Imports PyAV.

    Raises:
        ImportError: PyAV is not installed.
    """
    return extras.load("av", "Reading and writing videos")


def quiet() -> None:
    """Suppresses FFmpeg's messages about damaged files on standard error, in the whole process."""
    av = load()
    av.logging.set_level(None)
    av.logging.set_libav_level(av.logging.PANIC)


def reason(error: Exception) -> str:
    """Returns the text of an FFmpeg error, without its number and the URL.

    The URL may contain a password.
    """
    return str(getattr(error, "strerror", None) or error).partition("\n")[0]


def rate(fps: float) -> Fraction:
    """Returns a frame rate as the fraction used in video files, such as 30000/1001 for 29.97."""
    return Fraction(fps).limit_denominator(1001)
