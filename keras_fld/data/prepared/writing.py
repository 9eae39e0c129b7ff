"""Preparation: a dataset's faces, cut out of their photographs once, in a folder of shards.

    manifest.json                       what is there, with counts and checksums; written last
    train-00000-of-00007.tfrecord       faces, as `shards` describes them
    train-00000-of-00007.json           a finished shard's record, until the manifest has them all

A shard is made by one process from its own faces alone, so the files do not depend on the number
of processes, and memory does not grow with the dataset. An interrupted preparation goes on with the
shards that are not whole.
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
# 60 MB of training crops at the default frame.
FACES_PER_SHARD = 512


@dataclass(frozen=True)
class Part:
    """One split to prepare.

    Args:
        split: its name.
        faces: its `FaceSet`, whose faces may be any sequence, such as one that makes each face
            when asked; a slice of it must be picklable.
        wide: whether augmented crops will be drawn from it, as of a training split.
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
    """Prepares splits of a dataset, or finishes what an interrupted call left.

    Args:
        dataset: name of the dataset.
        parts: a `Part` for each split.
        out: folder for the files.
        frame: the model's `FaceCrop`; None takes the default.
        faces_per_shard: faces in a file.
        processes: how many work at a time; with more than one, a script must have its main part
            under `if __name__ == "__main__":`, as Python's multiprocessing demands.
        skip_bad: leave faces whose photograph cannot be read out and list them.
        options: options of the reader, which the manifest notes.
        beam: options of Apache Beam, a list such as ["--runner=FlinkRunner"], whose workers then
            write the shards: the same bytes. `out` and the photographs must lie where every worker
            sees them under the same path. An empty list takes `processes` of this machine, None
            no Beam. All shards are tried before an error is raised.

    Returns:
        The manifest as a dictionary.

    Raises:
        ImportError: Apache Beam is asked for, but not installed.
        ValueError: a photograph cannot be read, the folder cannot be written, or holds another
            preparation or other files.

    Examples:
        >>> faces = read("300w", root, "train")
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
    """The jobs of a split, one a shard."""
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
    """Writes the plan with the shards' records as the manifest, which takes the place of both."""
    for split, about in plan["splits"].items():
        about["shards"] = [records[job.path.name] for job in jobs if job.split == split]
        if not any(shard["faces"] for shard in about["shards"]):
            raise ValueError(f"{about['name']}: no face could be read")
    write_json(out / MANIFEST, plan)
    for path in (*(job.sidecar for job in jobs), out / _PLAN):
        path.unlink(missing_ok=True)


def _plan(dataset, parts, frame, faces_per_shard, skip_bad, options):
    """What decides the files: the manifest, but for the shards' records."""
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
    """What decides a split's shards, and what its `FaceSet` says beside the faces."""
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
    """A hash of the annotations and of the photographs' sizes, so that a preparation does not go
    on after they changed. A sequence that makes its faces is known by its own description.
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
    """Notes the plan in the folder, or sees that it is the one noted there.

    Returns:
        The shards' records by file, where the folder holds a whole preparation.
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
                    f"{out}: holds a preparation with another {key}; choose another folder, or "
                    "the same options and data to continue"
                )
    if out.is_dir():
        for rest in out.glob(".unfinished.*"):  # of a process that was killed
            rest.unlink(missing_ok=True)
    if not any((out / name).is_file() for name in (_PLAN, MANIFEST)):
        _check_empty(out)
    if not (out / MANIFEST).is_file():
        write_json(out / _PLAN, plan)
    return records
