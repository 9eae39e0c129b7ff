"""The crops that calibrate a file of integers, for the commands that convert."""

from keras_fld.cli.options import tell


def calibration_crops(keras_model, dataset, root, skip_bad, reader_options):
    """Unaugmented training crops."""
    from keras_fld import models
    from keras_fld.data import catalog, crops
    from keras_fld.lite.calibration import CALIBRATION_CROPS

    faces = catalog.read(dataset, root, catalog.get(dataset).train, skip_bad, **reader_options)
    faces = faces.sample(CALIBRATION_CROPS)
    data = crops.model_crops(faces, models.frame_of(keras_model), skip_bad)
    tell(faces.told + data.skipped)
    return data.images
