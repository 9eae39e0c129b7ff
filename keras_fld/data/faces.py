"""The result of every dataset reader: annotated faces, and what was missing or skipped."""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from keras_fld._internal.files import FileError, name_bytes
from keras_fld._internal.images import read_image
from keras_fld.geometry.frame import FaceCrop
from keras_fld.schemes import Scheme


class Absent(FileError):
    """Raised when a dataset's folder contains no faces of a split."""


class PreparedSource(ABC):
    """Source of a prepared face: stored crops instead of a photograph."""

    @abstractmethod
    def __call__(self) -> np.ndarray:
        """Always raises ValueError, because there is no photograph."""

    @abstractmethod
    def cut(self, cut_frame: FaceCrop, frame: FaceCrop) -> np.ndarray:
        """Returns the stored crop, (size, size, 3) uint8.

        Args:
            cut_frame: the `FaceCrop` of the crop.
            frame: the model's `FaceCrop`, for which the face must have been prepared.

        Raises:
            ValueError: the face was prepared for another frame, or this crop was not stored.
        """


def evenly(total: int, count: int) -> np.ndarray:
    """Returns `count` evenly spaced indices below `total`, or all if there are fewer."""
    return np.linspace(0, total - 1, min(count, total)).round().astype(int)


@dataclass(frozen=True)
class Face:
    """One annotated face in a photograph.

    Args:
        name: unique name within its dataset, such as "afw/134212_1".
        source: image file, a function that returns the (height, width, 3) uint8 RGB image, or a
            `PreparedSource`.
        landmarks: (landmarks, 2) float32 photograph pixels, NaN where not annotated.
        box: face box (x, y, width, height) in photograph pixels.
        group: name shared by the faces of one photograph or person, which `FaceSet.split` keeps
            together.
        occluded: (landmarks,) bool, whether a landmark is occluded; None if the annotation does not
            say.
        distances: normalizing distances from the annotation, in photograph pixels, such as AFLW's
            {"face_box": width}.
        attributes: names of the attributes that apply to the face, such as WFLW's "blur".
        weights: (landmarks,) float32 factors of the errors in training; None means 1.
    """

    name: str
    source: Path | Callable[[], np.ndarray]
    landmarks: np.ndarray
    box: np.ndarray
    group: str
    occluded: np.ndarray | None = None
    distances: dict[str, float] = field(default_factory=dict)
    attributes: frozenset[str] = frozenset()
    weights: np.ndarray | None = None

    @property
    def prepared(self) -> PreparedSource | None:
        """The source if it is a `PreparedSource`, otherwise None."""
        return self.source if isinstance(self.source, PreparedSource) else None

    def image(self) -> np.ndarray:
        """Reads the photograph: (height, width, 3) uint8 RGB."""
        return self.source() if callable(self.source) else read_image(self.source)


@dataclass(frozen=True)
class FaceSet:
    """The faces of one split.

    Args:
        name: name of the set, such as "300w common".
        scheme: scheme of the landmarks.
        faces: the faces.
        missing: one sentence for each part with fewer faces than the official release. Only
            `datasets check` shows them.
        skipped: one sentence for each bad file that was skipped. `missing` and `skipped` name files
            relative to `root`.
        normalizer: the protocol's normalizing distance, which is reported first if it is known.
        attributes: attributes that the protocol reports in separate rows, in this order.
        root: folder of the faces; None if there is none.
        notes: sentences on how the files were read, such as which values mean "not annotated".
        absent: one sentence if photographs that the annotations name are missing.
    """

    name: str
    scheme: Scheme
    faces: list[Face]
    missing: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    normalizer: str = "inter_pupil"
    attributes: tuple[str, ...] = ()
    root: Path | None = None
    notes: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)

    @property
    def told(self) -> list[str]:
        """The sentences that every command shows: absent, notes and skipped."""
        return [*self.absent, *self.notes, *self.skipped]

    @property
    def normalizers(self) -> list[str]:
        """Names of the distances that are known for these faces, the protocol's first.

        If neither the annotation nor the scheme has one, it is "face_size", the square root of the
        area of the face box.
        """
        given = {name: None for face in self.faces for name in face.distances}
        names = [*dict.fromkeys([*given, *self.scheme.normalizers])] or ["face_size"]
        return sorted(names, key=lambda name: name != self.normalizer)

    def __len__(self) -> int:
        return len(self.faces)

    def sample(self, count: int) -> "FaceSet":
        """Returns `count` faces spaced evenly over the set, or all if there are fewer."""
        return replace(self, faces=[self.faces[index] for index in evenly(len(self), count)])

    def split(self, fraction: float, salt: str = "validation") -> "tuple[FaceSet, FaceSet]":
        """Splits off about a `fraction` of the faces, by group.

        A hash of the group's name decides where its faces go. The split therefore stays the same
        when other faces are added or removed.

        Args:
            fraction: share of the faces in the second set, between 0 and 1.
            salt: text added to the hash. It also becomes part of the second set's name.

        Returns:
            The `FaceSet` of the remaining faces, and that of the faces split off.

        Raises:
            ValueError: the fraction is not in (0, 1), or one side would be empty.
        """
        if not 0 < fraction < 1:
            raise ValueError(f"fraction must be between 0 and 1. Got: {fraction}")
        inside = [
            zlib.crc32(name_bytes(f"{salt}/{face.group}")) / 2**32 < fraction for face in self.faces
        ]
        rest = [face for face, held in zip(self.faces, inside, strict=True) if not held]
        held = [face for face, held in zip(self.faces, inside, strict=True) if held]
        if not rest or not held:
            raise ValueError(
                f"{self.name}: too few faces ({len(self)}) to hold out a fraction of {fraction}"
            )
        return replace(self, faces=rest), replace(self, faces=held, name=f"{self.name} {salt}")
