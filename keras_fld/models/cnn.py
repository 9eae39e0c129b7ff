"""CNN-6 and CNN-7, the plain networks of the Wing paper that the paper compares with.

Feng et al., "Wing Loss for Robust Facial Landmark Localisation with Convolutional Neural Networks",
CVPR 2018. Read as convolution, ReLU and pooling alone, without BatchNorm: none is described.
"""

import keras
import numpy as np
from keras import layers

from keras_fld.geometry.frame import MARGIN, FaceCrop
from keras_fld.models.layers import crop_input, landmark_head
from keras_fld.schemes import Scheme

CNN6_FILTERS = (32, 64, 128, 256, 512)
CNN7_FILTERS = (32, *CNN6_FILTERS)


def _cnn(filters, num_landmarks, input_size, margin, scheme, mean_shape, scale, name):
    inputs, x = crop_input(input_size, multiple=2 ** len(filters))
    for i, count in enumerate(filters, start=1):
        x = layers.Conv2D(
            count, 3, padding="same", kernel_initializer="he_normal", name=f"stage{i}_conv"
        )(x)
        x = layers.ReLU(name=f"stage{i}_relu")(x)
        x = layers.MaxPooling2D(name=f"pool{i}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(1024, kernel_initializer="he_normal", name="dense")(x)
    x = layers.ReLU(name="features")(x)
    frame = FaceCrop(input_size, margin)
    outputs = landmark_head(x, num_landmarks, frame, scheme, mean_shape, scale)
    return keras.Model(inputs, outputs, name=name)


def CNN6(
    num_landmarks: int = 68,
    input_size: int = 64,
    margin: float = MARGIN,
    scheme: Scheme | str | None = None,
    mean_shape: np.ndarray | None = None,
    scale: float | None = None,
    name: str = "cnn6",
) -> keras.Model:
    """CNN-6 of the Wing paper: five 3x3 convolutions of 32, 64, 128, 256 and 512 filters, each with
    ReLU and 2x2 max pooling, then a Dense of 1024 with ReLU, and the output.

    Six weighted layers before the output; 3.8 M parameters at 68 landmarks. Pixels go in as they
    are, 0..255: the division by 255 is the first layer. As in every network of the package, the
    output is offsets from a mean shape.

    Args:
        num_landmarks: number of landmarks.
        input_size: side of the square RGB crop in pixels, a multiple of 32.
        margin: side of the crop in face boxes.
        scheme: landmark scheme; None takes the one with that many landmarks, if any.
        mean_shape: (landmarks, 2) crop pixels that offsets are added to; None takes the scheme's.
        scale: crop pixels per unit of the Dense; None takes a tenth of the crop.
        name: name of the model.

    Returns:
        A `keras.Model` from (batch, input_size, input_size, 3) to (batch, num_landmarks, 2) pixels
        of the crop.

    Raises:
        ValueError: a size that the five poolings do not divide, or landmarks that the scheme or
            mean shape does not fit.

    Examples:
        >>> model = CNN6(num_landmarks=19)
        >>> model.output_shape
        (None, 19, 2)
    """
    return _cnn(
        CNN6_FILTERS, num_landmarks, input_size, margin, scheme, mean_shape, scale, name=name
    )


def CNN7(
    num_landmarks: int = 68,
    input_size: int = 128,
    margin: float = MARGIN,
    scheme: Scheme | str | None = None,
    mean_shape: np.ndarray | None = None,
    scale: float | None = None,
    name: str = "cnn7",
) -> keras.Model:
    """CNN-7 of the Wing paper, its second stage: CNN-6 for crops twice as large, with one more
    convolution and pooling in front.

    That convolution has 32 filters here, and the others are CNN-6's, so that both see the same
    feature maps from there on. This is a reading: descriptions of the Wing paper say that CNN-7's
    filters are somewhat more, and not how many.

    Args:
        num_landmarks: number of landmarks.
        input_size: side of the square RGB crop in pixels, a multiple of 64.
        margin: side of the crop in face boxes.
        scheme: landmark scheme; None takes the one with that many landmarks, if any.
        mean_shape: (landmarks, 2) crop pixels that offsets are added to; None takes the scheme's.
        scale: crop pixels per unit of the Dense; None takes a tenth of the crop.
        name: name of the model.

    Returns:
        A `keras.Model` from (batch, input_size, input_size, 3) to (batch, num_landmarks, 2) pixels
        of the crop.

    Raises:
        ValueError: a size that the six poolings do not divide, or landmarks that the scheme or
            mean shape does not fit.

    Examples:
        >>> model = CNN7(num_landmarks=68)
        >>> model.input_shape
        (None, 128, 128, 3)
    """
    return _cnn(
        CNN7_FILTERS, num_landmarks, input_size, margin, scheme, mean_shape, scale, name=name
    )
