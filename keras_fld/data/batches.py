"""Batches for `fit` on every backend, without TensorFlow.

For the same seed and epoch, they equal those of `pipeline`, in the same order.
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

# OpenCV releases Python's lock, so two threads can draw while a third one trains.
_THREADS = 2


class _Batches(keras.utils.PyDataset):
    """Base class of batches that are drawn ahead in threads.

    It does not use Keras' own worker threads: when `fit` inspects the first batch of an unbuilt
    model, they carry batches over from one pass into the next (keras 3.15).
    """

    def __init__(self, samples, batch_size, next_epoch=None, share=None):
        super().__init__(workers=1)
        check_batch_size(batch_size)
        self._samples, self._batch_size = samples, batch_size
        self._share = share or Share()
        self._share.check(batch_size)
        self._next_epoch = next_epoch
        self._begun = 0
        self._running = None  # the pass that `fit` is iterating over
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="keras_fld_batches")

    def _keys(self, epoch):
        """Keys of the samples of an epoch, in their order, as an array."""
        raise NotImplementedError

    def _draw(self, epoch, keys):
        """Draws one batch from these keys."""
        raise NotImplementedError

    def _draw_share(self, epoch, keys):
        """Draws this process' rows of the batch of these keys."""
        return self._share.draw(partial(self._draw, epoch), keys, self._batch_size)

    def __len__(self):
        return -(-self._samples // self._batch_size)

    def __iter__(self):
        return self._pass(self._begin())

    def __getitem__(self, index):
        """Returns batch `index` of the running epoch.

        Inside `fit`, it returns the next batch for any index. The batches are shuffled already, so
        shuffle=True has no effect.
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
        """Keras calls this before it requests the first batch of a pass."""
        self.on_epoch_end()
        with self._lock:
            self._running = self._pass(self._begin())

    def on_epoch_end(self):
        """Keras calls this after a pass, and at other times, too."""
        with self._lock:
            if self._running is not None:
                self._running.close()
            self._running = None

    def _begin(self):
        """Returns the number of the epoch that starts."""
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
    """Shuffled, augmented batches; every pass is a new epoch with new random numbers.

    Args:
        crops: the result of `training_crops`, or `Crops` with the same larger frame.
        batch_size: number of faces in a batch. The last batch of an epoch may be smaller.
        augmentation: an `Augmentation`; None uses the default.
        seed: seed of the order and the augmentation.
        next_epoch: function that returns the epoch's number, called at the start of each pass; None
            counts the passes from 0.
        repeats: (faces,) how often an epoch shows each face, see `balance.pose_repeats`; None shows
            each face once.
        share: the `Share` of this process if several train together; None for whole batches.

    Returns:
        A `keras.utils.PyDataset` of images (batch, size, size, 3) uint8 and landmarks (batch,
        landmarks, 2) float32, as NumPy arrays. If the crops have weights, a batch also contains
        weights (batch, landmarks) float32. You can also iterate over it:
        `for images, landmarks in batches`.

    Raises:
        ValueError: batch_size or seed is out of range, repeats do not match the faces, or the
            batches cannot be divided equally among the processes.

    Examples:
        >>> model.fit(TrainingBatches(training_crops(faces, FaceCrop()), 32))
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
    """Unaugmented batches of crops, in order. Arguments and result are as in `TrainingBatches`.

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
