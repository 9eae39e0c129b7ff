"""PyAV, which brings FFmpeg: loaded when the first video is opened."""

from fractions import Fraction
from types import ModuleType

from keras_fld._internal import extras

# Assumed where a file or a camera does not say.
DEFAULT_FPS = 30.0
# Times are whole multiples of this where nothing better is known.
TIME_BASE = Fraction(1, 90000)


def load() -> ModuleType:
    """PyAV.

    Raises:
        ImportError: it is not installed.
    """
    return extras.load("av", "Reading and writing videos")


def quiet() -> None:
    """Keeps FFmpeg's own lines about a damaged file from standard error, in the whole process."""
    av = load()
    av.logging.set_level(None)
    av.logging.set_libav_level(av.logging.PANIC)


def reason(error: Exception) -> str:
    """What an error of FFmpeg's says, without its number and the address, which may hold a
    password."""
    return str(getattr(error, "strerror", None) or error).partition("\n")[0]


def rate(fps: float) -> Fraction:
    """Frames a second as the fraction that video files have, such as 30000/1001 for 29.97."""
    return Fraction(fps).limit_denominator(1001)
