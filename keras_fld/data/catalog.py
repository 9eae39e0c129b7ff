"""The datasets by name."""

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
    """A dataset that the package reads.

    Args:
        read: function of (root, split, skip_bad) that returns a `FaceSet`.
        train: name of the training split.
        tests: names of the test splits that `evaluate` reports, where present.
        folder: name of its card's folder in datasets/.
        official: number of faces that the release has in each split.
        parts: splits that together hold every face once; None for training and test splits.
        normalizer: the protocol's normalizing distance.
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
        """Path of the card, the short one where it is in the working folder."""
        package = Path(__file__).parents[1]
        # The wheel has datasets/ as cards; setup.py packs it.
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
    """The `Dataset` of that name; raises ValueError when there is none."""
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
        root: folder of the dataset, or the file of your own; the synthetic ones need none. A folder
            that `keras-fld prepare` wrote serves as well.
        split: name of the split.
        skip_bad: leave bad files out and list them, instead of stopping at the first.
        **options: of the dataset's reader, such as `hidden="keep"` for "aflw".

    Returns:
        A `FaceSet`.

    Raises:
        ImportError: the format needs a package of the group `datasets`.
        ValueError: an unknown name, split or option, an empty folder, or a bad file.

    Examples:
        >>> faces = read("300w", root, "common")
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
    """Batches of one split for `fit`: the same on every backend.

    A `tf.data.Dataset` where Keras runs on TensorFlow, a `keras.utils.PyDataset` on JAX and
    PyTorch, which need no TensorFlow for it.

    Args:
        name: a key of `DATASETS`, such as "300w".
        root: folder of the dataset, or a folder that `keras-fld prepare` wrote, whose faces stay
            in its memory-mapped files.
        split: name of the split.
        augment: True, False, an `Augmentation`, or None to augment the training split only.
        frame: the model's `FaceCrop`; None takes the default.
        batch_size: faces in a batch.
        seed: seed of order and augmentation.
        skip_bad: leave bad files out, with a warning each, instead of stopping at the first.
        balance: show rare poses more often, see `balance.pose_repeats`; augmented splits alone.
        in_memory: cut all faces out of their photographs now; False decodes the photographs in
            every epoch, for sets that do not fit in memory; augmented splits alone.
        **options: of the dataset's reader, as in `read`.

    Returns:
        Batches of images (batch, size, size, 3) uint8 and landmarks (batch, landmarks, 2) float32
        pixels of the crop. Each iteration over augmented ones is a new epoch.

    Raises:
        ValueError: as `read`, or an image cannot be read.

    Examples:
        >>> train = keras_fld.data.load("300w", root, split="train")
        >>> model.fit(train, epochs=10)
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
    """The crops that batches are drawn from."""
    from keras_fld.data import crops, photographs

    if not augmented:
        return crops.model_crops(faces, frame, skip_bad)
    if in_memory or any(face.prepared for face in faces.faces):
        return crops.training_crops(faces, frame, skip_bad)
    return photographs.training_photographs(faces, frame)
