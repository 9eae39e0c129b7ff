import numpy as np

from keras_fld.geometry.frame import FaceCrop
from keras_fld.lite.calibration import CALIBRATION_CROPS, drawn_crops


def test_drawn_crops_are_faces_as_a_model_sees_them():
    crops = drawn_crops(FaceCrop(32))
    assert crops.shape == (CALIBRATION_CROPS, 32, 32, 3) and crops.dtype == np.uint8
    assert all(crop.std() > 10 for crop in crops)  # not an empty one
    assert len(np.unique(crops.reshape(len(crops), -1), axis=0)) == CALIBRATION_CROPS
