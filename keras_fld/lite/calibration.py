"""The crops that an integer mode learns its ranges from."""

import numpy as np

# Crops for the ranges of activations; more moved no range of TRNet-20 noticeably.
CALIBRATION_CROPS = 300


def drawn_crops(frame):
    """Crops of generated faces, where no photographs are at hand: (300, size, size, 3) uint8.

    Args:
        frame: the `FaceCrop` of the model.
    """
    from keras_fld.data import catalog, crops

    faces = catalog.read("synthetic", None, "train").sample(CALIBRATION_CROPS)
    return crops.model_crops(faces, frame).images


def calibration_crops(calibration, frame, mode):
    """The first crops of an array or dataset.

    Args:
        calibration: a (faces, size, size, 3) array, or a dataset of (images, ...) batches.
        frame: the `FaceCrop` of the model.
        mode: name of the mode that needs them, for the error.

    Returns:
        (crops, size, size, 3) float32, at most 300.

    Raises:
        ValueError: there are none, or they have another size.
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
    crops = np.array(calibration[:CALIBRATION_CROPS], np.float32)
    # The input's scale is exactly 1 only if the range seen is 0..255, so that bytes go in as bytes.
    crops[0, 0, 0], crops[0, 0, -1] = 0, 255
    return crops
