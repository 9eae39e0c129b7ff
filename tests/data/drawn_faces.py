"""Generated faces that are drawn on demand, so that a large set does not use memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np

from keras_fld.data import synthetic
from keras_fld.data.faces import Face, FaceSet
from keras_fld.geometry.frame import landmark_box
from keras_fld.schemes import IBUG68


@dataclass(frozen=True)
class DrawnFaces(Sequence):
    """Faces `start` to `stop` of a series.

    Args:
        start: index of the first.
        stop: index after the last.
        size: side of a photograph in pixels.
        different: number of different faces; after these, they repeat under other names.
    """

    start: int
    stop: int
    size: int = 96
    different: int = 10**9

    def __len__(self):
        return self.stop - self.start

    def __getitem__(self, index):
        if isinstance(index, slice):
            first, last, step = index.indices(len(self))
            assert step == 1
            return replace(self, start=self.start + first, stop=self.start + last)
        if not 0 <= index < len(self):
            raise IndexError(index)
        number = self.start + index
        drawn = _draw(number % self.different, self.size)
        return Face(
            name=f"drawn/{number}",
            source=partial(np.asarray, drawn.image),
            landmarks=drawn.landmarks,
            box=landmark_box(drawn.landmarks),
            group=str(number),
        )


@lru_cache(maxsize=256)
def _draw(index, size):
    return synthetic.draw(index, size=size)


def drawn_set(count, **options):
    """A `FaceSet` of them."""
    return FaceSet(f"drawn {count}", IBUG68, DrawnFaces(0, count, **options))
