"""Extra sets of faces, which a run trains on in addition to its dataset."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from keras_fld.data import catalog
from keras_fld.data.faces import FaceSet
from keras_fld.data.prepared.reading import read_prepared
from keras_fld.data.synthetic import Recasting, recast

# Name of the reader for folders written by `keras-fld prepare` or `label`.
PREPARED = "prepared"


@dataclass(frozen=True)
class ExtraSet:
    """Faces that an epoch shows in addition to the dataset. Their landmarks may be NaN.

    Args:
        name: the name in `--extra NAME=PATH`.
        dataset: name of the reader, such as "own", or "prepared" for any prepared folder. Defaults
            to the name of the set.
        repeats: how often an epoch shows each face, with new augmentation each time.
        weight: factor of the landmarks' errors in the loss.
        validation: fraction of the faces held out, by photograph or person.
        attributes: use only faces with one of these attributes, such as ("left", "right"). Empty
            means all faces.
        recast: `Recasting`, or a dictionary of its arguments, for portraits in new poses instead of
            the faces. None means the faces themselves.

    Raises:
        ValueError: the reader is unknown, or a number is out of range.

    Examples:
        >>> ExtraSet("aflw68", "own", repeats=4)
    """

    name: str
    dataset: str = ""
    repeats: int = 1
    weight: float = 1.0
    validation: float = 0.0
    attributes: tuple[str, ...] = ()
    recast: Recasting | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "dataset", self.dataset or self.name)
        object.__setattr__(self, "attributes", tuple(self.attributes))
        if isinstance(self.recast, Mapping):
            object.__setattr__(self, "recast", Recasting(**self.recast))
        if self.dataset not in (PREPARED, *catalog.DATASETS):
            raise ValueError(
                f"dataset of the extra set {self.name!r} must be {PREPARED} or one of "
                f"{', '.join(catalog.DATASETS)}. Got: {self.dataset!r}"
            )
        if self.repeats < 1:
            raise ValueError(f"repeats of an extra set must be at least 1. Got: {self.repeats}")
        if not 0 < self.weight < math.inf:
            raise ValueError(f"weight of an extra set must be above 0. Got: {self.weight}")
        if not 0 <= self.validation < 1:
            raise ValueError(
                f"validation of an extra set must be at least 0 and below 1. Got: {self.validation}"
            )

    def read(self, root: str | Path, skip_bad: bool = False) -> FaceSet:
        """Reads the weighted training faces, without held-out ones.

        Args:
            root: the folder or file given by `--extra`.
            skip_bad: skip bad files and list them instead of stopping at the first.

        Raises:
            ValueError: a file is bad, or no face remains.
        """
        if self.dataset == PREPARED:
            faces = read_prepared(root)
        else:
            split = catalog.get(self.dataset).train
            faces = catalog.read(self.dataset, root, split, skip_bad)
        if self.validation:
            faces, _ = faces.split(self.validation)
        chosen = [self._weighted(face) for face in faces.faces if self._takes(face)]
        if not chosen:
            raise ValueError(
                f"a face of the extra set {self.name!r} must have one of the attributes "
                f"{', '.join(self.attributes)}. Got: none in {root}"
            )
        faces = replace(faces, faces=chosen)
        return recast(faces, self.recast) if self.recast else faces

    def _takes(self, face):
        return not self.attributes or not face.attributes.isdisjoint(self.attributes)

    def _weighted(self, face):
        if self.weight == 1:
            return face
        weights = np.ones(len(face.landmarks)) if face.weights is None else face.weights
        return replace(face, weights=np.float32(self.weight) * weights.astype(np.float32))


def extra_set(given: "ExtraSet | str | Mapping") -> ExtraSet:
    """Converts to an `ExtraSet` from its name, or from its fields as in a recipe file.

    Raises:
        TypeError: the value is of another type, or a field is unknown.
        ValueError: a field is out of range.

    Examples:
        >>> extra_set("mtfl").dataset
        'mtfl'
    """
    if isinstance(given, ExtraSet):
        return given
    return ExtraSet(given) if isinstance(given, str) else ExtraSet(**given)
