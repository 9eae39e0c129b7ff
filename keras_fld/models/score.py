"""The network of the face score: distinguishes faces that fill their crops from anything else."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_fld.geometry.frame import MARGIN
from keras_fld.models.layers import ScoreOutput, crop_input

# Strides of the five convolutions: maps of 32, 16, 16, 8 and 4 pixels from a crop of 64.
STRIDES = (2, 2, 1, 2, 2)


def FaceScore(
    input_size: int = 64,
    margin: float = MARGIN,
    filters: Sequence[int] = (12, 16, 16, 24, 32),
    name: str = "face_score",
) -> keras.Model:
    """Builds the face score: five 3x3 convolutions with BatchNorm and ReLU, and one Dense.

    Four of the convolutions have stride 2. The network has 1.7 M multiply-accumulates for a crop of
    64 pixels, 0.8 % of TRNet-20's. The features are not averaged before the Dense, because a face
    that is off-center is a lost face. The input is 0..255; the first layer divides by 255.

    Args:
        input_size: side of the square RGB crop in pixels, a multiple of 16.
        margin: side of the crop in face boxes, as in the landmark models.
        filters: filters of the five convolutions.
        name: name of the model.

    Returns:
        A `keras.Model` from (batch, input_size, input_size, 3) to (batch, 1) scores from 0 to 1.

    Raises:
        ValueError: the input size is not a multiple of 16, or `filters` does not have five numbers.

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
