"""Preparation: crops a dataset's faces from their photographs once, into a folder of shards.

    manifest.json                       contents, with counts and checksums; written last
    train-00000-of-00007.tfrecord       faces, see `shards`
    train-00000-of-00007.json           record of a finished shard, until the manifest is written

Each shard is written by one process and depends only on its own faces. The files therefore do not
depend on the number of processes, and memory usage does not grow with the dataset. An interrupted
preparation continues with the incomplete shards.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from keras_fld._internal.files import printable, read_json, write_json
from keras_fld._internal.progress import counting
from keras_fld.data.faces import FaceSet
from keras_fld.data.prepared.beam import run_on_beam
from keras_fld.data.prepared.jobs import Job, run
from keras_fld.data.prepared.reading import FORMAT, MANIFEST
from keras_fld.geometry.frame import FaceCrop
from keras_fld.schemes import registry

_PLAN = "plan.json"
# A shard or its record.
_SHARD = re.compile(r"-\d{5}-of-\d{5}\.(tfrecord|json)$")
# At the default frame, 60 MB of training crops.
FACES_PER_SHARD = 512


@dataclass(frozen=True)
class Part:
    """One split to prepare.

    Args:
        split: name of the split.
        faces: its `FaceSet`. The faces may be any sequence, also one that creates each face on
            demand; a slice of it must be picklable.
        wide: whether to store the larger crops for augmentation, as for a training split.
    """

    split: str
    faces: FaceSet
    wide: bool


def prepare(
    dataset: str,
    parts: Sequence[Part],
    out: str | Path,
    frame: FaceCrop | None = None,
    faces_per_shard: int = FACES_PER_SHARD,
    processes: int = 1,
    skip_bad: bool = False,
    options: dict[str, Any] | None = None,
    beam: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Prepares splits of a dataset, or continues an interrupted preparation.

    Args:
        dataset: name of the dataset.
        parts: a `Part` for each split.
        out: output folder.
        frame: the model's `FaceCrop`; None uses the default.
        faces_per_shard: number of faces in a file.
        processes: number of processes. If it is above 1, the main part of a script must be under
            `if __name__ == "__main__":`, as multiprocessing requires.
        skip_bad: skip faces whose photograph cannot be read, and list them.
        options: options of the reader, which are stored in the manifest.
        beam: command-line options of Apache Beam, such as ["--runner=FlinkRunner"], to write the
            same shards with Beam's workers. Every worker must see `out` and the photographs under
            the same path. An empty list uses `processes` on this machine, None does not use Beam.
            All shards are tried before an error is raised.

    Returns:
        The manifest as a dictionary.

    Raises:
        ImportError: Apache Beam is requested, but not installed.
        ValueError: a photograph cannot be read, or the folder cannot be written or contains another
            preparation or other files.

    Examples:
        >>> faces = read("300w", "300w", "train")
        >>> prepare("300w", [Part("train", faces, wide=True)], "300w_prepared", processes=2)
    """
    for name, value in (("faces_per_shard", faces_per_shard), ("processes", processes)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1. Got: {value}")
    out, frame = Path(out), frame or FaceCrop()
    plan = _plan(dataset, parts, frame, faces_per_shard, skip_bad, options or {})
    records = _begin(out, json.loads(json.dumps(plan)))
    jobs = [
        job for part in parts for job in _jobs(part, out, frame, faces_per_shard, skip_bad, records)
    ]
    done = run(jobs, processes) if beam is None else run_on_beam(jobs, processes, beam)
    with counting("preparing faces", sum(len(job.faces) for job in jobs)) as count:
        for job, record in done:
            records[job.path.name] = record
            count(len(job.faces))
    _finish(out, plan, jobs, records)
    return plan


def _jobs(part, out, frame, faces_per_shard, skip_bad, records):
    """Creates the jobs of a split, one for each shard."""
    starts = range(0, len(part.faces), faces_per_shard)
    for number, start in enumerate(starts):
        name = f"{part.split}-{number:05d}-of-{len(starts):05d}.tfrecord"
        yield Job(
            split=part.split,
            path=out / name,
            faces=part.faces.faces[start : start + faces_per_shard],
            frame=frame,
            wide=part.wide,
            skip_bad=skip_bad,
            record=records.get(name),
            root=part.faces.root,
        )


def _finish(out, plan, jobs, records):
    """Writes the manifest from the plan and the shards' records, and removes both."""
    for split, about in plan["splits"].items():
        about["shards"] = [records[job.path.name] for job in jobs if job.split == split]
        if not any(shard["faces"] for shard in about["shards"]):
            raise ValueError(f"{about['name']}: no face could be read")
    write_json(out / MANIFEST, plan)
    for path in (*(job.sidecar for job in jobs), out / _PLAN):
        path.unlink(missing_ok=True)


def _plan(dataset, parts, frame, faces_per_shard, skip_bad, options):
    """Returns everything that determines the files: the manifest without the shards' records."""
    return {
        "format": FORMAT,
        "dataset": dataset,
        "options": options,
        "frame": asdict(frame),
        "faces_per_shard": faces_per_shard,
        "skip_bad": skip_bad,
        "splits": {part.split: _describe(part) for part in parts},
    }


def _describe(part):
    """Returns what determines a split's shards, and the other attributes of its `FaceSet`."""
    found = part.faces
    return {
        "name": found.name,
        "scheme": registry.reference(found.scheme),
        "faces": len(found),
        "wide": part.wide,
        "missing": found.missing,
        "absent": found.absent,
        "skipped": found.skipped,
        "normalizer": found.normalizer,
        "attributes": list(found.attributes),
        "fingerprint": _fingerprint(found.faces),
    }


def _fingerprint(faces):
    """Hashes the annotations and the sizes of the photographs, to detect changes since the start.

    A sequence that creates its faces on demand is identified by its own description.
    """
    hashing = hashlib.sha256()
    if not isinstance(faces, list):
        hashing.update(repr(faces).encode())
        return hashing.hexdigest()
    for face in faces:
        size = -1
        if isinstance(face.source, Path) and face.source.is_file():
            size = face.source.stat().st_size
        about = [face.name, face.group, sorted(face.attributes), sorted(face.distances.items())]
        hashing.update(repr([*about, size]).encode())
        for array in (face.landmarks, face.box, face.occluded, face.weights):
            if array is not None:
                hashing.update(array.tobytes())
    return hashing.hexdigest()


def _check_empty(out):
    """Raises ValueError for a folder of other files, such as the photographs.

    Hidden files do not count: systems put them into any folder.
    """
    names = [path.name for path in out.iterdir()] if out.is_dir() else []
    others = sorted(name for name in names if not (name.startswith(".") or _SHARD.search(name)))
    if others:
        raise ValueError(
            f"{out}: prepared faces need a folder of their own, new or empty. "
            f"Got: a folder that contains {printable(others[0])}"
        )


def _begin(out, plan):
    """Writes the plan to the folder, or checks that the folder's plan is the same.

    Returns:
        The shards' records by file, if the folder contains a complete preparation.
    """
    records: dict[str, dict] = {}
    for name in (_PLAN, MANIFEST):
        path = out / name
        if not path.is_file():
            continue
        found = read_json(path)
        try:
            for part in found["splits"].values():
                records |= {shard["file"]: shard for shard in part.pop("shards", [])}
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ValueError(f"{path}: not of this package ({error})") from error
        for key, value in plan.items():
            if found.get(key) != value:
                raise ValueError(
                    f"{out}: contains a preparation with another {key}; choose another folder, or "
                    "use the same options and data to continue"
                )
    if out.is_dir():
        for rest in out.glob(".unfinished.*"):  # of a killed process
            rest.unlink(missing_ok=True)
    if not any((out / name).is_file() for name in (_PLAN, MANIFEST)):
        _check_empty(out)
    if not (out / MANIFEST).is_file():
        write_json(out / _PLAN, plan)
    return records
