"""Output layers of the package's networks, and the properties of a model that they store."""

from typing import Any, cast

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_fld import schemes
from keras_fld.geometry.frame import FaceCrop
from keras_fld.models import graph
from keras_fld.models.sampled import SampledOffsets
from keras_fld.models.windows import WindowedOffsets
from keras_fld.schemes import registry
from keras_fld.schemes.face_box import BoxInFace


@keras.saving.register_keras_serializable(package="keras_fld")
class ShapeOffset(keras.layers.Layer):
    """Converts the output of the last Dense to landmarks: `mean_shape + scale * offsets`.

    It also stores the frame and the scheme, so a saved model describes its crop and its landmarks.
    Export folds this layer into the Dense.

    Args:
        mean_shape: (landmarks, 2) pixels of the crop.
        scale: pixels per unit of the Dense.
        margin: side of the crop in face boxes, or None if it is unknown.
        scheme: name of the landmark scheme, the description of a custom scheme, or None.
    """

    def __init__(
        self,
        mean_shape: ArrayLike,
        scale: float,
        margin: float | None = None,
        scheme: str | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        # Half precision is not enough for pixels, so the dtype does not follow the policy.
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.mean_shape = np.asarray(mean_shape, "float32")
        self.scale, self.margin, self.scheme = float(scale), margin, scheme

    def call(self, inputs: Any) -> Any:
        offsets = ops.reshape(inputs, (-1, *self.mean_shape.shape))
        # PyTorch cannot add a NumPy array to a tensor that requires a gradient.
        return offsets * self.scale + ops.convert_to_tensor(self.mean_shape)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], *self.mean_shape.shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "mean_shape": self.mean_shape.tolist(),
            "scale": self.scale,
            "margin": self.margin,
            "scheme": self.scheme,
        }


@keras.saving.register_keras_serializable(package="keras_fld")
class ScoreOutput(keras.layers.Layer):
    """Converts the output of the last Dense to a score from 0 to 1, with the sigmoid.

    Like `ShapeOffset`, it stores the frame.

    Args:
        margin: side of the crop in face boxes.
    """

    def __init__(self, margin: float, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.margin = margin

    def call(self, inputs: Any) -> Any:
        return ops.sigmoid(inputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable(package="keras_fld")
class ReversedChannels(keras.layers.Layer):
    """Converts RGB to BGR, or back. If possible, export folds it into the first convolution."""

    def call(self, inputs: Any) -> Any:
        return ops.flip(inputs, axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape


def crop_input(input_size, multiple):
    """Creates the input of a network: bytes 0..255 of the crop, divided by 255 in the graph.

    Args:
        input_size: side of the square RGB crop in pixels.
        multiple: number that must divide the size, because of the network's poolings.

    Returns:
        The input and the rescaled tensor, both (batch, input_size, input_size, 3).

    Raises:
        ValueError: the size is not a multiple of `multiple`.
    """
    if input_size < multiple or input_size % multiple:
        raise ValueError(f"input_size must be a multiple of {multiple}. Got: {input_size}")
    inputs = keras.Input((input_size, input_size, 3), name="image")
    return inputs, keras.layers.Rescaling(1 / 255, name="rescale")(inputs)


def landmark_head(
    features,
    num_landmarks,
    frame,
    scheme=None,
    mean_shape=None,
    scale=None,
    inner=None,
    sampled=(),
):
    """Adds a Dense layer and the mean shape to a feature vector.

    Args:
        features: (batch, channels) tensor.
        num_landmarks: number of landmarks.
        frame: the model's `FaceCrop`.
        scheme: a `Scheme` or its name; None selects the scheme with that many landmarks, if any.
        mean_shape: (landmarks, 2) crop pixels; None uses the scheme's mean shape.
        scale: crop pixels per unit of the Dense; None uses a tenth of the crop.
        inner: (batch, rows, columns, channels) tensor for `WindowedOffsets`, which are added to the
            output of the Dense; None for only the Dense.
        sampled: (name, map, channels) of each feature map that `SampledOffsets` then read at the
            landmarks, one after the other.

    Returns:
        (batch, landmarks, 2) tensor of crop pixels.

    Raises:
        ValueError: the number of landmarks does not match the scheme or the mean shape.
    """
    scheme = _scheme(num_landmarks, scheme)
    mean_shape = _mean_shape(num_landmarks, scheme, frame, mean_shape)
    # With zeros, an untrained model predicts the mean shape, its best guess.
    dense = keras.layers.Dense(2 * num_landmarks, kernel_initializer="zeros", name="offsets")
    offsets = dense(features)
    if inner is not None:
        patches = {"all": range(num_landmarks)} if scheme is None else scheme.patches
        windows = WindowedOffsets(patches, name="windows")
        offsets = keras.layers.Add(name="sum")([offsets, windows(inner)])
        windows.place(mean_shape, frame.size)
    scale = frame.size / 10 if scale is None else scale
    for name, seen, channels in sampled:
        look = SampledOffsets(mean_shape, scale, frame.size, channels, name=f"sampled_{name}")
        offsets = look([offsets, seen])
    return ShapeOffset(
        mean_shape,
        scale,
        margin=frame.margin,
        scheme=scheme and registry.reference(scheme),
        name="landmarks",
    )(offsets)


def _scheme(num_landmarks, scheme):
    """The scheme that is given, or the one with that many landmarks, or None."""
    if num_landmarks < 1:
        raise ValueError(f"num_landmarks must be at least 1. Got: {num_landmarks}")
    if scheme is None:
        return schemes.with_landmarks(num_landmarks)
    scheme = schemes.get(scheme)
    if scheme.num_landmarks != num_landmarks:
        raise ValueError(
            f"num_landmarks must be {scheme.num_landmarks} for {scheme.name}. Got: {num_landmarks}"
        )
    return scheme


def _mean_shape(num_landmarks, scheme, frame, given):
    """The mean shape in crop pixels; without one, all landmarks are in the middle."""
    if given is None and scheme is None:
        given = np.full((num_landmarks, 2), (frame.size - 1) / 2)
    elif given is None:
        given = frame.shape_pixels(scheme.mean_shape)
    shape = np.asarray(given, "float32")
    if shape.shape != (num_landmarks, 2):
        raise ValueError(f"mean_shape must have shape ({num_landmarks}, 2). Got: {shape.shape}")
    return shape


def shape_layer(model: keras.Model) -> ShapeOffset:
    """Returns the model's `ShapeOffset`; raises ValueError if the model does not end in one."""
    layer = model.layers[-1]
    if not isinstance(layer, ShapeOffset):
        raise ValueError(
            "the model must end in a keras_fld ShapeOffset layer. "
            f"Got: {type(layer).__name__} at the end of {model.name!r}"
        )
    return layer


def offsets_layer(model: keras.Model) -> keras.layers.Dense:
    """Returns the Dense that computes a model's offsets, which `refine` trains.

    Raises:
        ValueError: the landmarks are computed by a layer of another type.
    """
    dense = graph.output_dense(model)
    if dense is None:
        raise ValueError(
            "a model to refine must end in a linear Dense with a bias, followed only by reshaping. "
            f"Got: {model.name!r}"
        )
    return dense


def typical_shape(model: keras.Model) -> np.ndarray:
    """Returns the mean shape of a model's landmarks, (landmarks, 2) crop pixels.

    A described model does not add its output to a mean shape. Its mean shape is that of the scheme,
    or the center of the crop if the scheme has none.
    """
    own = shape_layer(model).mean_shape
    if own.any():
        return own
    frame, scheme = frame_of(model), scheme_of(model)
    try:
        shape = np.zeros_like(own) if scheme is None else scheme.mean_shape
    except ValueError:  # a custom scheme
        shape = np.zeros_like(own)
    return frame.shape_pixels(shape).astype(np.float32)


def box_in_face(model: keras.Model) -> BoxInFace | None:
    """Returns where the box of a Keras model's landmarks lies in the box of a face, if known."""
    return BoxInFace.of_scheme(scheme_of(model), typical_shape(model))


def is_score(model: keras.Model) -> bool:
    """Whether a Keras model computes a face score instead of landmarks."""
    return isinstance(model.layers[-1], ScoreOutput)


def frame_of(model: keras.Model) -> FaceCrop:
    """Returns the `FaceCrop` of a Keras model of the package."""
    output = model.layers[-1] if is_score(model) else shape_layer(model)
    # All networks of the package have a margin; it is None only if you create the layer yourself.
    return FaceCrop(size=model.input_shape[1], margin=cast(float, output.margin))


def scheme_of(model: keras.Model) -> schemes.Scheme | None:
    """Returns the `Scheme` of a Keras model's landmarks, or None if it has none."""
    reference = shape_layer(model).scheme
    return schemes.get(reference) if reference else None
