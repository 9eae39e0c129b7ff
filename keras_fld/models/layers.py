"""The output layers that the package's networks end in, and what they know about the model."""

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


@keras.saving.register_keras_serializable(package="keras_fld")
class ShapeOffset(keras.layers.Layer):
    """Turns the last Dense's numbers into landmarks: `mean_shape + scale * offsets`.

    It carries the frame and the scheme too, so that a saved model says by itself which crop it
    sees and what its landmarks are. Export folds it into the Dense.

    Args:
        mean_shape: (landmarks, 2) pixels of the crop.
        scale: pixels per unit of the Dense.
        margin: side of the crop in face boxes, or None when it is not known.
        scheme: name of the landmark scheme, the description of one that is not the package's own,
            or None.
    """

    def __init__(
        self,
        mean_shape: ArrayLike,
        scale: float,
        margin: float | None = None,
        scheme: str | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        # Pixels need more digits than half precision has, whatever the policy.
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.mean_shape = np.asarray(mean_shape, "float32")
        self.scale, self.margin, self.scheme = float(scale), margin, scheme

    def call(self, inputs: Any) -> Any:
        offsets = ops.reshape(inputs, (-1, *self.mean_shape.shape))
        # A tensor: PyTorch adds no NumPy array to one that needs a gradient.
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
    """Turns the last Dense's number into a score from 0 to 1, by the sigmoid.

    As `ShapeOffset` does, it carries the frame.

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
    """Turns RGB into BGR, or back. Export folds it into the first convolution where it can."""

    def call(self, inputs: Any) -> Any:
        return ops.flip(inputs, axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape


def crop_input(input_size, multiple):
    """Input of a network: the crop's bytes 0..255, divided by 255 in the graph.

    Args:
        input_size: side of the square RGB crop in pixels.
        multiple: what the network's poolings divide.

    Returns:
        The input and the rescaled tensor, both (batch, input_size, input_size, 3).

    Raises:
        ValueError: the poolings do not divide the size.
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
    """Dense layer and mean shape on top of a feature vector.

    Args:
        features: (batch, channels) tensor.
        num_landmarks: number of landmarks.
        frame: the `FaceCrop` the model sees.
        scheme: a `Scheme` or its name; None takes the one with that many landmarks, if any.
        mean_shape: (landmarks, 2) pixels of the crop; None takes the scheme's.
        scale: pixels per unit of the Dense; None takes a tenth of the crop.
        inner: (batch, rows, columns, channels) tensor that each patch also sees through
            `WindowedOffsets`, added to the Dense's; None for the Dense alone.
        sampled: (name, map, channels) of each feature map that `SampledOffsets` then read at the
            landmarks, one after the other.

    Returns:
        (batch, landmarks, 2) tensor of crop pixels.

    Raises:
        ValueError: the scheme or the mean shape does not fit the number of landmarks.
    """
    if num_landmarks < 1:
        raise ValueError(f"num_landmarks must be at least 1. Got: {num_landmarks}")
    if scheme is not None:
        scheme = schemes.get(scheme)
        if scheme.num_landmarks != num_landmarks:
            raise ValueError(
                f"num_landmarks must be {scheme.num_landmarks} for {scheme.name}. "
                f"Got: {num_landmarks}"
            )
    else:
        scheme = schemes.with_landmarks(num_landmarks)
    if mean_shape is None:
        mean_shape = (
            np.full((num_landmarks, 2), (frame.size - 1) / 2)
            if scheme is None
            else frame.shape_pixels(scheme.mean_shape)
        )
    mean_shape = np.asarray(mean_shape, "float32")
    if mean_shape.shape != (num_landmarks, 2):
        raise ValueError(
            f"mean_shape must have shape ({num_landmarks}, 2). Got: {mean_shape.shape}"
        )
    # Zeros: an untrained model predicts the mean shape, the best guess without looking.
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


def shape_layer(model: keras.Model) -> ShapeOffset:
    """The model's `ShapeOffset`; raises ValueError for a model that does not end in one."""
    layer = model.layers[-1]
    if not isinstance(layer, ShapeOffset):
        raise ValueError(
            "the model must end in a keras_fld ShapeOffset layer. "
            f"Got: {type(layer).__name__} at the end of {model.name!r}"
        )
    return layer


def offsets_layer(model: keras.Model) -> keras.layers.Dense:
    """The Dense that gives a model's offsets, which is what refining trains.

    Raises:
        ValueError: the landmarks come from another kind of layer.
    """
    dense = graph.output_dense(model)
    if dense is None:
        raise ValueError(
            "a model to refine must end in a linear Dense with a bias, which only reshaping may "
            f"follow. Got: {model.name!r}"
        )
    return dense


def typical_shape(model: keras.Model) -> np.ndarray:
    """Mean shape of a model's landmarks, (landmarks, 2) pixels of its crop.

    A described model adds its offsets to nothing: then it is the scheme's, or the middle of the
    crop where the scheme has none.
    """
    own = shape_layer(model).mean_shape
    if own.any():
        return own
    frame, scheme = frame_of(model), scheme_of(model)
    try:
        shape = np.zeros_like(own) if scheme is None else scheme.mean_shape
    except ValueError:  # a scheme that is not the package's own
        shape = np.zeros_like(own)
    return frame.shape_pixels(shape).astype(np.float32)


def is_score(model: keras.Model) -> bool:
    """Whether a Keras model scores faces, and predicts no landmarks."""
    return isinstance(model.layers[-1], ScoreOutput)


def frame_of(model: keras.Model) -> FaceCrop:
    """The `FaceCrop` of crops that a Keras model of the package sees."""
    output = model.layers[-1] if is_score(model) else shape_layer(model)
    # Networks know their margin; None is of a layer made by hand.
    return FaceCrop(size=model.input_shape[1], margin=cast(float, output.margin))


def scheme_of(model: keras.Model) -> schemes.Scheme | None:
    """The `Scheme` of a Keras model's landmarks, or None when it has none."""
    reference = shape_layer(model).scheme
    return schemes.get(reference) if reference else None
