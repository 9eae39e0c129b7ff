"""Which rows of each batch a process draws, where several train one network."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Share:
    """One process' part of each batch: its rows of what a single process would draw.

    JAX cuts no array into unequal parts. So the last batch of an epoch is filled up with rows that
    are no faces, black and without a landmark, and `real` says how many are faces.

    Args:
        index: number of the process, from 0.
        processes: how many there are.
        devices: processors that the batches are cut for, those of all processes together.

    Examples:
        >>> Share(index=1, processes=2, devices=2).rows(np.arange(10, 16), batch_size=6)
        array([13, 14, 15])
    """

    index: int = 0
    processes: int = 1
    devices: int = 1

    @property
    def writes(self):
        """Whether this process writes the files and messages of all."""
        return self.index == 0

    def check(self, batch_size):
        """Raises ValueError for batches that cannot be cut."""
        if batch_size % self.devices:
            raise ValueError(
                f"batch_size must be a multiple of the processes' devices, {self.devices}. "
                f"Got: {batch_size}"
            )

    def padded(self, count, batch_size):
        """Rows of a batch of `count` faces, with those that are none."""
        rows = -(-count // self.devices) * self.devices
        # A full batch alone has its size: the number of rows then tells the number of faces.
        return rows + self.devices if count < batch_size == rows else rows

    def real(self, rows, faces, batch_size):
        """Faces in a batch of so many rows, of an epoch of `faces`: the inverse of `padded`."""
        return batch_size if rows == batch_size else faces % batch_size

    def rows(self, keys, batch_size):
        """The keys of a batch that this process draws, without those that are no faces."""
        size = self.padded(len(keys), batch_size) // self.processes
        return keys[self.index * size : (self.index + 1) * size]

    def draw(self, draw, keys, batch_size):
        """Draws this process' rows of a batch.

        Args:
            draw: function of keys that gives images (keys, size, size, 3), landmarks
                (keys, landmarks, 2), and weights (keys, landmarks) where the faces have any.
            keys: of the whole batch.
            batch_size: faces in a full batch.

        Returns:
            What `draw` gives, of this process' rows: 0, NaN and 0 where a row is no face.
        """
        mine = self.rows(keys, batch_size)
        # A process without any face in a small batch needs to know its shape.
        parts = [part[: len(mine)] for part in draw(mine if len(mine) else keys[:1])]
        missing = self.padded(len(keys), batch_size) // self.processes - len(mine)
        if missing:
            parts = [
                np.pad(part, [(0, missing)] + [(0, 0)] * (part.ndim - 1), constant_values=fill)
                for part, fill in zip(parts, (0, np.nan, 0), strict=False)
            ]
        return tuple(parts)
