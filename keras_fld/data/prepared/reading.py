"""Reads a folder of prepared faces, written by `prepare`."""

from pathlib import Path

from keras_fld import schemes
from keras_fld._internal.files import FileError, read_json
from keras_fld.data.faces import Absent, FaceSet
from keras_fld.data.prepared.shards import read_shard
from keras_fld.data.readers import sources
from keras_fld.geometry.frame import FaceCrop

MANIFEST = "manifest.json"
FORMAT = 1


def is_prepared(root):
    """Whether a folder contains prepared faces."""
    return bool(root) and (Path(root) / MANIFEST).is_file()


def read_prepared(root, split="train", dataset=None, options=None):
    """Reads the faces of a prepared folder, with memory-mapped crops.

    Every shard is read once to verify its checksums, at about the speed of the disk. Later, crops
    are read on demand, and the operating system caches them. The set may be larger than the memory.

    Args:
        root: the folder.
        split: name of the split.
        dataset: required name of the dataset; None accepts any.
        options: required options of the reader; None accepts any.

    Returns:
        A `FaceSet`. Its faces have crops instead of photographs, which `crops.training_crops` and
        `crops.model_crops` return for the prepared frame.

    Raises:
        Absent: a ValueError: the split was not prepared.
        ValueError: the manifest or a shard is missing, damaged, or of another dataset. The message
            names the file.

    Examples:
        >>> data = training_crops(read_prepared("300w_prepared"), FaceCrop())
    """
    root = Path(root)
    manifest = read_manifest(root)
    path = root / MANIFEST
    if dataset is not None and dataset != manifest["dataset"]:
        raise FileError(path, f"contains the {manifest['dataset']} dataset. Got: {dataset!r}")
    if options and options != manifest["options"]:
        raise FileError(path, f"prepared with options {manifest['options']}. Got: {options}")
    if split not in manifest["splits"]:
        known = ", ".join(manifest["splits"])
        raise Absent(path, f"split must be one of the prepared {known}. Got: {split!r}")
    part, frame = manifest["splits"][split], FaceCrop(**manifest["frame"])
    try:
        scheme = schemes.get(part["scheme"])
        files = [_file(root, shard["file"]) for shard in part["shards"]]
    except ValueError as error:
        raise FileError(path, str(error)) from error
    faces = []
    for file, shard in zip(files, part["shards"], strict=True):
        faces += _shard_faces(file, frame, shard["faces"], scheme)
    skipped = [sentence for shard in part["shards"] for sentence in shard["skipped"]]
    return FaceSet(
        name=part["name"],
        scheme=scheme,
        faces=faces,
        missing=part["missing"],
        skipped=part["skipped"] + skipped,
        normalizer=part["normalizer"],
        attributes=tuple(part["attributes"]),
        absent=part["absent"],
    )


def _shard_faces(file, frame, count, scheme):
    """Reads the faces of a shard, and checks their number and their number of landmarks."""
    faces = read_shard(file, frame)
    if len(faces) != count:
        raise FileError(file, f"must contain the manifest's {count} faces. Got: {len(faces)}")
    if any(len(face.landmarks) != scheme.num_landmarks for face in faces):
        raise FileError(file, f"a face must have {scheme.num_landmarks} landmarks")
    return faces


def read_manifest(root):
    """Reads the manifest of a prepared folder.

    Raises:
        ValueError: the manifest is missing, has another format, or is damaged.
    """
    path = Path(root) / MANIFEST
    manifest = read_json(path)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise FileError(path, f"not a manifest of prepared faces in format {FORMAT}")
    try:
        _check(manifest)
    except ValueError as error:
        raise FileError(path, f"the manifest is damaged: {error}") from error
    return manifest


def _file(root, name):
    try:
        return sources.inside(root, name)
    except sources.NoImage:
        return root / name  # reported when it is read
    except ValueError as error:
        raise ValueError(f"a shard must be a file inside the folder. Got: {name!r}") from error


_SENTENCES = "missing", "absent", "skipped"
_WORD, _LIST, _TABLE = (str, "a text"), (list, "a list"), (dict, "an object")


def _check(manifest):
    """Raises ValueError for an entry that `prepare` would not write."""
    _entries(manifest, {"dataset": _WORD, "options": _TABLE, "frame": _TABLE, "splits": _TABLE})
    frame = manifest["frame"]
    _entries(frame, {"size": (int, "a number"), "margin": ((int, float), "a number")})
    if len(frame) != 2 or not 0 < frame["size"] < 2**15 or not 0 < frame["margin"] < 2**15:
        raise ValueError(f"frame must have a size and a margin above 0. Got: {frame}"[:200])
    for part in manifest["splits"].values():
        if isinstance(part, dict):
            part.setdefault("absent", [])  # folders prepared by earlier versions
        kinds = {"name": _WORD, "scheme": ((str, dict), "a scheme"), "normalizer": _WORD}
        _entries(part, kinds | dict.fromkeys((*_SENTENCES, "attributes", "shards"), _LIST))
        for name in (*_SENTENCES, "attributes"):
            _words(part, name)
        for shard in part["shards"]:
            _entries(shard, {"file": _WORD, "faces": (int, "a number"), "skipped": _LIST})
            _words(shard, "skipped")


def _entries(table, kinds):
    if not isinstance(table, dict):
        raise ValueError(f"an entry must be an object. Got: {table!r}"[:200])
    for name, (kind, rule) in kinds.items():
        value = table.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"{name} must be {rule}. Got: {value!r}"[:200])


def _words(table, name):
    if not all(isinstance(value, str) for value in table[name]):
        raise ValueError(f"{name} must be texts. Got: {table[name]!r}"[:200])
