"""One face of all models: what predicts landmarks from crops, Keras or TFLite."""

from pathlib import Path

import numpy as np

from keras_fld import zoo


class KerasModel:
    """A Keras model of the package behind the interface of `lite.LiteModel`."""

    def __init__(self, model):
        from keras_fld import models

        self.model = model
        self.frame = models.frame_of(model)
        self.scheme = models.scheme_of(model)
        self.num_landmarks = model.output_shape[1]

    def predict(self, images):
        """Landmarks of (faces, size, size, 3) crops: (faces, landmarks, 2) float32 pixels."""
        if not len(images):
            return np.empty((0, self.num_landmarks, 2), np.float32)
        return self.model.predict(np.asarray(images), batch_size=64, verbose=0)


def open_model(model):
    """Opens whatever predicts landmarks.

    Args:
        model: a Keras model, a `LiteModel`, the path of a `.keras` or `.tflite` file, or the name
            of a preset, whose int8 file is opened.

    Returns:
        An object with `frame`, `scheme`, `num_landmarks` and `predict(images)`.

    Raises:
        ValueError: the file is missing, damaged or of another kind.

    Example:
        >>> open_model("face.tflite").predict(crops).shape
        (10, 68, 2)
    """
    if isinstance(model, (str, Path)):
        path = zoo.lite_file(model) if model in zoo.names() else Path(model)
        if path.suffix == ".tflite":
            from keras_fld.lite.runtime import LiteModel

            return LiteModel(path)
        if path.suffix == ".keras":
            from keras_fld import models

            return KerasModel(models.load(path))
        if path.suffix == ".npz":
            from keras_fld import baselines

            return baselines.open_baseline(path)
        raise ValueError(
            "a model must end in .keras or .tflite, be a baseline's .npz or a preset "
            f"({', '.join(zoo.names())}). Got: {path}"
        )
    return model if hasattr(model, "frame") else KerasModel(model)
