"""The order of the faces in an epoch, and the random numbers of each, for every data path.

Both depend only on (seed, epoch, index), so a tf.data pipeline and a `keras.utils.PyDataset` give
the same batches.
"""

import numpy as np

from keras_fld._internal.threads import one_opencv_thread
from keras_fld.data.augment import Augmentation, augment, generator


def epoch_order(count, seed, epoch):
    """Returns the order of the samples in one epoch: (count,) integers."""
    # No face has the index 2**32 - 1, so the order has its own random numbers.
    return generator(seed, epoch, 2**32 - 1).permutation(count)


def check_batch_size(batch_size):
    """Raises ValueError if the batch size is below 1."""
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1. Got: {batch_size}")


class Samples:
    """The augmented samples of every epoch.

    Args:
        crops: the result of `training_crops` or `photographs.training_photographs`.
        augmentation: an `Augmentation`; None uses the default.
        seed: seed of the order and the augmentation.
        repeats: (faces,) how often an epoch shows each face, each time with other random numbers,
            see `balance.pose_repeats`; None shows each face once.

    Raises:
        ValueError: the seed is negative, or repeats do not match the faces.

    Examples:
        >>> samples = Samples(training_crops(faces, FaceCrop()))
        >>> images, landmarks = samples.draw(epoch=0, keys=[2, 7])
    """

    def __init__(self, crops, augmentation=None, seed=0, repeats=None):
        if seed < 0:
            raise ValueError(f"seed must be at least 0. Got: {seed}")
        self.crops, self.seed = crops, seed
        self.options = augmentation or Augmentation()
        # The key of a face's first showing is its index. Each repetition adds the number of faces,
        # so repeating one face does not change the random numbers of another.
        self._keys = np.arange(len(crops))
        if repeats is not None:
            repeats = np.asarray(repeats)
            if repeats.shape != (len(crops),) or (repeats < 0).any() or not repeats.any():
                raise ValueError(
                    f"repeats must be {len(crops)} numbers of at least 0, not all 0. "
                    f"Got: shape {repeats.shape}, sum {repeats.sum()}"
                )
            rounds = [np.flatnonzero(repeats > i) + i * len(crops) for i in range(repeats.max())]
            self._keys = np.concatenate(rounds)

    def __len__(self):
        return len(self._keys)

    def order(self, epoch):
        """Returns the keys of an epoch's samples in order: (samples,) integers."""
        return self._keys[epoch_order(len(self), self.seed, epoch)]

    # Crops are small, and batches are drawn in parallel. OpenCV's own threads would only double the
    # processor time (measured: 224 instead of 101 microseconds a face).
    @one_opencv_thread
    def draw(self, epoch, keys):
        """Draws samples.

        Args:
            epoch: number of the epoch.
            keys: (keys,) keys from `order`.

        Returns:
            Images (keys, size, size, 3) uint8 and landmarks (keys, landmarks, 2). If the crops have
            weights, also those, (keys, landmarks).
        """
        faces = len(self.crops)
        pairs = [
            augment(
                self.crops, key % faces, generator(self.seed, int(epoch), int(key)), self.options
            )
            for key in keys
        ]
        return tuple(np.stack(part) for part in zip(*pairs, strict=True))
