"""Batches for `fit`: a tf.data pipeline over crops."""

import itertools

import numpy as np

from keras_fld.data.augment import Augmentation, augment, generator
from keras_fld.data.crops import Crops


def epoch_order(count, seed, epoch):
    """Order in which the faces of one epoch come: (count,) integers."""
    # Index 2**32 - 1 is no face's, so the order has random numbers of its own.
    return generator(seed, epoch, 2**32 - 1).permutation(count)


def training_dataset(crops: Crops, batch_size, augmentation=None, seed=0, next_epoch=None):
    """Shuffled, augmented batches; every iteration is one more epoch with new random numbers.

    Args:
        crops: crops made by `training_crops`.
        batch_size: faces in a batch; the last, incomplete one of an epoch is kept.
        augmentation: an `Augmentation`; None takes the default.
        seed: seed of order and augmentation.
        next_epoch: called at each iteration's start for its number; None counts from 0.

    Returns:
        A `tf.data.Dataset` of (batch, size, size, 3) uint8 and (batch, landmarks, 2) float32.

    Raises:
        ValueError: batch_size or seed is out of range.
    """
    tf = _tensorflow()
    _check(batch_size, seed)
    options = augmentation or Augmentation()
    size, landmarks = crops.frame.size, crops.landmarks.shape[1]
    counter = next_epoch or itertools.count().__next__

    def order():
        epoch = int(counter())
        indices = epoch_order(len(crops), seed, epoch)
        return np.stack([np.full_like(indices, epoch), indices], axis=1)

    def render(keys):
        pairs = [augment(crops, i, generator(seed, int(e), int(i)), options) for e, i in keys]
        images, points = zip(*pairs, strict=True)
        return np.stack(images), np.stack(points)

    def shaped(images, points):
        images.set_shape((None, size, size, 3))
        points.set_shape((None, landmarks, 2))
        return images, points

    keys = tf.data.Dataset.range(1).flat_map(
        lambda _: tf.data.Dataset.from_tensor_slices(
            tf.ensure_shape(tf.numpy_function(order, [], tf.int64), (len(crops), 2))
        )
    )
    keys = keys.apply(tf.data.experimental.assert_cardinality(len(crops)))
    return (
        keys.batch(batch_size)
        # One thread: faces are drawn faster than a network trains, and two would fight for Python's
        # lock (measured: no gain).
        .map(lambda k: shaped(*tf.numpy_function(render, [k], (tf.uint8, tf.float32))))
        .prefetch(tf.data.AUTOTUNE)
    )


def plain_dataset(crops: Crops, batch_size):
    """Batches of crops as they are, in order; arguments and result as in `training_dataset`."""
    tf = _tensorflow()
    _check(batch_size, 0)
    return (
        tf.data.Dataset.from_tensor_slices((crops.images, crops.landmarks))
        .batch(batch_size)
        .prefetch(tf.data.AUTOTUNE)
    )


def _check(batch_size, seed):
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1. Got: {batch_size}")
    if seed < 0:
        raise ValueError(f"seed must be at least 0. Got: {seed}")


def _tensorflow():
    try:
        import tensorflow
    except ImportError as error:
        raise ImportError(
            "tf.data pipelines need TensorFlow: pip install 'keras-fld[tensorflow]'"
        ) from error
    return tensorflow
