"""TRNet-20, the paper's thin residual network (Table 1)."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from keras_fld._internal import names
from keras_fld.geometry.frame import MARGIN, FaceCrop
from keras_fld.models.layers import crop_input, landmark_head
from keras_fld.schemes import Scheme

# What stands between the last residual unit and the Dense.
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
    # The bias is BatchNorm's; both fold into the convolution on conversion.
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
    """The outputs of the four residual stages, after the first convolutions."""
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
    """TRNet-20 of Table 1: three convolutions, then pooling and two residual units at each of
    48, 64, 80 and 96 filters, global average pooling and one Dense.

    3 + 16 + 1 weighted layers; 1x1 projections where the width changes. Pixels go in as they are,
    0..255: the division by 255 is the first layer.

    Args:
        num_landmarks: number of landmarks.
        input_size: side of the square RGB crop in pixels, a multiple of 16.
        margin: side of the crop in face boxes.
        scheme: landmark scheme; None takes the one with that many landmarks, if any.
        mean_shape: (landmarks, 2) crop pixels that offsets are added to; None takes the scheme's.
        scale: crop pixels per unit of the Dense; None takes a tenth of the crop.
        head: "pool" averages the features over the crop before the Dense, as in Table 1; "windows"
            adds what each patch sees of stage 3 through three learned windows, for 0.84 instead of
            0.81 M parameters at 68 landmarks; "flatten" keeps the features' places, for 1.00 M: the
            4 MB of the paper's text.
        width: factor of all numbers of filters; other than by 1, rounded to a multiple of 8.
        stem: filters of the first three convolutions. They see the whole crop and take 37 % of the
            multiplications, so a cheaper network is thinned here first.
        filters: filters of the four residual stages.
        pool_after: the first pooling follows this one of the three first convolutions. After an
            earlier one, the rest see a quarter of the pixels at a quarter of the cost.
        stride: of the first convolution, 1 or 2. With 2, a crop of twice the side costs the same.
        sampled: stages, 1 to 4, whose features at the predicted landmarks then correct these, one
            stage after the other: a deep one first, then a finer one.
        name: name of the model.

    Returns:
        A `keras.Model` from (batch, input_size, input_size, 3) to (batch, num_landmarks, 2) pixels
        of the crop.

    Raises:
        ValueError: a size that `stride` and Table 1's four poolings do not divide, an unknown head,
            a width that is not above 0, other than three and four numbers of filters, a
            `pool_after` other than 1, 2 or 3, a `stride` other than 1 or 2, `sampled` that names no
            stage or one twice, or landmarks that the scheme or mean shape does not fit.

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


def _check(head, width, stem, filters, pool_after, stride, sampled):
    """Raises ValueError where an option of `TRNet20` is out of range."""
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
    """Numbers of filters times the width, in multiples of 8."""
    return [n if width == 1 else max(8, 8 * int(n * width / 8 + 0.5)) for n in numbers]
