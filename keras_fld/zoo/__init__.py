"""Pretrained models in the package.

A preset is `NAME.keras` without optimiser state, `NAME_int8.tflite` and the card `NAME.md`. The
face score, which is no preset, is `face_score.tflite` with the card `face_score.md`.
"""

from pathlib import Path

__all__ = ["keras_file", "lite_file", "names"]

_FOLDER = Path(__file__).parent


def names():
    """Names of the presets."""
    return sorted(path.stem for path in _FOLDER.glob("*.keras"))


def keras_file(name):
    """Path of a preset's Keras model; raises ValueError for an unknown preset."""
    return _file(name, ".keras")


def lite_file(name):
    """Path of a preset's int8 TFLite model; raises ValueError for an unknown preset."""
    return _file(name, "_int8.tflite")


def score_file():
    """Path of the face score's TFLite model, which judges what landmark models predict."""
    return _FOLDER / "face_score.tflite"


def _file(name, ending):
    """Path of a preset's file.

    Raises:
        ValueError: there is no such preset.
    """
    known = names()
    if name not in known:
        raise ValueError(f"preset must be one of {', '.join(known)}. Got: {name!r}")
    return _FOLDER / f"{name}{ending}"
