"""The face score's network: tells a face that fills its crop from anything else."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_fld.geometry.frame import MARGIN
from keras_fld.models.layers import ScoreOutput, crop_input

# Strides of the five convolutions: 32, 16, 16, 8 and 4 pixels from a crop of 64.
STRIDES = (2, 2, 1, 2, 2)


def FaceScore(
    input_size: int = 64,
    margin: float = MARGIN,
    filters: Sequence[int] = (12, 16, 16, 24, 32),
    name: str = "face_score",
) -> keras.Model:
    """Five 3x3 convolutions with BatchNorm and ReLU, four of them with stride 2, and one Dense.

    1.7 M multiply-accumulates for a crop of 64 pixels, 0.8 % of TRNet-20's. The Dense sees the
    features where they are, not their average: a face out of its place is a lost one. Pixels go in
    as they are, 0..255: the division by 255 is the first layer.

    Args:
        input_size: side of the square RGB crop in pixels, a multiple of 16.
        margin: side of the crop in face boxes, as of the landmark models.
        filters: of the five convolutions.
        name: name of the model.

    Returns:
        A `keras.Model` from (batch, input_size, input_size, 3) to (batch, 1) scores from 0 to 1.

    Raises:
        ValueError: a size that the strides do not divide, or other than five numbers of filters.

    Examples:
        >>> model = FaceScore()
        >>> model.output_shape
        (None, 1)
    """
    if len(filters) != len(STRIDES) or min(filters) < 1:
        raise ValueError(
            f"filters must be {len(STRIDES)} numbers of at least 1. Got: {tuple(filters)}"
        )
    inputs, x = crop_input(input_size, multiple=16)
    for i, (count, stride) in enumerate(zip(filters, STRIDES, strict=True), start=1):
        x = layers.Conv2D(
            count,
            3,
            strides=stride,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"conv{i}",
        )(x)
        x = layers.BatchNormalization(name=f"conv{i}_bn")(x)
        x = layers.ReLU(name=f"conv{i}_relu")(x)
    x = layers.Flatten(name="features")(x)
    x = layers.Dense(1, name="logit")(x)
    return keras.Model(inputs, ScoreOutput(margin, name="score")(x), name=name)
