"""TRNet-20, the paper's thin residual network (Table 1)."""

import keras
from keras import layers

from keras_fld.data.geometry import MARGIN, Frame
from keras_fld.models.layers import landmark_head


def _conv(x, filters, name, kernel_size=3, relu=True):
    # The bias is BatchNorm's; both fold into the convolution on conversion.
    x = layers.Conv2D(
        filters,
        kernel_size,
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


def TRNet20(
    num_landmarks=68,
    input_size=64,
    margin=MARGIN,
    scheme=None,
    mean_shape=None,
    scale=None,
    name="trnet20",
):
    """TRNet-20 of Table 1: three convolutions, then pooling and two residual units at each of
    48, 64, 80 and 96 filters, global average pooling and one Dense.

    3 + 16 + 1 weighted layers; 1x1 projections where the width changes. Pixels go in as they are,
    0..255: the division by 255 is the first layer.

    Args:
        num_landmarks: number of landmarks.
        input_size: side of the square RGB crop in pixels, a multiple of 16.
        margin: side of the crop in face boxes.
        scheme: landmark layout; None takes the one with that many landmarks, if any.
        mean_shape: (landmarks, 2) crop pixels that offsets are added to; None takes the scheme's.
        scale: crop pixels per unit of the Dense; None takes a tenth of the crop.
        name: name of the model.

    Returns:
        A `keras.Model` from (batch, input_size, input_size, 3) to (batch, num_landmarks, 2) pixels
        of the crop.

    Raises:
        ValueError: a size that Table 1's four poolings do not divide, or a bad head.

    Example:
        >>> model = TRNet20(num_landmarks=68)
        >>> model.output_shape
        (None, 68, 2)
    """
    if input_size < 16 or input_size % 16:
        raise ValueError(f"input_size must be a multiple of 16. Got: {input_size}")
    inputs = keras.Input((input_size, input_size, 3), name="image")
    x = layers.Rescaling(1 / 255, name="rescale")(inputs)
    for i in range(1, 4):
        x = _conv(x, 32, f"stem{i}")
    for stage, filters in enumerate((48, 64, 80, 96), start=1):
        x = layers.MaxPooling2D(name=f"pool{stage}")(x)
        for unit in "ab":
            x = _residual_unit(x, filters, f"stage{stage}{unit}")
    x = layers.GlobalAveragePooling2D(name="features")(x)
    frame = Frame(input_size, margin)
    outputs = landmark_head(x, num_landmarks, frame, scheme, mean_shape, scale)
    return keras.Model(inputs, outputs, name=name)
