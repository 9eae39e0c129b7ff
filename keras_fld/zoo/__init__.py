"""Pretrained models in the package.

A preset is `NAME.keras` without optimizer state, `NAME_int8.tflite` and the card `NAME.md`; one has
`NAME_int8_qat.tflite.gz` as well, packed so that the folder stays under 10 MB. presets.json lists
them, and figures.json has their published figures, written by `make tables`. The face score, which
is no preset, is `face_score.tflite` with the card `face_score.md`.
"""

import gzip
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from keras_fld._internal.files import read_json

__all__ = ["Preset", "about", "figures", "keras_file", "lite_file", "names"]

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Preset:
    """What a preset is, as presets.json has it.

    Args:
        description: one line.
        license: SPDX identifier of the weights' license; LicenseRef-300W-Weights is
            LICENSE-300W.md.
        face_score: whether the package's face score judges what the preset predicts where nothing
            else is said. The score is for research, so it does not with weights that are free of
            such terms.
    """

    description: str
    license: str
    face_score: bool


def names() -> list[str]:
    """Names of the presets."""
    return sorted(_presets())


def about(name: str) -> Preset:
    """What a preset is.

    Args:
        name: the preset.

    Raises:
        ValueError: there is no such preset.

    Example:
        >>> about("trnet20_synthetic").license
        'Apache-2.0'
    """
    _file(name, "")
    return _presets()[name]


@cache
def _presets():
    content = read_json(_FOLDER / "presets.json")
    return {name: Preset(**entry) for name, entry in content.items()}


def keras_file(name: str) -> Path:
    """Path of a preset's Keras model; raises ValueError for an unknown preset."""
    return _file(name, ".keras")


def lite_file(name: str) -> Path:
    """Path of a preset's int8 TFLite model; raises ValueError for an unknown preset."""
    return _file(name, "_int8.tflite")


def qat_content(name: str) -> bytes | None:
    """What a preset's TFLite file holds that was trained for int8, where the package has it.

    Args:
        name: the preset.

    Returns:
        The bytes of the file, mode "int8_qat"; None for a preset that has none.

    Raises:
        ValueError: there is no such preset.

    Example:
        >>> len(qat_content("trnet20_300w"))
        903160
    """
    path = _file(name, "_int8_qat.tflite.gz")
    return gzip.decompress(path.read_bytes()) if path.exists() else None


def figures(name: str) -> dict[str, Any]:
    """What is published of a preset: where it was measured, and what it costs a phone.

    Args:
        name: the preset.

    Returns:
        A dictionary: `dataset`; `keras`, test subset to NME in per cent of the dataset's
        normalizer; and `files`, mode to `sha256`, `nme` as of `keras`, and `instructions` of one
        inference, ARM CPU to their number. The files int8 and int8_qat are the package's; others
        are what `keras-fld export` writes.

    Raises:
        ValueError: there is no such preset.

    Example:
        >>> figures("trnet20_300w")["dataset"]
        '300w'
    """
    _file(name, "")
    return read_json(_FOLDER / "figures.json")[name]


def score_file() -> Path:
    """Path of the face score's TFLite model, which judges what landmark models predict."""
    return _FOLDER / "face_score.tflite"


def packaged(name: str) -> Path:
    """Path of a file in the package's folder of models, whether or not there is one.

    Args:
        name: its name without a folder.
    """
    return _FOLDER / name


def _file(name, ending):
    """Path of a preset's file.

    Raises:
        ValueError: there is no such preset.
    """
    known = names()
    if name not in known:
        raise ValueError(f"preset must be one of {', '.join(known)}. Got: {name!r}")
    return _FOLDER / f"{name}{ending}"
