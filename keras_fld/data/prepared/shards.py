"""One shard of prepared faces: a TFRecord file with an Example for each face.

    face        JSON: name, group, box, distances and attributes of a `Face`
    landmarks   floats: x and y of each landmark in photograph pixels, NaN where not annotated
    occluded    0 or 1 for each landmark, if annotated
    weights     floats: factor of each landmark's error in training, if it is not 1
    crop        raw RGB bytes (size, size, 3): the model's crop
    wide        raw RGB bytes: the larger crop for augmentation, only for training

Both crops are identical to those of `crops.model_crops` and `crops.training_crops`.
`FaceCrop.matrix` computes the mapping from photograph to crop from the box.
"""

import hashlib
import json
import mmap
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_fld._internal.files import FileError, message_in, reason, replacing
from keras_fld.data.crops import cut_face, wide_frame
from keras_fld.data.faces import Face, PreparedSource
from keras_fld.data.prepared.records import (
    decode_example,
    encode_example,
    read_records,
    write_record,
)
from keras_fld.data.readers.sources import check_points
from keras_fld.geometry.frame import FaceCrop, check_box


@dataclass(frozen=True)
class StoredCrops(PreparedSource):
    """Crops of a prepared face in a memory-mapped shard.

    Args:
        shard: name of the shard.
        frame: the model's `FaceCrop`.
        crops: dictionary from the side of a crop in pixels to its memoryview.
    """

    shard: str
    frame: FaceCrop
    crops: dict[int, memoryview]

    def __call__(self):
        raise ValueError(f"{self.shard}: prepared faces have crops, but no photographs")

    def cut(self, cut_frame, frame):
        """Returns the crop of a frame, without copying it."""
        if frame != self.frame:
            raise ValueError(f"{self.shard}: prepared for {self.frame}. Got: {frame}")
        size = cut_frame.size
        if size not in self.crops:
            raise ValueError(
                f"{self.shard}: prepared without the larger crops that augmentation needs"
            )
        return np.frombuffer(self.crops[size], np.uint8).reshape(size, size, 3)


def write_shard(faces, frame, path, wide, skip_bad=False, root=None):
    """Crops faces from their photographs and writes a shard, one unit of work of a preparation.

    The bytes of the file depend only on the arguments, so any process or machine can write it.

    Args:
        faces: `Face`s, read one at a time.
        frame: the model's `FaceCrop`.
        path: the file, which is replaced as a whole.
        wide: also store the larger crops for augmentation.
        skip_bad: skip faces whose photograph cannot be read, and list them.
        root: folder of the dataset, to which paths in that list are relative.

    Returns:
        A dictionary with the name of the file, its `faces`, `bytes` and `sha256`, and `skipped`,
        one sentence for each skipped face.

    Raises:
        ValueError: a photograph cannot be read and `skip_bad` is False.
    """
    path, count, skipped = Path(path), 0, []
    with replacing(path) as temporary, temporary.open("wb") as file:
        hashing = _Hashing(file)
        for face in faces:
            try:
                data = _encode(face, frame, wide)
            except ValueError as error:
                if not skip_bad:
                    raise
                skipped.append(message_in(root, error))
                continue
            write_record(hashing, data)
            count += 1
    return {"file": path.name, "faces": count, **hashing.summary(), "skipped": skipped}


def read_shard(path, frame):
    """Reads the faces of a shard, with memory-mapped crops.

    Args:
        path: the file.
        frame: the model's `FaceCrop` for which it was prepared.

    Returns:
        A list of `Face`, with a `StoredCrops` as `source`.

    Raises:
        ValueError: the file cannot be read, is truncated or damaged, or was prepared for another
            frame. The message names the file.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            # An empty file cannot be memory-mapped.
            empty = not path.stat().st_size
            content = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise FileError(path, reason(error)) from error
    faces = []
    for number, data in enumerate(read_records(content, path)):
        try:
            faces.append(_decode(decode_example(data), path, frame))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            rule = f"not a prepared face ({error})"
            raise FileError(path, rule, f"record {number}") from error
    return faces


def summary(path):
    """Returns size and SHA-256 of a file as a dictionary; None if it does not exist."""
    if not path.is_file():
        return None
    hashing = _Hashing()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            hashing.write(block)
    return hashing.summary()


class _Hashing:
    """Counts and hashes bytes, and writes them to a file."""

    def __init__(self, file=None):
        self._file, self._bytes, self._hash = file, 0, hashlib.sha256()

    def write(self, data):
        self._bytes += len(data)
        self._hash.update(data)
        if self._file:
            self._file.write(data)

    def summary(self):
        return {"bytes": self._bytes, "sha256": self._hash.hexdigest()}


def _encode(face, frame, wide):
    image = face.image()
    about = {
        "name": face.name,
        "group": face.group,
        "box": [float(value) for value in face.box],
        "distances": {key: float(value) for key, value in face.distances.items()},
        "attributes": sorted(face.attributes),
    }
    features = {
        "face": json.dumps(about, sort_keys=True).encode(),
        "landmarks": np.asarray(face.landmarks, np.float32).ravel(),
        "crop": cut_face(face, image, frame).tobytes(),
    }
    if face.occluded is not None:
        features["occluded"] = np.asarray(face.occluded, int)
    if face.weights is not None:
        features["weights"] = np.asarray(face.weights, np.float32)
    if wide:
        features["wide"] = cut_face(face, image, wide_frame(frame)).tobytes()
    return encode_example(features)


def _decode(features, path, frame):
    about = json.loads(bytes(features["face"]))
    sizes = {"crop": frame.size, "wide": wide_frame(frame).size}
    crops = {sizes[key]: features[key] for key in ("crop", "wide") if key in features}
    for size, view in crops.items():
        if len(view) != 3 * size * size:
            raise ValueError(f"a crop must be {size} x {size} pixels. Got: {len(view)} bytes")
    if frame.size not in crops:
        raise ValueError("the crop is missing")
    landmarks, occluded = features["landmarks"].reshape(-1, 2), features.get("occluded")
    if occluded is not None and occluded.shape != landmarks.shape[:1]:
        raise ValueError(f"occluded must be {len(landmarks)} flags. Got: {occluded.shape}")
    weights = features.get("weights")
    if weights is not None and (weights.shape != landmarks.shape[:1] or not (weights >= 0).all()):
        raise ValueError(f"weights must be {len(landmarks)} numbers >= 0. Got: {weights}"[:200])
    distances = {key: float(value) for key, value in about["distances"].items()}
    if not all(0 < value < np.inf for value in distances.values()):
        raise ValueError(f"a distance must be above 0 pixels. Got: {distances}")
    return Face(
        name=_word(about["name"]),
        source=StoredCrops(path.name, frame, crops),
        landmarks=check_points(landmarks),
        box=check_box(np.array(about["box"], float)),
        group=_word(about["group"]),
        occluded=None if occluded is None else occluded.astype(bool),
        distances=distances,
        attributes=frozenset(map(_word, about["attributes"])),
        weights=weights,
    )


def _word(value):
    if not isinstance(value, str):
        raise ValueError(f"a name must be a text. Got: {value!r}"[:200])
    return value
