"""Batches for `fit`: a tf.data pipeline over crops."""

import itertools

import numpy as np

from keras_fld._internal.extras import load
from keras_fld.data.crops import Crops, Views
from keras_fld.data.sampling import Samples, check_batch_size


def training_dataset(
    crops: Crops, batch_size, augmentation=None, seed=0, next_epoch=None, repeats=None
):
    """Shuffled, augmented batches; every iteration is a new epoch with new random numbers.

    Args:
        crops: the result of `training_crops`, or `Crops` with the same larger frame.
        batch_size: number of faces in a batch. The last batch of an epoch may be smaller.
        augmentation: an `Augmentation`; None uses the default.
        seed: seed of the order and the augmentation.
        next_epoch: function that returns the epoch's number, called at the start of each iteration;
            None counts from 0.
        repeats: (faces,) how often an epoch shows each face, see `balance.pose_repeats`; None shows
            each face once.

    Returns:
        A `tf.data.Dataset` of images (batch, size, size, 3) uint8 and landmarks (batch, landmarks,
        2) float32. If the crops have weights, also of weights (batch, landmarks) float32.

    Raises:
        ValueError: batch_size or seed is out of range, or repeats do not match the faces.

    Examples:
        >>> dataset = training_dataset(training_crops(faces, FaceCrop()), batch_size=32)
    """
    tf = _tensorflow()
    check_batch_size(batch_size)
    samples = Samples(crops, augmentation, seed, repeats)
    counter = next_epoch or itertools.count().__next__

    def order():
        epoch = int(counter())
        keys = samples.order(epoch)
        return np.stack([np.full_like(keys, epoch), keys], axis=1)

    def draw(keys):
        return samples.draw(keys[0, 0], keys[:, 1])

    keys = tf.data.Dataset.range(1).flat_map(
        lambda _: tf.data.Dataset.from_tensor_slices(
            tf.ensure_shape(tf.numpy_function(order, [], tf.int64), (len(samples), 2))
        )
    )
    keys = keys.apply(tf.data.experimental.assert_cardinality(len(samples)))
    weighted = crops.weights is not None
    return _drawn(keys.batch(batch_size), draw, crops, crops.frame.size, weighted)


def plain_dataset(crops: Crops, batch_size):
    """Unaugmented batches of crops, in order. Arguments and result are as in `training_dataset`."""
    tf = _tensorflow()
    check_batch_size(batch_size)
    if isinstance(crops.images, np.ndarray):
        return (
            tf.data.Dataset.from_tensor_slices((crops.images, crops.landmarks))
            .batch(batch_size)
            .prefetch(tf.data.AUTOTUNE)
        )

    def draw(keys):
        return np.stack([crops.images[key] for key in keys]), crops.landmarks[keys]

    keys = tf.data.Dataset.range(len(crops)).batch(batch_size)
    return _drawn(keys, draw, crops, crops.images.shape[1])


def _drawn(keys, draw, crops, size, weighted=False):
    """Draws batches of images and landmarks from batches of keys, ahead of use."""
    tf = _tensorflow()

    landmarks = crops.landmarks.shape[1]
    shapes = [(None, size, size, 3), (None, landmarks, 2), (None, landmarks)][: 2 + weighted]
    kinds = (tf.uint8, tf.float32, tf.float32)[: len(shapes)]

    def shaped(*parts):
        for part, shape in zip(parts, shapes, strict=True):
            part.set_shape(shape)
        return parts

    # If images are in memory or memory-mapped, one thread draws faster than a network trains, and
    # two are slower, as they compete for Python's lock. Decoding photographs releases the lock.
    threads = None if isinstance(crops.images, (np.ndarray, Views)) else 2
    return keys.map(
        lambda k: shaped(*tf.numpy_function(draw, [k], kinds)),
        num_parallel_calls=threads,
    ).prefetch(tf.data.AUTOTUNE)


def _tensorflow():
    return load("tensorflow", "A tf.data pipeline")
