"""The catalog of datasets, and reading and loading them by name."""

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_fld.data.faces import FaceSet
from keras_fld.data.prepared import reading
from keras_fld.data.readers import (
    aflw,
    coco,
    cofw,
    ibug300w,
    labelme,
    london,
    mtfl,
    own,
    pts_folder,
    sources,
    wflw,
)
from keras_fld.data.synthetic import reader
from keras_fld.geometry.frame import FaceCrop

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_fld.data.augment import Augmentation
    from keras_fld.data.batches import PlainBatches, TrainingBatches


@dataclass(frozen=True)
class Dataset:
    """A dataset that the package can read.

    Args:
        read: function of (root, split, skip_bad) that returns a `FaceSet`.
        train: name of the training split.
        tests: names of the test splits that `evaluate` reports, if present.
        folder: name of the folder in datasets/ that contains its card.
        official: number of faces of each split in the release.
        parts: splits that together contain every face once; None for the training and test splits.
        normalizer: normalizing distance of the protocol.
    """

    read: Callable
    train: str
    tests: tuple[str, ...]
    folder: str
    official: dict[str, int] = field(default_factory=dict)
    parts: tuple[str, ...] | None = None
    normalizer: str = "inter_pupil"

    @property
    def card(self) -> str:
        """Path of the card, relative if it is in the working directory."""
        package = Path(__file__).parents[1]
        # In the wheel, datasets/ is packed as cards/ by setup.py.
        cards = package / "cards"
        path = (
            (cards if cards.is_dir() else package.parent / "datasets") / self.folder / "README.md"
        )
        here = Path.cwd()
        return str(path.relative_to(here) if path.is_relative_to(here) else path)


DATASETS = {
    "300w": Dataset(
        ibug300w.read,
        "train",
        ("common", "challenge", "full"),
        "300w",
        {split: sum(folders.values()) for split, folders in ibug300w.FOLDERS.items()},
        ("train", "common", "challenge"),
    ),
    "aflw": Dataset(
        aflw.read,
        "train",
        ("full", "frontal"),
        "aflw",
        aflw.SPLITS,
        ("train", "full"),
        "face_box",
    ),
    "cofw": Dataset(
        cofw.read,
        "train",
        ("test",),
        "cofw",
        {split: official for split, (_, _, official) in cofw.SPLITS.items()},
        normalizer="inter_ocular",
    ),
    "wflw": Dataset(
        wflw.read,
        "train",
        ("test",),
        "wflw",
        wflw.SPLITS,
        normalizer="inter_ocular",
    ),
    "mtfl": Dataset(mtfl.read, "train", ("test",), "mtfl", mtfl.SPLITS),
    "london189": Dataset(london.read, "train", (), "london189"),
    "own": Dataset(own.read, "train", ("test",), "own"),
    "pts": Dataset(pts_folder.read, "train", (), "pts"),
    "coco": Dataset(coco.read, "train", (), "coco"),
    "labelme": Dataset(labelme.read, "train", (), "labelme"),
    "synthetic": Dataset(
        reader.read,
        "train",
        ("test",),
        "synthetic",
        reader.SIZES,
    ),
    **{
        f"synthetic-{count}": Dataset(
            partial(reader.read, scheme=count),
            "train",
            ("test",),
            "synthetic",
            reader.SIZES,
        )
        for count in (19, 29, 98)
    },
}


def get(name: str) -> Dataset:
    """Returns the `Dataset` of that name; raises ValueError if there is none."""
    if name not in DATASETS:
        raise ValueError(f"dataset must be one of {', '.join(DATASETS)}. Got: {name!r}")
    return DATASETS[name]


def read(
    name: str,
    root: str | Path | None = None,
    split: str = "train",
    skip_bad: bool = False,
    **options: Any,
) -> FaceSet:
    """Reads the faces of one split, without opening the images.

    Args:
        name: a key of `DATASETS`, such as "300w".
        root: folder of the dataset, a folder written by `keras-fld prepare`, or the file of your
            own data. Not needed for "synthetic".
        split: name of the split.
        skip_bad: skip bad files and list them in the result, instead of raising an error.
        **options: options of the dataset's reader, such as `hidden="keep"` for "aflw".

    Returns:
        A `FaceSet`.

    Raises:
        ImportError: the format requires a package of the extra `datasets`.
        ValueError: the name, split or an option is unknown, the folder is empty, or a file is bad.

    Examples:
        >>> faces = read("300w", "300w", "common")
    """
    dataset = get(name)
    known = inspect.signature(dataset.read).parameters
    for option in options:
        if option not in known:
            raise sources.BadCall(f"the {name} dataset has no option {option!r}")
    if reading.is_prepared(root):
        return reading.read_prepared(root, split, name, options)
    faces = dataset.read(root, split, skip_bad, **options)
    folder = Path(root) if root else None
    if folder and folder.is_file():
        folder = folder.parent
    return replace(faces, normalizer=dataset.normalizer, root=folder)


def load(
    name: str,
    root: str | Path | None = None,
    split: str = "train",
    augment: "bool | Augmentation | None" = None,
    frame: FaceCrop | None = None,
    batch_size: int = 32,
    seed: int = 0,
    skip_bad: bool = False,
    balance: bool = False,
    in_memory: bool = True,
    **options: Any,
) -> "tf.data.Dataset | TrainingBatches | PlainBatches":
    """Loads one split as batches for `fit`.

    The batches are the same on every backend: a `tf.data.Dataset` if Keras runs on TensorFlow, a
    `keras.utils.PyDataset` on JAX and PyTorch, which do not require TensorFlow.

    Args:
        name: a key of `DATASETS`, such as "300w".
        root: folder of the dataset, or a folder written by `keras-fld prepare`, whose crops are
            memory-mapped.
        split: name of the split.
        augment: True, False, an `Augmentation`, or None to augment the training split only.
        frame: the model's `FaceCrop`; None uses the default.
        batch_size: number of faces in a batch.
        seed: seed of the order and the augmentation.
        skip_bad: skip bad files with a warning, instead of raising an error.
        balance: show rare poses more often, see `balance.pose_repeats`. Only with augmentation.
        in_memory: crop all faces now and keep the crops in memory. False decodes the photographs in
            every epoch, for sets that do not fit in memory. Only with augmentation.
        **options: options of the dataset's reader, as in `read`.

    Returns:
        Batches of images (batch, size, size, 3) uint8 and landmarks (batch, landmarks, 2) float32,
        in pixels of the crop. With augmentation, each iteration is a new epoch.

    Raises:
        ValueError: as in `read`, or an image cannot be read.

    Examples:
        >>> train = keras_fld.data.load("300w", "300w", split="train")
        >>> model.fit(train)
    """
    from keras_fld.data import feed
    from keras_fld.data.balance import pose_repeats

    faces = read(name, root, split, skip_bad, **options)
    if augment is None:
        augment = split == get(name).train
    data = _crops(faces, frame or FaceCrop(), augment is not False, in_memory, skip_bad)
    for sentence in faces.absent + faces.notes:
        warnings.warn(sentence, stacklevel=2)
    for sentence in faces.skipped + data.skipped:
        warnings.warn(f"skipped: {sentence}", stacklevel=2)
    if augment is False:
        return feed.plain_batches(data, batch_size)
    repeats = pose_repeats(data.landmarks, data.scheme) if balance else None
    augmentation = None if augment is True else augment
    return feed.training_batches(data, batch_size, augmentation, seed, repeats=repeats)


def _crops(faces, frame, augmented, in_memory, skip_bad):
    """Returns the crops from which batches are drawn."""
    from keras_fld.data import crops, photographs

    if not augmented:
        return crops.model_crops(faces, frame, skip_bad)
    if in_memory or any(face.prepared for face in faces.faces):
        return crops.training_crops(faces, frame, skip_bad)
    return photographs.training_photographs(faces, frame)
