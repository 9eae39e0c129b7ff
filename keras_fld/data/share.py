"""The rows of each batch that a process draws when several processes train one network."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Share:
    """One process' part of each batch: its rows of what a single process would draw.

    JAX cannot divide an array into unequal parts. The last batch of an epoch is therefore padded
    with black images without landmarks; `real` returns the number of faces in it.

    Args:
        index: number of the process, from 0.
        processes: number of processes.
        devices: number of devices of all processes, among which batches are divided.

    Examples:
        >>> Share(index=1, processes=2, devices=2).rows(np.arange(10, 16), batch_size=6)
        array([13, 14, 15])
    """

    index: int = 0
    processes: int = 1
    devices: int = 1

    @property
    def writes(self):
        """Whether this process writes the files and messages for all of them."""
        return self.index == 0

    def check(self, batch_size):
        """Raises ValueError if the devices cannot divide a batch equally."""
        if batch_size % self.devices:
            raise ValueError(
                f"batch_size must be a multiple of the number of devices, {self.devices}. "
                f"Got: {batch_size}"
            )

    def padded(self, count, batch_size):
        """Returns the number of rows of a batch of `count` faces, including padding."""
        rows = -(-count // self.devices) * self.devices
        # Only a full batch has the full size, so the number of rows determines that of faces.
        return rows + self.devices if count < batch_size == rows else rows

    def real(self, rows, faces, batch_size):
        """Returns the number of faces in a batch of `rows` rows: the inverse of `padded`."""
        return batch_size if rows == batch_size else faces % batch_size

    def rows(self, keys, batch_size):
        """Returns the keys of a batch that this process draws, without padding."""
        size = self.padded(len(keys), batch_size) // self.processes
        return keys[self.index * size : (self.index + 1) * size]

    def draw(self, draw, keys, batch_size):
        """Draws this process' rows of a batch.

        Args:
            draw: function that maps keys to images (keys, size, size, 3), landmarks
                (keys, landmarks, 2) and, if the faces have weights, those (keys, landmarks).
            keys: keys of the whole batch.
            batch_size: number of faces in a full batch.

        Returns:
            The result of `draw` for this process' rows. Padding is 0, NaN and 0.
        """
        mine = self.rows(keys, batch_size)
        # Even a process without faces in a small batch needs the shape.
        parts = [part[: len(mine)] for part in draw(mine if len(mine) else keys[:1])]
        missing = self.padded(len(keys), batch_size) // self.processes - len(mine)
        if missing:
            parts = [
                np.pad(part, [(0, missing)] + [(0, 0)] * (part.ndim - 1), constant_values=fill)
                for part, fill in zip(parts, (0, np.nan, 0), strict=False)
            ]
        return tuple(parts)
