"""Calibration crops, which determine the ranges of activations in the integer modes."""

import numpy as np

from keras_fld._internal.pixels import as_bytes

# Number of calibration crops. More did not noticeably change a range of TRNet-20.
CALIBRATION_CROPS = 300


def drawn_crops(frame):
    """Crops of generated faces, as a substitute for photographs: (300, size, size, 3) uint8.

    Args:
        frame: the `FaceCrop` of the model.
    """
    from keras_fld.data import catalog, crops

    faces = catalog.read("synthetic", None, "train").sample(CALIBRATION_CROPS)
    return crops.model_crops(faces, frame).images


def calibration_crops(calibration, frame, mode):
    """Returns the first crops of an array or dataset.

    Args:
        calibration: a (faces, size, size, 3) array, or a dataset of (images, ...) batches.
        frame: the `FaceCrop` of the model.
        mode: name of the mode, for the error message.

    Returns:
        (crops, size, size, 3) float32 with at most 300 crops.

    Raises:
        TypeError, ValueError: there are no crops, they have the wrong size or values as in
            `pixels.as_bytes`, or each of them has a single color.
    """
    if calibration is None:
        raise ValueError(f"{mode} needs calibration crops: pass calibration=. Got: None")
    if not hasattr(calibration, "shape"):
        batches, count = [], 0
        for batch in calibration:
            images = np.asarray(batch[0] if isinstance(batch, (tuple, list)) else batch)
            batches.append(images)
            count += len(images)
            if count >= CALIBRATION_CROPS:
                break
        calibration = np.concatenate(batches) if batches else np.empty((0, 0, 0, 0))
    expected = (frame.size, frame.size, 3)
    if len(calibration) == 0 or tuple(calibration.shape[1:]) != expected:
        raise ValueError(
            f"calibration must be at least one crop of shape {expected}. "
            f"Got: {tuple(calibration.shape)}"
        )
    pixels = as_bytes(calibration[:CALIBRATION_CROPS], what="calibration")
    if (pixels == pixels[:, :1, :1]).all():
        # Such a file agrees with the model on these crops, and fails on faces.
        raise ValueError(
            "calibration must be crops of faces, whose activations give the ranges of the file. "
            f"Got: {len(pixels)} of a single color each"
        )
    crops = pixels.astype(np.float32)
    # The input's scale is exactly 1, so that it takes bytes, only if the range is 0..255.
    crops[0, 0, 0], crops[0, 0, -1] = 0, 255
    return crops
