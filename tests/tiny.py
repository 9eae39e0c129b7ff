"""A network whose training begins within a second; commands know it as `tests.tiny:tiny`."""

import keras
import pytest

from keras_fld.geometry.frame import MARGIN, FaceCrop
from keras_fld.models.layers import crop_input, landmark_head
from keras_fld.schemes.mtfl5 import MTFL5


def tiny(num_landmarks, input_size, margin=MARGIN, scheme=None, mean_shape=None, normalized=True):
    """Has all that has state: a convolution, BatchNorm and a Dense, which sees the places.

    The moving averages of BatchNorm take longer to settle than a test; `normalized` leaves it out.
    """
    inputs, x = crop_input(input_size, 4)
    x = keras.layers.Conv2D(4, 3, strides=4, use_bias=False, name="conv")(x)
    x = keras.layers.BatchNormalization(name="bn")(x) if normalized else x
    x = keras.layers.Flatten(name="flat")(keras.layers.ReLU(name="relu")(x))
    frame = FaceCrop(input_size, margin)
    return keras.Model(inputs, landmark_head(x, num_landmarks, frame, scheme, mean_shape))


CROP = FaceCrop(32)


def five_points(path, frame=CROP, scheme=MTFL5):
    """Writes the .tflite file of an untrained model of five points, and returns the model.

    It predicts the mean shape in its crop.
    """
    from keras_fld import lite  # needs TensorFlow, which `tiny` alone does not

    shape = frame.shape_pixels(MTFL5.mean_shape)
    model = tiny(5, frame.size, frame.margin, scheme, shape)
    with pytest.warns(UserWarning, match="predicts the same landmarks"):
        lite.convert(model, path, "float32")
    return model
