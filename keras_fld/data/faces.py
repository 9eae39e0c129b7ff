"""What every dataset reader returns: annotated faces, and what was missing or skipped."""

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
    """A dataset's folder holds nothing of a split."""


class PreparedSource(ABC):
    """The source of a prepared face: crops cut in advance, in place of a photograph."""

    @abstractmethod
    def __call__(self) -> np.ndarray:
        """Raises ValueError: there is no photograph."""

    @abstractmethod
    def cut(self, cut_frame: FaceCrop, frame: FaceCrop) -> np.ndarray:
        """The crop of a frame, (size, size, 3) uint8.

        Args:
            cut_frame: the crop's frame.
            frame: the model's frame that the face must have been prepared for.

        Raises:
            ValueError: the face was prepared for another frame, or without this crop.
        """


def evenly(total: int, count: int) -> np.ndarray:
    """Indices of `count` of so many things, evenly over them, or all where there are fewer."""
    return np.linspace(0, total - 1, min(count, total)).round().astype(int)


@dataclass(frozen=True)
class Face:
    """One annotated face of a photograph.

    Args:
        name: unique name in its dataset, such as "afw/134212_1".
        source: image file, a function that returns the (height, width, 3) uint8 RGB image, or a
            `PreparedSource`.
        landmarks: (landmarks, 2) float32 photograph pixels, NaN where not annotated.
        box: face box (x, y, width, height) in photograph pixels.
        group: faces of one photograph or person share it; splits keep a group together.
        occluded: (landmarks,) bool, whether something is in front of a landmark; None where the
            annotation does not say.
        distances: normalizing distances that the annotation gives, in photograph pixels, such as
            AFLW's {"face_box": width}.
        attributes: names of what holds of the face, such as WFLW's "blur".
        weights: (landmarks,) float32 factors of the landmarks' errors in training; None for 1.
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
        """The source where it holds crops in place of a photograph, otherwise None."""
        return self.source if isinstance(self.source, PreparedSource) else None

    def image(self) -> np.ndarray:
        """Reads the photograph: (height, width, 3) uint8 RGB."""
        return self.source() if callable(self.source) else read_image(self.source)


@dataclass(frozen=True)
class FaceSet:
    """Faces of one split.

    Args:
        name: what it is, such as "300w common".
        scheme: the landmarks' scheme.
        faces: the faces.
        missing: one sentence for each part with fewer faces than the official release. Only
            `datasets check` shows them.
        skipped: one sentence for each bad file that was left out. Both name files by their place in
            `root`.
        normalizer: the protocol's normalizing distance, reported first where it is known.
        attributes: attributes of faces that the protocol reports as rows of their own, in order.
        root: the folder that the faces were read from; None where there is none.
        notes: sentences on how the files were read, such as what stands for "not annotated".
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
        """Names of the distances known for these faces, the protocol's own first.

        Where neither annotation nor scheme has one, it is "face_size", the square root of the face
        box's area.
        """
        given = {name: None for face in self.faces for name in face.distances}
        names = [*dict.fromkeys([*given, *self.scheme.normalizers])] or ["face_size"]
        return sorted(names, key=lambda name: name != self.normalizer)

    def __len__(self) -> int:
        return len(self.faces)

    def sample(self, count: int) -> "FaceSet":
        """`count` of the faces, evenly over the set, or all where there are fewer."""
        return replace(self, faces=[self.faces[index] for index in evenly(len(self), count)])

    def split(self, fraction: float, salt: str = "validation") -> "tuple[FaceSet, FaceSet]":
        """Divides by group into the rest and about `fraction` of the faces.

        A group falls on its side by a hash of its name, so the division stays the same when other
        faces come or go.

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
