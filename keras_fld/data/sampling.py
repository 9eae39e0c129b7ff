"""Which augmented face comes when: the one order and drawing that every data path serves.

An epoch's order and each face's random numbers depend on (seed, epoch, index) only, so a tf.data
pipeline and a `keras.utils.PyDataset` give the same batches.
"""

import numpy as np

from keras_fld._internal.threads import one_opencv_thread
from keras_fld.data.augment import Augmentation, augment, generator


def epoch_order(count, seed, epoch):
    """Order in which the samples of one epoch come: (count,) integers."""
    # Index 2**32 - 1 is no face's, so the order has random numbers of its own.
    return generator(seed, epoch, 2**32 - 1).permutation(count)


def check_batch_size(batch_size):
    """Raises ValueError when it is not at least 1."""
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1. Got: {batch_size}")


class Samples:
    """The augmented samples of every epoch.

    Args:
        crops: crops made by `training_crops`, or that `photographs.training_photographs` cuts.
        augmentation: an `Augmentation`; None takes the default.
        seed: seed of order and augmentation.
        repeats: (faces,) how often an epoch shows each face, each time with other random numbers;
            None shows each once. `balance.pose_repeats` gives one.

    Raises:
        ValueError: the seed is negative, or the repeats do not fit the faces.

    Examples:
        >>> images, landmarks = Samples(crops).draw(epoch=0, keys=[2, 7])
    """

    def __init__(self, crops, augmentation=None, seed=0, repeats=None):
        if seed < 0:
            raise ValueError(f"seed must be at least 0. Got: {seed}")
        self.crops, self.seed = crops, seed
        self.options = augmentation or Augmentation()
        # A face's first showing has the face's index as its key, the next ones lie a whole set
        # apart: no repetition changes what another face draws.
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
        """Keys of an epoch's samples in their order: (samples,) integers."""
        return self._keys[epoch_order(len(self), self.seed, epoch)]

    # Faces are small and batches are drawn side by side: OpenCV's own threads would only double the
    # processor time (measured: 224 against 101 microseconds a face).
    @one_opencv_thread
    def draw(self, epoch, keys):
        """Draws samples: images (keys, size, size, 3) uint8, landmarks (keys, landmarks, 2), and
        where the crops have weights, those: (keys, landmarks)."""
        faces = len(self.crops)
        pairs = [
            augment(
                self.crops, key % faces, generator(self.seed, int(epoch), int(key)), self.options
            )
            for key in keys
        ]
        return tuple(np.stack(part) for part in zip(*pairs, strict=True))
