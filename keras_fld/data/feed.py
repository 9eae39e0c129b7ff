"""Chooses the data path for the backend; both paths give the same batches."""


def training_batches(
    crops, batch_size, augmentation=None, seed=0, next_epoch=None, repeats=None, share=None
):
    """`pipeline.training_dataset` on the TensorFlow backend, otherwise `TrainingBatches`."""
    options = (crops, batch_size, augmentation, seed, next_epoch, repeats)
    if _on_tensorflow():  # which trains in a single process
        from keras_fld.data.pipeline import training_dataset

        return training_dataset(*options)
    from keras_fld.data.batches import TrainingBatches

    return TrainingBatches(*options, share)


def plain_batches(crops, batch_size, share=None):
    """`pipeline.plain_dataset` on the TensorFlow backend, otherwise `PlainBatches`."""
    if _on_tensorflow():
        from keras_fld.data.pipeline import plain_dataset

        return plain_dataset(crops, batch_size)
    from keras_fld.data.batches import PlainBatches

    return PlainBatches(crops, batch_size, share)


def _on_tensorflow():
    import keras

    return keras.backend.backend() == "tensorflow"
