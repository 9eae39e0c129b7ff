"""Stops training when the loss is no longer finite, and saves the batch."""

import math
from pathlib import Path

import keras
import numpy as np

from keras_fld._internal.files import replacing


class StopAtBadBatch(keras.callbacks.Callback):
    """Stops `fit` at the first batch whose loss is NaN or infinite, and saves that batch.

    The file contains the batch as the network saw it: `images` (batch, size, size, 3) uint8,
    `landmarks` (batch, landmarks, 2) in crop pixels, the `names` of the faces, `epoch`, `step` and
    `loss`. The batch is not necessarily the cause: an earlier update may have damaged the weights.

    Args:
        samples: the `data.sampling.Samples` of the batches.
        batch_size: faces per batch.
        path: the `.npz` file.

    Attributes:
        found: the loss and its position, or None if all losses were finite.

    Examples:
        >>> stop = StopAtBadBatch(Samples(crops), 8, "run/batch.npz")
        >>> model.fit(training_batches(crops, 8), callbacks=[stop])
    """

    def __init__(self, samples, batch_size, path):
        super().__init__()
        self.samples, self.batch_size, self.path = samples, batch_size, Path(path)
        self.found = None
        self._epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        loss = float(logs["loss"])  # a running mean, which a single bad batch makes NaN
        if math.isfinite(loss):
            return
        self.model.stop_training = True
        self.found = f"{loss:g} in epoch {self._epoch}, step {batch}"
        self._save(batch, loss)

    def _save(self, batch, loss):
        start = batch * self.batch_size
        keys = self.samples.order(self._epoch)[start : start + self.batch_size]
        images, landmarks, *_ = self.samples.draw(self._epoch, keys)
        names = [self.samples.crops.names[key % len(self.samples.crops)] for key in keys]
        with replacing(self.path) as temporary:
            np.savez(
                temporary,
                images=images,
                landmarks=landmarks,
                names=np.array(names),
                epoch=self._epoch,
                step=batch,
                loss=loss,
            )
