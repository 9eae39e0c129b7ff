"""Pretrained models that come with the package.

A preset consists of `NAME.keras` without optimizer state, `NAME_int8.tflite` and the model card
`NAME.md`. presets.json lists the presets. figures.json contains their published figures and is
written by `make tables`. The face score is not a preset: it is `face_score.tflite` with the card
`face_score.md`.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from keras_fld._internal.files import read_json

__all__ = ["Preset", "about", "figures", "keras_file", "lite_file", "names"]

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Preset:
    """The entry of a preset in presets.json.

    Args:
        description: description in one line.
        license: SPDX identifier of the license of the weights. LicenseRef-300W-Weights is
            LICENSE-300W.md.
        face_score: whether predictions with this preset use the face score by default. The face
            score may only be used for research, so this is False for presets with a free license.
    """

    description: str
    license: str
    face_score: bool


def names() -> list[str]:
    """Returns the names of the presets."""
    return sorted(_presets())


def about(name: str) -> Preset:
    """Returns the description, license and default face score of a preset.

    Args:
        name: name of the preset.

    Returns:
        A `Preset`.

    Raises:
        ValueError: the preset is unknown.

    Examples:
        >>> about("trnet20_free").license
        'CC-BY-4.0'
    """
    _file(name, "")
    return _presets()[name]


def license_of_file(path: str | Path) -> str | None:
    """License of a preset's own Keras or TFLite file; None for any other file.

    Args:
        path: the file.
    """
    path = Path(path)
    if path.resolve().parent != _FOLDER.resolve():
        return None
    files = {file: name for name in names() for file in (f"{name}.keras", f"{name}_int8.tflite")}
    return about(files[path.name]).license if path.name in files else None


@cache
def _presets():
    content = read_json(_FOLDER / "presets.json")
    return {name: Preset(**entry) for name, entry in content.items()}


def keras_file(name: str) -> Path:
    """Returns the path of a preset's Keras model.

    Raises:
        ValueError: the preset is unknown.
    """
    return _file(name, ".keras")


def lite_file(name: str) -> Path:
    """Returns the path of a preset's int8 TFLite model.

    Raises:
        ValueError: the preset is unknown.
    """
    return _file(name, "_int8.tflite")


def figures(name: str) -> dict[str, Any]:
    """Returns the published figures of a preset: its accuracy and its cost on phone CPUs.

    Args:
        name: name of the preset.

    Returns:
        A dictionary with three entries. `dataset` is the name of the test dataset. `keras` maps
        each test subset to the NME of the Keras model, in percent of the dataset's normalizer.
        `files` maps each mode to the `sha256` of its file, the `graph_sha256` of what it computes
        (see `lite.flatbuffer.graph_sha256`), its `nme` in the same form, and its `instructions`:
        ARM CPU to the number of instructions per inference. The int8 files are in the package.
        `keras-fld export` writes the others.

    Raises:
        ValueError: the preset is unknown.

    Examples:
        >>> figures("trnet20_300w")["dataset"]
        '300w'
    """
    _file(name, "")
    return read_json(_FOLDER / "figures.json")[name]


def score_file() -> Path:
    """Returns the path of the face score, a TFLite model that scores predicted landmarks."""
    return _FOLDER / "face_score.tflite"


def packaged(name: str) -> Path:
    """Path of a file in the package's folder of models, whether or not there is one.

    Args:
        name: its name without a folder.
    """
    return _FOLDER / name


def _file(name, ending):
    """Path of a file of a preset.

    Raises:
        ValueError: the preset is unknown.
    """
    known = names()
    if name not in known:
        raise ValueError(f"preset must be one of {', '.join(known)}. Got: {name!r}")
    return _FOLDER / f"{name}{ending}"
