"""Verification of a downloaded dataset against its card."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from keras_fld._internal.files import message_in, write_json
from keras_fld._internal.images import has_rotation_tag, save_image
from keras_fld._internal.progress import counting
from keras_fld._internal.threads import in_threads
from keras_fld.data import catalog, contact_sheet
from keras_fld.data.faces import Absent
from keras_fld.data.prepared.reading import is_prepared
from keras_fld.data.readers.sources import BadCall

# A face with a larger share of its landmarks outside the photograph belongs to another photograph.
OUTSIDE = 0.5
# What tools write for "not annotated", 0- or 1-based: (0, 0) and (-1, -1).
_CORNERS = {(0.0, 0.0), (-1.0, -1.0), (-2.0, -2.0)}


@dataclass
class Part:
    """Findings about one split.

    Args:
        split: name of the split.
        faces: number of annotated faces that can be read.
        official: number of faces in the release, or None.
        bad: one sentence for each error.
        missing: one sentence for each missing part.
        outside: number of landmarks outside their photograph.
        worst: the farthest of them: its distance from the edge in pixels, and its face's name.
        notes: sentences on how the files were read.
        turned: number of photographs with a rotation tag.
        cornered: number of landmarks at exactly (0, 0), (-1, -1) or (-2, -2), which some tools
            write for "not annotated".
        samples: faces for the contact sheet, each a (TILE, TILE, 3) uint8 picture.
    """

    split: str
    faces: int = 0
    official: int | None = None
    bad: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    outside: int = 0
    worst: tuple[float, str] = (0.0, "")
    notes: list[str] = field(default_factory=list)
    turned: int = 0
    cornered: int = 0
    samples: list[np.ndarray] = field(default_factory=list, repr=False)


@dataclass
class Check:
    """Result of `check`; `print` shows it as a report.

    Args:
        dataset: name of the dataset.
        card: path of its card in the repository.
        parts: a `Part` for each split.
        duplicates: one sentence for each duplicate face.
    """

    dataset: str
    card: str
    parts: list[Part]
    duplicates: list[str]

    @property
    def good(self) -> bool:
        """Whether the files present have no errors; missing and duplicate faces do not count."""
        return any(part.faces for part in self.parts) and not any(part.bad for part in self.parts)

    def __str__(self) -> str:
        lines = [f"{self.dataset}, card {self.card}"]
        for part in self.parts:
            of = "" if part.official is None else f" of {part.official} official"
            lines.append(f"{part.split}: {part.faces}{of} faces, {len(part.bad)} bad")
            if part.outside:
                distance, name = part.worst
                lines.append(
                    f"  {part.outside} landmarks outside their images, "
                    f"the farthest by {distance:.1f} px ({name})"
                )
            if part.turned:
                lines.append(
                    f"  warning: photographs with a rotation tag: {part.turned}; they are read "
                    "upright, as viewers show them, so landmarks must refer to the upright image"
                )
            if part.cornered:
                lines.append(
                    f"  warning: landmarks at exactly (0, 0), (-1, -1) or (-2, -2): {part.cornered}"
                    "; they are used as they are. Write null or an empty cell for not annotated"
                )
            lines += [f"  note: {sentence}" for sentence in part.notes]
            lines += [f"  missing: {sentence}" for sentence in part.missing]
            lines += [f"  bad: {sentence}" for sentence in part.bad]
        lines += [f"duplicate: {sentence}" for sentence in self.duplicates]
        verdict = "OK: no bad faces" if self.good else "FAILED: see the lines marked bad"
        if not any(part.faces or part.bad for part in self.parts):
            verdict = f"no faces of {self.dataset} found: see the folder tree in its card"
        lines.append(verdict)
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Returns the report as a dictionary for JSON."""
        return {
            "dataset": self.dataset,
            "card": self.card,
            "good": self.good,
            "splits": [
                {
                    "split": part.split,
                    "faces": part.faces,
                    "official": part.official,
                    "missing": part.missing,
                    "bad": part.bad,
                    "notes": part.notes,
                    "rotation_tags": part.turned,
                    "landmarks_in_the_corner": part.cornered,
                    "landmarks_outside": part.outside,
                    "farthest_outside": {"pixels": round(part.worst[0], 3), "face": part.worst[1]},
                }
                for part in self.parts
            ],
            "duplicates": self.duplicates,
        }

    def save(self, path: str | Path) -> None:
        """Writes the report as JSON."""
        write_json(path, self.as_dict())

    def save_sheet(self, path: str | Path) -> None:
        """Writes the contact sheet: one or more rows of faces with landmarks for each split.

        Raises:
            ValueError: no face can be drawn, or the file cannot be written.
        """
        rows = [row for part in self.parts for row in contact_sheet.rows(part)]
        if not rows:
            raise ValueError(f"{path}: no face of {self.dataset} can be drawn")
        save_image(path, np.concatenate(rows))


def check(
    name: str,
    root: str | Path | None = None,
    per_split: int = 2 * contact_sheet.COLUMNS,
    **options: Any,
) -> Check:
    """Verifies the files of a dataset.

    Every photograph is read. Errors are damaged annotations and photographs, faces whose box or
    most landmarks lie outside the photograph, and more faces than in the release. The report
    also lists single landmarks outside the photograph and duplicate faces, because releases contain
    them; photographs with a rotation tag, which are read upright; and landmarks at exactly (0, 0)
    or (-1, -1).

    Args:
        name: a key of `DATASETS`.
        root: folder of the dataset, or the file of your own data.
        per_split: number of faces of each split on the contact sheet.
        **options: options of the dataset's reader.

    Returns:
        A `Check`.

    Raises:
        ValueError: the name is unknown, or the folder does not exist.

    Examples:
        >>> print(check("300w", "300w"))
    """
    dataset = catalog.get(name)
    if is_prepared(root):
        raise ValueError(
            f"{root}: already prepared, and its checksums are verified whenever it is read; "
            "check the folder it was prepared from"
        )
    whole = dataset.parts or (dataset.train, *dataset.tests)
    parts: list[Part] = []
    digests: dict[str, bytes] = {}
    for split in dict.fromkeys((*whole, *dataset.official)):
        # The photographs of the remaining splits are part of a split that is read.
        part, found = _part(name, root, split, per_split, split in whole, options)
        parts.append(part)
        digests |= found
    return Check(name, dataset.card, parts, _duplicates(digests))


def _part(name, root, split, per_split, photographs, options):
    """Returns a split's `Part`, and the digest of each face whose photograph is read."""
    part = Part(split, official=catalog.get(name).official.get(split))
    try:
        faces = catalog.read(name, root, split, skip_bad=True, **options)
    except Absent as error:
        part.missing.append(message_in(root, error))
        return part, {}
    except BadCall:
        raise
    except ValueError as error:
        part.bad.append(message_in(root, error))
        return part, {}
    part.faces = len(faces)
    part.missing += [*faces.missing, *faces.absent]
    part.notes += faces.notes
    if part.official is not None and len(faces) > part.official:
        part.bad.append(f"{len(faces)} faces, more than the official {part.official}")
    if not photographs:
        return part, {}
    part.bad += faces.skipped
    drawn = {id(face) for face in faces.sample(per_split).faces}
    digests, turned = {}, set()
    with counting("reading faces", len(faces)) as done:
        for face, look in in_threads(lambda f: _look(f, faces.scheme, id(f) in drawn), faces.faces):
            done(1)
            try:
                found = look()
            except ValueError as error:
                part.bad.append(message_in(faces.root, error))
                part.faces -= 1
                continue
            digests[f"{split} {face.name}"] = found.digest
            if found.turned:
                turned.add(face.source)
            part.cornered += found.cornered
            part.outside += found.outside
            part.worst = max(part.worst, (found.farthest, face.name))
            if found.picture is not None:
                part.samples.append(found.picture)
    part.turned = len(turned)
    return part, digests


def _duplicates(digests):
    """One sentence for each face with the same digest as an earlier one."""
    first: dict[bytes, str] = {}
    for place, digest in digests.items():
        first.setdefault(digest, place)
    pairs = ((place, first[digest]) for place, digest in digests.items())
    return [f"{place} is {earlier}" for place, earlier in pairs if place != earlier]


@dataclass
class _Found:
    """Findings about one face and its photograph."""

    outside: int
    farthest: float
    turned: bool
    cornered: int
    digest: bytes
    picture: np.ndarray | None


def _look(face, scheme, draw):
    """Checks one face; raises ValueError if it is bad."""
    image = face.image()
    turned = isinstance(face.source, Path) and has_rotation_tag(face.source)
    rule = "; the photograph was rotated by its tag, as in viewers" if turned else ""
    edge = np.array([image.shape[1], image.shape[0]]) - 0.5  # pixel centers are whole numbers
    beyond = np.maximum(-0.5 - face.landmarks, face.landmarks - edge).max(axis=-1)
    beyond = beyond[~np.isnan(beyond)]
    corner, side = face.box[:2], face.box[2:]
    if (corner >= edge).any() or (corner + side <= -0.5).any():
        raise ValueError(f"{face.name}: the face box lies outside the image{rule}")
    if (beyond > 0).mean() > OUTSIDE:
        raise ValueError(
            f"{face.name}: {(beyond > 0).sum()} of {len(beyond)} landmarks lie outside the "
            f"image, the farthest by {beyond.max():.1f} px{rule}"
        )
    # Until Python 3.12, NumPy's stubs do not declare arrays as buffers.
    pixels = np.ascontiguousarray(image)
    digest = hashlib.blake2b(pixels, digest_size=16)  # type: ignore[arg-type]
    digest.update(np.round(face.landmarks, 2).tobytes())
    return _Found(
        outside=int((beyond > 0).sum()),
        farthest=max(0.0, float(beyond.max())),
        turned=turned,
        cornered=sum(tuple(point) in _CORNERS for point in face.landmarks.tolist()),
        digest=digest.digest(),
        picture=contact_sheet.tile(face, image, scheme) if draw else None,
    )
