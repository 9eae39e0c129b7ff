"""The data path that fits the running backend; both give the same batches."""


def training_batches(crops, batch_size, augmentation=None, seed=0, next_epoch=None, repeats=None):
    """`pipeline.training_dataset` on the TensorFlow backend, elsewhere `TrainingBatches`."""
    if _on_tensorflow():
        from keras_fld.data.pipeline import training_dataset as make
    else:
        from keras_fld.data.batches import TrainingBatches as make
    return make(crops, batch_size, augmentation, seed, next_epoch, repeats)


def plain_batches(crops, batch_size):
    """`pipeline.plain_dataset` on the TensorFlow backend, elsewhere `PlainBatches`."""
    if _on_tensorflow():
        from keras_fld.data.pipeline import plain_dataset as make
    else:
        from keras_fld.data.batches import PlainBatches as make
    return make(crops, batch_size)


def _on_tensorflow():
    import keras

    return keras.backend.backend() == "tensorflow"
