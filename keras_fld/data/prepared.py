"""Reading a folder of prepared faces; `prepare` writes it."""

from pathlib import Path

from keras_fld import schemes
from keras_fld.data.faces import Absent, FaceSet
from keras_fld.data.geometry import Frame
from keras_fld.data.shards import read_shard
from keras_fld.files import read_json

MANIFEST = "manifest.json"
FORMAT = 1


def is_prepared(root):
    """Whether a folder holds prepared faces."""
    return bool(root) and (Path(root) / MANIFEST).is_file()


def read_prepared(root, split="train", dataset=None, options=None):
    """The faces of a prepared folder, their crops memory-mapped.

    Every shard is read once and its checksums compared, at about the disk's speed. Crops are then
    read from the files when they are used, and the system keeps what fits in memory: sets larger
    than it work too.

    Args:
        root: the folder.
        split: name of the split.
        dataset: what the folder must hold; None takes anything.
        options: options of the reader that it must have been prepared with; None takes any.

    Returns:
        A `FaceSet`. Its faces have no photographs: `crops.training_crops` and `model_crops` give
        what was cut, for the frame that it was prepared for.

    Raises:
        Absent: a ValueError: the split was not prepared.
        ValueError: the manifest or a shard is missing, damaged, or of another dataset; the message
            names it.

    Example:
        >>> data = training_crops(read_prepared("300w_prepared"), Frame())
    """
    root = Path(root)
    manifest = read_manifest(root)
    path = root / MANIFEST
    if dataset is not None and dataset != manifest["dataset"]:
        raise ValueError(f"{path}: holds the {manifest['dataset']} dataset. Got: {dataset!r}")
    if options and options != manifest["options"]:
        raise ValueError(f"{path}: prepared with options {manifest['options']}. Got: {options}")
    if split not in manifest["splits"]:
        known = ", ".join(manifest["splits"])
        raise Absent(f"{path}: split must be one of the prepared {known}. Got: {split!r}")
    part, frame = manifest["splits"][split], Frame(**manifest["frame"])
    faces = []
    for shard in part["shards"]:
        found = read_shard(root / shard["file"], frame)
        if len(found) != shard["faces"]:
            raise ValueError(
                f"{root / shard['file']}: must hold the manifest's {shard['faces']} faces. "
                f"Got: {len(found)}"
            )
        faces += found
    skipped = [sentence for shard in part["shards"] for sentence in shard["skipped"]]
    return FaceSet(
        name=part["name"],
        scheme=schemes.get(part["scheme"]),
        faces=faces,
        missing=part["missing"],
        skipped=part["skipped"] + skipped,
        normalizer=part["normalizer"],
        attributes=tuple(part["attributes"]),
    )


def read_manifest(root):
    """The manifest of a prepared folder.

    Raises:
        ValueError: there is none, or it is not one of this package's.
    """
    path = Path(root) / MANIFEST
    manifest = read_json(path)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ValueError(f"{path}: not a manifest of prepared faces of format {FORMAT}")
    return manifest
