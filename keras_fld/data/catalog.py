"""The datasets by name."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

from keras_fld.data import ibug300w, synthetic_set
from keras_fld.data.geometry import Frame


@dataclass(frozen=True)
class Dataset:
    """A dataset that the package reads.

    Args:
        read: function of (root, split, skip_bad) that returns a `FaceSet`.
        train: name of the training split.
        tests: names of the test splits that `evaluate` reports, where present.
    """

    read: Callable
    train: str
    tests: tuple[str, ...]


DATASETS = {
    "300w": Dataset(ibug300w.read, "train", ("common", "challenge", "full")),
    "synthetic": Dataset(synthetic_set.read, "train", ("test",)),
}


def find(name):
    """The `Dataset` of that name; raises ValueError when there is none."""
    if name not in DATASETS:
        raise ValueError(f"dataset must be one of {', '.join(DATASETS)}. Got: {name!r}")
    return DATASETS[name]


def read(name, root=None, split="train", skip_bad=False):
    """Reads the faces of one split, without opening the images.

    Args:
        name: "300w" or "synthetic".
        root: folder of the dataset; the synthetic one needs none.
        split: name of the split.
        skip_bad: leave bad files out and list them, instead of stopping at the first.

    Returns:
        A `FaceSet`.

    Raises:
        ValueError: an unknown name or split, an empty folder, or a bad file.

    Example:
        >>> faces = read("300w", root, "common")
    """
    return find(name).read(root, split, skip_bad)


def load(
    name,
    root=None,
    split="train",
    augment=None,
    frame=None,
    batch_size=32,
    seed=0,
    skip_bad=False,
):
    """Batches of one split as a `tf.data.Dataset`.

    Args:
        name: "300w" or "synthetic".
        root: folder of the dataset.
        split: name of the split.
        augment: True, False, an `Augmentation`, or None to augment the training split only.
        frame: the model's `Frame`; None takes the default.
        batch_size: faces in a batch.
        seed: seed of order and augmentation.
        skip_bad: leave bad files out, with a warning each, instead of stopping at the first.

    Returns:
        Batches of images (batch, size, size, 3) uint8 and landmarks (batch, landmarks, 2) float32
        pixels of the crop. Each iteration over augmented ones is a new epoch.

    Raises:
        ValueError: as `read`, or an image cannot be read.

    Example:
        >>> train = keras_fld.data.load("300w", root, split="train")
        >>> model.fit(train, epochs=10)
    """
    from keras_fld.data import crops, pipeline

    faces = read(name, root, split, skip_bad)
    frame = frame or Frame()
    if augment is None:
        augment = split == find(name).train
    if augment is False:
        data = crops.model_crops(faces, frame, skip_bad)
    else:
        data = crops.training_crops(faces, frame, skip_bad)
    for sentence in faces.skipped + data.skipped:
        warnings.warn(f"skipped: {sentence}", stacklevel=2)
    if augment is False:
        return pipeline.plain_dataset(data, batch_size)
    return pipeline.training_dataset(data, batch_size, None if augment is True else augment, seed)
