import numpy as np
import pytest

from keras_fld.data import crops, load, pipeline, read
from keras_fld.geometry.frame import FaceCrop

pytest.importorskip("tensorflow")


@pytest.fixture(scope="module")
def wide(tree):
    return crops.training_crops(read("300w", tree, "train"), FaceCrop())


def _collect(dataset):
    batches = [(x.numpy(), y.numpy()) for x, y in dataset]
    return [np.concatenate(part) for part in zip(*batches, strict=True)], [
        len(b[0]) for b in batches
    ]


def test_an_epoch_shows_every_face_once_in_batches(wide):
    dataset = pipeline.training_dataset(wide, batch_size=5)
    assert int(dataset.cardinality()) == 4
    (images, landmarks), sizes = _collect(dataset)
    assert sizes == [5, 5, 5, 1]
    assert images.shape == (16, 64, 64, 3) and images.dtype == np.uint8
    assert landmarks.shape == (16, 68, 2) and landmarks.dtype == np.float32


def test_one_seed_repeats_and_epochs_differ(wide):
    first = pipeline.training_dataset(wide, 4, seed=3)
    (a, _), (b, _) = (_collect(first)[0] for _ in range(2))
    (c, _), _ = _collect(pipeline.training_dataset(wide, 4, seed=3))
    (d, _), _ = _collect(pipeline.training_dataset(wide, 4, seed=4))
    np.testing.assert_array_equal(a, c)
    assert not np.array_equal(a, b) and not np.array_equal(a, d)


def test_a_face_depends_on_the_key_not_on_the_batch_size(wide):
    (a, _), _ = _collect(pipeline.training_dataset(wide, 3, seed=1))
    (b, _), _ = _collect(pipeline.training_dataset(wide, 16, seed=1))
    np.testing.assert_array_equal(a, b)


def test_load_augments_the_training_split_only(tree):
    (a, _), _ = _collect(load("300w", tree, "common"))
    (b, _), _ = _collect(load("300w", tree, "common"))
    np.testing.assert_array_equal(a, b)
    (c, _), _ = _collect(load("300w", tree, "train", augment=False))
    assert len(c) == 16
    train = load("300w", tree, "train", batch_size=16)
    assert not np.array_equal(next(iter(train))[0], next(iter(train))[0])


def test_repeats_show_a_face_as_often_with_other_numbers_each_time(wide):
    repeats = np.array([3, 0] + [1] * 14)
    dataset = pipeline.training_dataset(wide, 4, seed=3, repeats=repeats)
    assert int(dataset.cardinality()) == 5
    (images, landmarks), _ = _collect(dataset)
    assert len(images) == 17 and len({image.tobytes() for image in images}) == 17
    plain = pipeline.training_dataset(wide, 16, seed=3)
    (once, _), _ = _collect(plain)
    shown = {image.tobytes() for image in once}
    # The first showing of a face draws what it draws without repeats.
    assert sum(image.tobytes() in shown for image in images) == 15


def test_load_balances_poses_when_asked(tree):
    from keras_fld.data.balance import pose_repeats

    data = crops.training_crops(read("300w", tree, "train"), FaceCrop())
    repeats = pose_repeats(data.landmarks, data.scheme)
    (images, _), _ = _collect(load("300w", tree, balance=True))
    assert len(images) == repeats.sum() > 16


def test_what_is_skipped_is_warned_of(own_tree):
    (own_tree / "lfpw/testset" / "image_0001.png").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"skipped: .*image_0001.png: not an image"):
        (images, _), _ = _collect(load("300w", own_tree, "common", skip_bad=True))
    assert len(images) == 5


def test_bad_sizes_are_refused(tree):
    with pytest.raises(ValueError, match="batch_size must be at least 1. Got: 0"):
        load("300w", tree, "common", batch_size=0)
    with pytest.raises(ValueError, match="seed must be at least 0. Got: -1"):
        load("300w", tree, "train", seed=-1)
