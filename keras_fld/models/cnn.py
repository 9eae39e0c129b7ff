"""CNN-6 and CNN-7, the plain networks of the Wing paper, which the paper compares with.

Feng et al., "Wing Loss for Robust Facial Landmark Localisation with Convolutional Neural Networks",
CVPR 2018. The paper does not mention BatchNorm, so there is none.
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
    """Builds CNN-6 of the Wing paper, for crops of 64 pixels.

    It has five 3x3 convolutions with 32, 64, 128, 256 and 512 filters, each followed by ReLU and
    2x2 max pooling, then a Dense with 1,024 units and ReLU, and the output layer: 3.8 M parameters
    for 68 landmarks. The input is 0..255; the first layer divides by 255. As in every network of
    the package, the output layer computes offsets from a mean shape.

    Args:
        num_landmarks: number of landmarks.
        input_size: side of the square RGB crop in pixels, a multiple of 32.
        margin: side of the crop in face boxes.
        scheme: landmark scheme; None selects the scheme with that many landmarks, if any.
        mean_shape: (landmarks, 2) crop pixels to which the offsets are added; None uses the
            scheme's mean shape.
        scale: crop pixels per unit of the Dense; None uses a tenth of the crop.
        name: name of the model.

    Returns:
        A `keras.Model` from (batch, input_size, input_size, 3) to (batch, num_landmarks, 2) pixels
        of the crop.

    Raises:
        ValueError: the input size is not a multiple of 32, or the number of landmarks does not
            match the scheme or the mean shape.

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
    """Builds CNN-7, the second stage in the Wing paper, for crops of 128 pixels.

    It is CNN-6 with one more convolution and pooling in front. The Wing paper does not give the
    filters of CNN-7. Here, the additional convolution has 32 filters, and the others have those of
    CNN-6.

    Args:
        num_landmarks: number of landmarks.
        input_size: side of the square RGB crop in pixels, a multiple of 64.
        margin: side of the crop in face boxes.
        scheme: landmark scheme; None selects the scheme with that many landmarks, if any.
        mean_shape: (landmarks, 2) crop pixels to which the offsets are added; None uses the
            scheme's mean shape.
        scale: crop pixels per unit of the Dense; None uses a tenth of the crop.
        name: name of the model.

    Returns:
        A `keras.Model` from (batch, input_size, input_size, 3) to (batch, num_landmarks, 2) pixels
        of the crop.

    Raises:
        ValueError: the input size is not a multiple of 64, or the number of landmarks does not
            match the scheme or the mean shape.

    Examples:
        >>> model = CNN7(num_landmarks=68)
        >>> model.input_shape
        (None, 128, 128, 3)
    """
    return _cnn(
        CNN7_FILTERS, num_landmarks, input_size, margin, scheme, mean_shape, scale, name=name
    )
