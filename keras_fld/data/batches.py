"""Batches for `fit` on every backend, without TensorFlow.

They are those of `pipeline`, in the same order, for the same seed and epoch.
"""

import itertools
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import keras
import numpy as np

from keras_fld.data.sampling import Samples, check_batch_size
from keras_fld.data.share import Share

# OpenCV works outside Python's lock: two threads draw while a third trains.
_THREADS = 2


class _Batches(keras.utils.PyDataset):
    """Batches drawn ahead of their use.

    Keras' own worker threads stay unused: after `fit` has looked at the first batch of an unbuilt
    model, they carry batches of one pass over into the next (keras 3.15).
    """

    def __init__(self, samples, batch_size, next_epoch=None, share=None):
        super().__init__(workers=1)
        check_batch_size(batch_size)
        self._samples, self._batch_size = samples, batch_size
        self._share = share or Share()
        self._share.check(batch_size)
        self._next_epoch = next_epoch
        self._begun = 0
        self._running = None  # the pass that `fit` is in
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="keras_fld_batches")

    def _keys(self, epoch):
        """What the samples of an epoch are drawn by, in their order: an array."""
        raise NotImplementedError

    def _draw(self, epoch, keys):
        """The samples of these keys as one batch."""
        raise NotImplementedError

    def _draw_share(self, epoch, keys):
        """This process' rows of the batch of these keys."""
        return self._share.draw(partial(self._draw, epoch), keys, self._batch_size)

    def __len__(self):
        return -(-self._samples // self._batch_size)

    def __iter__(self):
        return self._pass(self._begin())

    def __getitem__(self, index):
        """Batch `index` of the running epoch.

        Inside `fit` it is the epoch's next batch whatever the index, so that shuffle=True, which
        has nothing to add, changes nothing.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"index must be 0 to {len(self) - 1}. Got: {index}")
        with self._lock:
            batch = None if self._running is None else next(self._running, None)
        if batch is None:
            epoch = int(self._next_epoch()) if self._next_epoch else max(0, self._begun - 1)
            part = slice(index * self._batch_size, (index + 1) * self._batch_size)
            batch = self._draw_share(epoch, self._keys(epoch)[part])
        return batch

    def on_epoch_begin(self):
        """Keras calls it before it asks for a pass's first batch."""
        self.on_epoch_end()
        with self._lock:
            self._running = self._pass(self._begin())

    def on_epoch_end(self):
        """Keras calls it after a pass, and more often."""
        with self._lock:
            if self._running is not None:
                self._running.close()
            self._running = None

    def _begin(self):
        """Number of the epoch that begins."""
        self._begun += 1
        return int(self._next_epoch()) if self._next_epoch else self._begun - 1

    def _pass(self, epoch):
        """Yields the batches of one epoch."""
        keys, size = self._keys(epoch), self._batch_size
        parts = (keys[i : i + size] for i in range(0, len(keys), size))
        ahead: deque[Future] = deque()
        try:
            for part in itertools.chain(parts, itertools.repeat(None)):
                if part is not None:
                    ahead.append(self._pool.submit(self._draw_share, epoch, part))
                elif not ahead:
                    return
                if part is None or len(ahead) > _THREADS:
                    yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


class TrainingBatches(_Batches):
    """Shuffled, augmented batches; every pass is one more epoch with new random numbers.

    Args:
        crops: crops made by `training_crops`, or another `Crops` cut alike.
        batch_size: faces in a batch; the last, incomplete one of an epoch is kept.
        augmentation: an `Augmentation`; None takes the default.
        seed: seed of order and augmentation.
        next_epoch: called at each pass's start for its number; None counts the passes from 0.
        repeats: (faces,) how often an epoch shows each face, as `balance.pose_repeats` gives; None
            shows each once.
        share: the `Share` of this process where several train together; None for whole batches.

    Returns:
        A `keras.utils.PyDataset` of (batch, size, size, 3) uint8 and (batch, landmarks, 2) float32
        NumPy arrays, and of (batch, landmarks) float32 where the crops have weights;
        `for images, landmarks in batches` passes over it too.

    Raises:
        ValueError: batch_size or seed is out of range, the repeats do not fit, or the batches
            cannot be shared equally.

    Examples:
        >>> model.fit(TrainingBatches(training_crops(faces, FaceCrop()), 32), epochs=10)
    """

    def __init__(
        self,
        crops,
        batch_size,
        augmentation=None,
        seed=0,
        next_epoch=None,
        repeats=None,
        share=None,
    ):
        self._source = Samples(crops, augmentation, seed, repeats)
        super().__init__(len(self._source), batch_size, next_epoch, share)

    def _keys(self, epoch):
        return self._source.order(epoch)

    def _draw(self, epoch, keys):
        return self._source.draw(epoch, keys)


class PlainBatches(_Batches):
    """Batches of crops as they are, in order; arguments and result as of `TrainingBatches`.

    Examples:
        >>> model.evaluate(PlainBatches(model_crops(faces, FaceCrop()), 64))
    """

    def __init__(self, crops, batch_size, share=None):
        self._crops = crops
        super().__init__(len(crops), batch_size, share=share)

    def _keys(self, epoch):
        return np.arange(self._samples)

    def _draw(self, epoch, keys):
        images = np.stack([self._crops.images[key] for key in keys])
        return images, self._crops.landmarks[keys]
