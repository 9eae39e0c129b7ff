"""Landmark layouts: what every index means, written once.

Augmentation reads the mirror permutation, losses and metrics the normalisers, the refined module
the patches, drawing the lines.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Scheme:
    """A landmark layout.

    Args:
        name: identifier, such as "ibug68".
        patches: facial region to its landmark indices; together they cover every index once.
        mirror_pairs: index pairs that change places in a mirror; the others stay.
        normalizers: name of a distance to the two groups of indices whose centres it joins.
        lines: index runs to draw, a closed one repeating its first index.

    Example:
        >>> IBUG68.num_landmarks, IBUG68.mirror[36]
        (68, 45)
    """

    name: str
    patches: dict[str, tuple[int, ...]]
    mirror_pairs: tuple[tuple[int, int], ...]
    normalizers: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    lines: tuple[tuple[int, ...], ...] = field(default=(), repr=False)

    @property
    def num_landmarks(self):
        return sum(len(indices) for indices in self.patches.values())

    @cached_property
    def mirror(self):
        """Permutation that renames the landmarks of a mirrored face: (landmarks,) integers."""
        order = np.arange(self.num_landmarks)
        for left, right in self.mirror_pairs:
            order[[left, right]] = right, left
        return order

    @cached_property
    def mean_shape(self):
        """Default mean shape, (landmarks, 2): centred on its tight box, whose longer side is 1."""
        # Frontal view of the package's own 3-D face: it carries no dataset's licence.
        from keras_fld.data.face3d import MEAN_FACE

        points = MEAN_FACE[:, :2]
        low, high = points.min(axis=0), points.max(axis=0)
        return (points - (low + high) / 2) / (high - low).max()

    def distance(self, points, normalizer):
        """Normalising distance of each face, in the points' unit.

        Args:
            points: (..., landmarks, 2) array.
            normalizer: a key of `normalizers`, such as "inter_pupil".

        Returns:
            (...) array, NaN where a landmark it needs is not annotated.

        Raises:
            ValueError: the scheme has no such normaliser.
        """
        first, second = self.normalizer_indices(normalizer)
        points = np.asarray(points)
        offset = points[..., first, :].mean(axis=-2) - points[..., second, :].mean(axis=-2)
        return np.linalg.norm(offset, axis=-1)

    def normalizer_indices(self, name):
        """The two index tuples of a normaliser; raises ValueError when there is none such."""
        if name not in self.normalizers:
            known = ", ".join(sorted(self.normalizers))
            raise ValueError(f"normalizer of {self.name} must be one of {known}. Got: {name!r}")
        return tuple(list(group) for group in self.normalizers[name])


def _run(first, last):
    return tuple(range(first, last + 1))


# https://ibug.doc.ic.ac.uk/resources/facial-point-annotations/ (there 1-based).
IBUG68 = Scheme(
    name="ibug68",
    patches={
        "contour": _run(0, 16),
        "brows": _run(17, 26),
        "nose": _run(27, 35),
        "eyes": _run(36, 47),
        "mouth": _run(48, 67),
    },
    mirror_pairs=(
        *((i, 16 - i) for i in range(8)),
        *((17 + i, 26 - i) for i in range(5)),
        (31, 35),
        (32, 34),
        (36, 45),
        (37, 44),
        (38, 43),
        (39, 42),
        (40, 47),
        (41, 46),
        (48, 54),
        (49, 53),
        (50, 52),
        (55, 59),
        (56, 58),
        (60, 64),
        (61, 63),
        (65, 67),
    ),
    normalizers={
        "inter_ocular": ((36,), (45,)),
        "inter_pupil": (_run(36, 41), _run(42, 47)),
    },
    lines=(
        _run(0, 16),
        _run(17, 21),
        _run(22, 26),
        _run(27, 30),
        _run(31, 35),
        (*_run(36, 41), 36),
        (*_run(42, 47), 42),
        (*_run(48, 59), 48),
        (*_run(60, 67), 60),
    ),
)

SCHEMES = {scheme.name: scheme for scheme in (IBUG68,)}


def get(scheme):
    """Finds a scheme.

    Args:
        scheme: a `Scheme`, its name, or a number of landmarks that only one scheme has.

    Returns:
        The `Scheme`.

    Raises:
        ValueError: there is none such.

    Example:
        >>> get(68).name
        'ibug68'
    """
    if isinstance(scheme, Scheme):
        return scheme
    for known in SCHEMES.values():
        if scheme in (known.name, known.num_landmarks):
            return known
    names = ", ".join(f"{s.name} ({s.num_landmarks} landmarks)" for s in SCHEMES.values())
    raise ValueError(f"scheme must be one of {names}. Got: {scheme!r}")


def find(num_landmarks):
    """The scheme with that many landmarks, or None."""
    return next((s for s in SCHEMES.values() if s.num_landmarks == num_landmarks), None)
