"""The `Scheme` class."""

import json
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Scheme:
    """A landmark scheme: the meaning of each landmark index.

    Args:
        name: identifier, such as "ibug68".
        patches: facial region to its landmark indices. Every index must be in exactly one region.
        mirror_pairs: pairs of indices that are swapped when the image is mirrored. All other
            indices stay.
        normalizers: name of a normalizing distance to two groups of indices. The distance is that
            between the centers of the groups.
        lines: sequences of indices to connect when drawing. A closed line ends with its first
            index.
        landmark_names: name of each landmark, where left is the image's left. If empty, the
            landmarks of each region are numbered, such as "eyes 3".

    Examples:
        >>> from keras_fld.schemes import IBUG68
        >>> IBUG68.num_landmarks, int(IBUG68.mirror[36])
        (68, 45)
        >>> IBUG68.landmark_names[8], IBUG68.landmark_names[45]
        ('contour 8', 'right eye 3')
    """

    name: str
    patches: dict[str, tuple[int, ...]]
    mirror_pairs: tuple[tuple[int, int], ...]
    normalizers: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    lines: tuple[tuple[int, ...], ...] = field(default=(), repr=False)
    landmark_names: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if not self.landmark_names:
            called = {
                index: f"{patch} {place}"
                for patch, indices in self.patches.items()
                for place, index in enumerate(indices)
            }
            names = tuple(called[index] for index in range(self.num_landmarks))
            object.__setattr__(self, "landmark_names", names)

    @property
    def num_landmarks(self) -> int:
        return sum(len(indices) for indices in self.patches.values())

    @cached_property
    def mirror(self) -> np.ndarray:
        """Permutation that reorders the landmarks of a mirrored face: (landmarks,) integers."""
        order = np.arange(self.num_landmarks)
        for left, right in self.mirror_pairs:
            order[[left, right]] = right, left
        return order

    @cached_property
    def mean_shape(self) -> np.ndarray:
        """Default mean shape, (landmarks, 2), centered on its tight box with longer side 1.

        Raises:
            ValueError: the scheme is not one of the package's schemes.
        """
        known = _mean_shapes()
        shape = np.array(known.get(self.name, ()))
        if len(shape) != self.num_landmarks:
            raise ValueError(
                f"mean_shape must be given for schemes other than {', '.join(known)}. "
                f"Got: {self.name!r}"
            )
        return shape

    def distance(self, points: ArrayLike, normalizer: str) -> np.ndarray:
        """Computes the normalizing distance of each face, in the unit of the points.

        Args:
            points: (..., landmarks, 2) array.
            normalizer: a key of `normalizers`, such as "inter_pupil".

        Returns:
            (...) array, NaN where a required landmark is not annotated.

        Raises:
            ValueError: the scheme has no such normalizer.
        """
        first, second = self.normalizer_indices(normalizer)
        points = np.asarray(points)
        offset = points[..., first, :].mean(axis=-2) - points[..., second, :].mean(axis=-2)
        return np.linalg.norm(offset, axis=-1)

    def normalizer_indices(self, name: str) -> tuple[list[int], list[int]]:
        """Returns the two lists of indices of a normalizer.

        Raises:
            ValueError: the scheme has no such normalizer.
        """
        if name not in self.normalizers:
            known = ", ".join(sorted(self.normalizers))
            raise ValueError(f"normalizer of {self.name} must be one of {known}. Got: {name!r}")
        first, second = self.normalizers[name]
        return list(first), list(second)


@cache
def _mean_shapes():
    """Scheme name to the frontal view of the package's 3-D face, free of any dataset's license."""
    return json.loads(Path(__file__).with_name("mean_shapes.json").read_text("utf-8"))


def run(first: int, last: int) -> tuple[int, ...]:
    """Returns the indices from `first` to `last`, both included."""
    return tuple(range(first, last + 1))


def numbered(**counts: int) -> tuple[str, ...]:
    """Returns numbered names, such as "left eye 0" to "left eye 5" for left_eye=6."""
    return tuple(f"{part.replace('_', ' ')} {i}" for part, n in counts.items() for i in range(n))


def mirrored(first: int, last: int, other: int) -> tuple[tuple[int, int], ...]:
    """Pairs `first`, `first` + 1, ..., `last` with `other`, `other` - 1, and so on."""
    return tuple((index, other - (index - first)) for index in run(first, last))
