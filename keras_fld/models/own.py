"""Custom networks: an output head for new networks, and descriptions of finished models."""

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_fld import schemes
from keras_fld._internal.names import INPUT_RANGES
from keras_fld.geometry.frame import FaceCrop
from keras_fld.models import graph
from keras_fld.models.layers import ReversedChannels, ShapeOffset, landmark_head
from keras_fld.schemes import Scheme, registry

CHANNELS = ("RGB", "BGR")
UNITS = ("pixels", "fraction")


def head(
    features: keras.KerasTensor,
    num_landmarks: int,
    crop: FaceCrop | None = None,
    scheme: Scheme | str | None = None,
    mean_shape: ArrayLike | None = None,
    scale: float | None = None,
) -> keras.KerasTensor:
    """Adds the output of a custom network: a Dense, and the mean shape its output is added to.

    The output layer stores the crop and the landmarks, so the whole package can use the model. Its
    input must be RGB 0..255 like that of the package's networks: start it with a `Rescaling`.

    Args:
        features: (batch, channels) tensor.
        num_landmarks: number of landmarks.
        crop: the model's `FaceCrop`; None uses the size of the input and the default margin.
        scheme: landmark scheme or its name; None selects the scheme with that many landmarks, if
            any.
        mean_shape: (landmarks, 2) crop pixels to which the offsets are added; None uses the
            scheme's mean shape, or without a scheme the center of the crop.
        scale: crop pixels per unit of the Dense; None uses a tenth of the crop.

    Returns:
        (batch, num_landmarks, 2) tensor of crop pixels.

    Raises:
        ValueError: the features have a wrong shape, the input is not square or not of the crop's
            size, or the number of landmarks does not match the scheme or the mean shape.

    Examples:
        >>> body = keras.applications.MobileNetV3Small((128, 128, 3), weights=None,
        ...                                            include_top=False, pooling="avg")
        >>> model = keras.Model(body.input, head(body.output, 68))
        >>> model.output_shape
        (None, 68, 2)
    """
    if len(features.shape) != 2 or features.shape[1] is None:
        raise ValueError(
            "features of a head must have shape (batch, channels): pool or flatten them first. "
            f"Got: {tuple(features.shape)}"
        )
    sources = keras.utils.get_source_inputs(features)
    if len(sources) != 1:
        raise ValueError(f"a network must have one input, the crop. Got: {len(sources)}")
    shape = tuple(sources[0].shape)
    if crop is None:
        crop = FaceCrop(size=shape[1] if len(shape) == 4 and shape[1] else 64)
    _check_input(shape, crop, fixed=True)
    return landmark_head(features, num_landmarks, crop, scheme, mean_shape, scale)


def describe(
    model: keras.Model,
    crop: FaceCrop,
    scheme: Scheme | str | int | None = None,
    units: str | float = "pixels",
    inputs: str | tuple[ArrayLike, ArrayLike] | None = None,
    channels: str = "RGB",
) -> keras.Model:
    """Wraps a finished custom model with a description of its input and output.

    Args:
        model: a Functional or Sequential model from (batch, size, size, 3) to (batch, landmarks, 2)
            or (batch, 2 * landmarks), with x and y of a landmark next to each other. The model is
            not changed.
        crop: the model's `FaceCrop`: its side in pixels and in face boxes.
        scheme: landmark scheme or its name; None for landmarks without a scheme.
        units: unit of the output: "pixels" of the crop, where the center of the first pixel is 0;
            "fraction" of the crop's side; or a number of pixels per unit.
        inputs: range of the input: "0..255", "0..1", "-1..1", or a pair (scale, offset) that is
            applied to colors from 0 to 255; each is a number or three numbers. None reads it from
            the `Rescaling` at the beginning of the model, which is then required.
        channels: order of the channels, "RGB" or "BGR".

    Returns:
        A new model with its own weights, from RGB 0..255 to crop pixels. You can evaluate, convert,
        train and save it like the package's networks.

    Raises:
        ValueError: the model has a wrong type or shape or is already described, the scheme has a
            different number of landmarks, or `inputs` is None and the model has no `Rescaling`.

    Examples:
        >>> plain = keras.Sequential([keras.Input((64, 64, 3)), keras.layers.Flatten(),
        ...                           keras.layers.Dense(136), keras.layers.Reshape((68, 2))])
        >>> described = describe(plain, FaceCrop(64), "ibug68", "fraction", inputs="0..1")
        >>> described.output_shape
        (None, 68, 2)
    """
    _check_model(model)
    _check_input(tuple(model.inputs[0].shape), crop)
    count = _landmarks(tuple(model.outputs[0].shape))
    scheme = _scheme(scheme, count, model)
    if channels not in CHANNELS:
        raise ValueError(f"channels must be one of {', '.join(CHANNELS)}. Got: {channels!r}")
    scale, offset = _range(model, inputs)
    flat = graph.flat_copy(model)
    free = _free_names(flat)
    x = image = keras.Input((crop.size, crop.size, 3), name=free("image"))
    if channels == "BGR":
        x = ReversedChannels(name=free("to_bgr"))(x)
    if np.any(np.not_equal(scale, 1)) or np.any(np.not_equal(offset, 0)):
        x = keras.layers.Rescaling(scale, offset, name=free("to_input_range"))(x)
    outputs = graph.moved(flat, x)
    landmarks = ShapeOffset(
        np.zeros((count, 2)),
        _pixels_per_unit(units, crop),
        margin=crop.margin,
        scheme=None if scheme is None else registry.reference(scheme),
        name=free("landmarks"),
    )(outputs)
    described = keras.Model(image, landmarks, name=model.name)
    graph.copy_weights(flat, described)
    return graph.flat_copy(described)  # in which each layer is called once


def _scheme(given, count, model) -> Scheme | None:
    """The scheme with the model's number of landmarks, or None."""
    scheme = None if given is None else schemes.get(given)
    if scheme is not None and scheme.num_landmarks != count:
        raise ValueError(
            f"the model must predict the {scheme.num_landmarks} landmarks of {scheme.name}. "
            f"Got: {count}, from its output {tuple(model.outputs[0].shape)}"
        )
    return scheme


def _check_model(model):
    if not graph.is_graph(model) or not model.built:
        raise ValueError(
            "a model to describe must be a Functional or Sequential model with an input. "
            f"Got: {type(model).__name__} {getattr(model, 'name', '')!r}"
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError(
            "a model to describe must have one input, the crop, and one output, the landmarks. "
            f"Got: {len(model.inputs)} and {len(model.outputs)}"
        )
    if isinstance(model.layers[-1], ShapeOffset):
        raise ValueError(f"the model is already described. Got: {model.name!r}")


def _check_input(shape, crop, fixed=False):
    """Raises ValueError if the model's input does not match the crop."""
    sides = (crop.size,) if fixed else (crop.size, None)
    if len(shape) != 4 or shape[3] != 3 or any(side not in sides for side in shape[1:3]):
        raise ValueError(
            f"the model's input must have shape (batch, {crop.size}, {crop.size}, 3), the size of "
            f"the crop. Got: {shape}"
        )


def _landmarks(shape):
    """Returns the number of landmarks in an output of that shape."""
    if len(shape) == 3 and shape[1] and shape[2] == 2:
        return shape[1]
    if len(shape) == 2 and shape[1] and shape[1] % 2 == 0:
        return shape[1] // 2
    raise ValueError(
        "the model's output must have shape (batch, landmarks, 2) or (batch, 2 * landmarks). "
        f"Got: {shape}"
    )


def _pixels_per_unit(units, crop):
    if units == "pixels":
        return 1.0
    if units == "fraction":
        return float(crop.size)
    if isinstance(units, (int, float)) and not isinstance(units, bool) and 0 < units < np.inf:
        return float(units)
    raise ValueError(f"units must be one of {', '.join(UNITS)}, or pixels per unit. Got: {units!r}")


def _range(model, inputs):
    """Returns scale and offset from 0..255 to the model's input."""
    if isinstance(inputs, str) and inputs in INPUT_RANGES:
        return INPUT_RANGES[inputs]
    if isinstance(inputs, (tuple, list)) and len(inputs) == 2:
        pair = [np.asarray(part, float) for part in inputs]
        if all(part.shape in ((), (3,)) and np.isfinite(part).all() for part in pair):
            return tuple(part.tolist() for part in pair)
    if inputs is not None:
        raise ValueError(
            f"inputs must be one of {', '.join(INPUT_RANGES)} or a pair (scale, offset). "
            f"Got: {inputs!r}"
        )
    first = graph.first_layer(model)
    if isinstance(first, keras.layers.Rescaling):
        ends = np.stack([np.asarray(first.offset) + 0 * np.asarray(first.scale)] * 2).astype(float)
        ends[1] += 255 * np.asarray(first.scale, float)
        if np.allclose(ends[1], 1) and (np.allclose(ends[0], 0) or np.allclose(ends[0], -1)):
            return INPUT_RANGES["0..255"]
    found = type(first).__name__ if first is not None else "several layers"
    raise ValueError(
        f"inputs must be given, one of {', '.join(INPUT_RANGES)}, because the model does not begin "
        f"with a Rescaling from 0..255 to 0..1 or -1..1. Got: {found}"
    )


def _free_names(model):
    """Returns a function that makes a name unique among the model's layers."""
    taken = {layer.name for layer in model.layers}

    def free(name):
        while name in taken:
            name += "_"
        return name

    return free
