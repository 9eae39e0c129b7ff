"""Opens every kind of landmark model and face score, Keras or TFLite, with one interface."""

import pickle
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_fld import zoo
from keras_fld._internal.pixels import crops_of
from keras_fld.predict.protocol import LandmarkModel, Scorer
from keras_fld.schemes import Scheme

if TYPE_CHECKING:
    import keras


# Value of `score=` of a landmarker that selects `scored_by_default`.
DEFAULT_SCORE = "default"

# Schemes whose tight box encloses contour and brows, as the package's face score requires.
SCORED_SCHEMES = ("ibug68", "wflw98")


# Keras' `predict` modifies the model, which several landmarkers may share. A single lock for all
# models costs little, because a backend uses all cores for one call.
_ONE_KERAS_CALL = threading.Lock()


class KerasModel:
    """A Keras model of the package as a `LandmarkModel`.

    It is thread-safe; threads predict one after another. A pickle contains the model.
    """

    def __init__(self, model: "keras.Model") -> None:
        from keras_fld import models
        from keras_fld.models.layers import box_in_face

        self.model = model
        self.frame = models.frame_of(model)
        self.scheme = models.scheme_of(model)
        self.num_landmarks: int = model.output_shape[1]
        self.box_in_face = box_in_face(model)
        self.license: str | None = getattr(model, "license", None)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Predicts (faces, landmarks, 2) in crop pixels from (faces, size, size, 3) crops."""
        images = crops_of(images, self.frame.size)
        if not len(images):
            return np.empty((0, self.num_landmarks, 2), np.float32)
        with _ONE_KERAS_CALL:
            return self.model.predict(images, batch_size=64, verbose=0)

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (pickle.dumps(self.model),)


def _unpickled(content):
    """Loads a pickled `KerasModel`.

    Keras finds the classes of layers and losses by their registered names, so their modules must be
    imported first.
    """
    from keras_fld import losses, metrics, models  # noqa: F401

    return KerasModel(pickle.loads(content))


def open_model(model: "keras.Model | LandmarkModel | str | Path") -> LandmarkModel:
    """Opens any landmark model.

    Args:
        model: a Keras model, a `LandmarkModel`, the path of a `.keras` or `.tflite` file or of a
            baseline's `.npz` file, or the name of a preset, whose int8 file is opened.

    Returns:
        A `LandmarkModel`.

    Raises:
        ValueError: the model is none of these, or a file is missing, damaged or of the wrong kind.

    Examples:
        >>> open_model("face.tflite").predict(crops).shape
        (10, 68, 2)
    """
    if isinstance(model, (str, Path)):
        path = zoo.lite_file(model) if model in zoo.names() else Path(model)
        if path.suffix == ".tflite":
            from keras_fld.predict.described_file import open_file

            return open_file(path)
        if path.suffix == ".keras":
            from keras_fld import models

            return KerasModel(models.load_model(path))
        if path.suffix == ".npz":
            from keras_fld import baselines

            return baselines.open_baseline(path)
        raise ValueError(
            "a model must be a .keras, .tflite or baseline's .npz file, or a preset "
            f"({', '.join(zoo.names())}). Got: {path}"
        )
    if hasattr(model, "frame"):
        return model
    if not hasattr(model, "layers"):  # does not load Keras to check the class
        raise ValueError(
            "a model must be a Keras model, a LiteModel, the path of a .keras or .tflite file, or "
            f"a preset. Got: {model!r}"
        )
    return KerasModel(model)


def scored_by_default(model: "keras.Model | LandmarkModel | str | Path") -> bool:
    """Whether the package's face score is used by default for a model.

    It is, except for presets whose entry in the zoo says otherwise.

    Args:
        model: as in `open_model`.

    Examples:
        >>> scored_by_default("trnet20_free")
        False
    """
    if isinstance(model, str) and model in zoo.names():
        return zoo.about(model).face_score
    return True


def open_score(
    score: bool | str | Path | Scorer | None, scheme: Scheme | None = None
) -> Scorer | None:
    """Opens any face score.

    Args:
        score: True for the package's face score, if it supports the scheme; the path of a
            face-score file; a `Scorer`; or None or False for no score.
        scheme: the `Scheme` of the landmarks whose tight box defines the crops, or None.

    Returns:
        A `Scorer`, or None.

    Raises:
        ValueError: the score is none of these, or a file is missing, damaged or of the wrong kind.

    Examples:
        >>> open_score(True, IBUG68).predict(crops).shape
        (10,)
    """
    if score is None or score is False:
        return None
    if score is True:
        if scheme is None or scheme.name not in SCORED_SCHEMES:
            return None
        score = zoo.score_file()
    if isinstance(score, (str, Path)):
        from keras_fld.predict.lite_model import ScoreModel

        return ScoreModel(score)
    if not (hasattr(score, "frame") and hasattr(score, "predict")):
        raise ValueError(
            "score must be True, None, the path of a face-score file or an object with frame and "
            f"predict. Got: {score!r}"
        )
    return score
