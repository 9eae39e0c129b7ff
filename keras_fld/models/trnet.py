"""TRNet-20, the paper's thin residual network (Table 1)."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from keras_fld._internal import names
from keras_fld.geometry.frame import MARGIN, FaceCrop
from keras_fld.models.layers import crop_input, landmark_head
from keras_fld.models.sampled import SampledOffsets
from keras_fld.models.windows import WindowedOffsets
from keras_fld.schemes import Scheme

# Layers between the last residual unit and the Dense.
HEADS = dict(
    zip(
        names.HEADS,
        (layers.GlobalAveragePooling2D, layers.GlobalAveragePooling2D, layers.Flatten),
        strict=True,
    )
)

# Numbers that `sampled` reads of each stage: fewer of the large map of stage 1.
CHANNELS = {1: 16, 2: 32, 3: 32, 4: 32}


def _conv(x, filters, name, kernel_size=3, relu=True, strides=1):
    # BatchNorm has the bias. Conversion folds both into the convolution.
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def _residual_unit(x, filters, name):
    shortcut = x
    if x.shape[-1] != filters:
        shortcut = _conv(x, filters, f"{name}_shortcut", kernel_size=1, relu=False)
    x = _conv(x, filters, f"{name}_1")
    x = _conv(x, filters, f"{name}_2", relu=False)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, shortcut]))


def _stages(x, stem, filters, pool_after, stride):
    """Returns the outputs of the four residual stages, including the first convolutions."""
    for i, number in enumerate(stem, start=1):
        x = _conv(x, number, f"stem{i}", strides=stride if i == 1 else 1)
        if i == pool_after:
            x = layers.MaxPooling2D(name="pool1")(x)
    stages = []
    for stage, number in enumerate(filters, start=1):
        if stage > 1:
            x = layers.MaxPooling2D(name=f"pool{stage}")(x)
        for unit in "ab":
            x = _residual_unit(x, number, f"stage{stage}{unit}")
        stages.append(x)
    return stages


def TRNet20(
    num_landmarks: int = 68,
    input_size: int = 64,
    margin: float = MARGIN,
    scheme: Scheme | str | None = None,
    mean_shape: np.ndarray | None = None,
    scale: float | None = None,
    head: str = "pool",
    width: float = 1.0,
    stem: Sequence[int] = (32, 32, 32),
    filters: Sequence[int] = (48, 64, 80, 96),
    pool_after: int = 3,
    stride: int = 1,
    sampled: Sequence[int] = (),
    name: str = "trnet20",
) -> keras.Model:
    """Builds TRNet-20 of Table 1.

    It has three convolutions, then pooling and two residual units each with 48, 64, 80 and 96
    filters, global average pooling and one Dense: 3 + 16 + 1 weighted layers. Where the number of
    filters changes, the shortcut is a 1x1 convolution. The input is 0..255; the first layer divides
    by 255.

    Args:
        num_landmarks: number of landmarks.
        input_size: side of the square RGB crop in pixels, a multiple of 16.
        margin: side of the crop in face boxes.
        scheme: landmark scheme; None selects the scheme with that many landmarks, if any.
        mean_shape: (landmarks, 2) crop pixels to which the offsets are added; None uses the
            scheme's mean shape.
        scale: crop pixels per unit of the Dense; None uses a tenth of the crop.
        head: "pool" averages the features over the crop before the Dense, as in Table 1 (0.81 M
            parameters for 68 landmarks). "windows" adds three learned windows of each patch on
            stage 3 (0.84 M). "flatten" does not average the features (1.00 M, the 4 MB in the text
            of the paper).
        width: factor for all numbers of filters. If it is not 1, they are rounded to multiples
            of 8.
        stem: filters of the first three convolutions. They process the full resolution and take
            37 % of the multiplications, so reduce these first to make the network faster.
        filters: filters of the four residual stages.
        pool_after: the first of the convolutions, 1 to 3, after which the first pooling follows.
            The convolutions after the pooling process a quarter of the pixels.
        stride: stride of the first convolution, 1 or 2. With 2, a crop of twice the side costs the
            same.
        sampled: stages, 1 to 4, that are read again at the predicted landmarks to correct them, one
            after the other: a deep stage first, then a finer one.
        name: name of the model.

    Returns:
        A `keras.Model` from (batch, input_size, input_size, 3) to (batch, num_landmarks, 2) pixels
        of the crop.

    Raises:
        ValueError: the input size is not a multiple of 16, or of 32 with `stride=2`; the head is
            unknown; an option is out of range; or the number of landmarks does not match the scheme
            or the mean shape.

    Examples:
        >>> model = TRNet20(num_landmarks=68)
        >>> model.output_shape
        (None, 68, 2)
    """
    _check(head, width, stem, filters, pool_after, stride, sampled)
    inputs, x = crop_input(input_size, multiple=16 * stride)
    stages = _stages(x, _scaled(stem, width), _scaled(filters, width), pool_after, stride)
    inner = stages[2] if head == "windows" else None
    x = HEADS[head](name="features")(stages[-1])
    frame = FaceCrop(input_size, margin)
    looks = [(f"stage{stage}", stages[stage - 1], CHANNELS[stage]) for stage in sampled]
    outputs = landmark_head(x, num_landmarks, frame, scheme, mean_shape, scale, inner, looks)
    return keras.Model(inputs, outputs, name=name)


def options_of(model: keras.Model) -> dict[str, Any] | None:
    """Reads the arguments of `TRNet20` that determine a network's layers.

    Args:
        model: a Keras model.

    Returns:
        head, stem, filters, pool_after, stride and sampled; None for other networks.

    Examples:
        >>> options_of(TRNet20(68, stride=2))["stride"]
        2
    """
    found = {layer.name: layer for layer in model.layers}
    stem = [f"stem{number}_conv" for number in (1, 2, 3)]
    stages = [f"stage{number}a_1_conv" for number in (1, 2, 3, 4)]
    if not {*stem, *stages, "pool1", "features"} <= found.keys():
        return None
    order = list(found)
    looks = [layer for layer in model.layers if isinstance(layer, SampledOffsets)]
    windows = any(isinstance(layer, WindowedOffsets) for layer in model.layers)
    flat = isinstance(found["features"], layers.Flatten)
    return {
        "head": "windows" if windows else "flatten" if flat else "pool",
        "stem": [found[name].filters for name in stem],
        "filters": [found[name].filters for name in stages],
        "pool_after": sum(order.index(name) < order.index("pool1") for name in stem),
        "stride": found["stem1_conv"].strides[0],
        "sampled": [int(layer.name.removeprefix("sampled_stage")) for layer in looks],
    }


def _check(head, width, stem, filters, pool_after, stride, sampled):
    """Raises ValueError if an option of `TRNet20` is out of range."""
    if head not in HEADS:
        raise ValueError(f"head must be one of {', '.join(HEADS)}. Got: {head!r}")
    if not width > 0:
        raise ValueError(f"width must be above 0. Got: {width}")
    for option, numbers, count in (("stem", stem, 3), ("filters", filters, 4)):
        if len(numbers) != count or min(numbers) < 1:
            raise ValueError(f"{option} must be {count} numbers of at least 1. Got: {numbers}")
    if pool_after not in (1, 2, 3):
        raise ValueError(f"pool_after must be 1, 2 or 3. Got: {pool_after}")
    if stride not in (1, 2):
        raise ValueError(f"stride must be 1 or 2. Got: {stride}")
    if len(set(sampled)) < len(sampled) or not CHANNELS.keys() >= set(sampled):
        raise ValueError(f"sampled must be stages from 1 to 4, each once. Got: {list(sampled)}")


def _scaled(numbers, width):
    """Multiplies numbers of filters by the width, and rounds them to multiples of 8."""
    return [n if width == 1 else max(8, 8 * int(n * width / 8 + 0.5)) for n in numbers]
