"""The data path without TensorFlow gives the same batches as the tf.data pipeline."""

import os
import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pytest

from keras_fld.data import crops, read
from keras_fld.data.augment import Augmentation
from keras_fld.data.batches import PlainBatches, TrainingBatches
from keras_fld.geometry.frame import FaceCrop


@pytest.fixture(scope="module")
def wide(tree):
    return crops.training_crops(read("300w", tree, "train"), FaceCrop())


def _arrays(batches):
    return [tuple(np.asarray(part) for part in batch) for batch in batches]


def _assert_same(first, second):
    for one, other in zip(first, second, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
        kinds = (np.uint8, np.float32, np.float32)[: len(one)]
        assert tuple(a.dtype for a in one) == tuple(b.dtype for b in other) == kinds


@pytest.mark.parametrize("repeats", [None, [0, 3, 1, 1] * 4])
def test_tf_data_gives_the_same_batches_epoch_by_epoch(wide, repeats):
    pytest.importorskip("tensorflow")
    from keras_fld.data import pipeline

    dataset = pipeline.training_dataset(wide, 5, seed=7, repeats=repeats)
    batches = TrainingBatches(wide, 5, seed=7, repeats=repeats)
    assert len(batches) == int(dataset.cardinality()) == 4
    epochs = [_arrays(batches) for _ in range(3)]
    for epoch in epochs:
        _assert_same(epoch, _arrays(dataset))
    assert not np.array_equal(epochs[0][0][0], epochs[1][0][0])


def test_weights_of_landmarks_are_the_third_of_a_batch_on_both_paths(wide):
    pytest.importorskip("tensorflow")
    from keras_fld.data import pipeline

    # A landmark's weight is its y, which a mirror keeps.
    landmarks = np.tile(np.arange(68.0)[:, None], (len(wide), 1, 2)).astype(np.float32)
    data = replace(wide, landmarks=landmarks, weights=landmarks[..., 1])
    still = Augmentation(rotation=0, scale=0, jitter=0)
    batches = _arrays(TrainingBatches(data, 5, still, seed=7))
    _assert_same(batches, _arrays(pipeline.training_dataset(data, 5, still, seed=7)))
    orders = {tuple(face) for _, _, weights in batches for face in weights}
    assert len(orders) == 2, "some faces are mirrored, some are not"
    for _, points, weights in batches:
        y = points[..., 1]
        np.testing.assert_array_equal(np.argsort(y), np.argsort(weights))


def test_plain_batches_are_the_crops_in_order(tree):
    data = crops.model_crops(read("300w", tree, "common"), FaceCrop())
    for batches in (PlainBatches(data, 4), PlainBatches(data, 64)):
        images, landmarks = (np.concatenate(part) for part in zip(*batches, strict=True))
        np.testing.assert_array_equal(images, data.images)
        np.testing.assert_array_equal(landmarks, data.landmarks)
    pytest.importorskip("tensorflow")
    from keras_fld.data import pipeline

    _assert_same(_arrays(PlainBatches(data, 4)), _arrays(pipeline.plain_dataset(data, 4)))


def _seen_by_fit(batches, epoch=None, **options):
    """The images of each epoch that `fit` trains on, in order, on any backend."""
    import keras

    seen = []

    class Watch(keras.layers.Layer):
        def call(self, x):
            return keras.ops.mean(keras.ops.cast(x, "float32"), axis=(1, 2, 3))[:, None]

    class Spy(TrainingBatches):
        def __getitem__(self, index):
            batch = super().__getitem__(index)
            seen.append(batch)
            return batch

    batches.__class__ = Spy
    inputs = keras.Input((64, 64, 3))
    outputs = keras.layers.Reshape((68, 2))(keras.layers.Dense(136)(Watch()(inputs)))
    model = keras.Model(inputs, outputs)
    model.compile("sgd", loss=lambda y, p: keras.ops.mean(p) * 0.0, run_eagerly=False)
    model.fit(batches, verbose=0, callbacks=[epoch] if epoch else [], **options)
    return seen


@pytest.mark.parametrize("shuffle", [False, True])
def test_fit_gets_each_epochs_batches_in_the_epochs_order(wide, shuffle):
    """Keras inspects a batch before the first epoch, and shuffles batches by default."""
    import keras

    class Epoch(keras.callbacks.Callback):
        number = 0

        def on_epoch_begin(self, epoch, logs=None):
            self.number = epoch

    epoch = Epoch()
    batches = TrainingBatches(wide, 5, seed=2, next_epoch=lambda: epoch.number)
    seen = _seen_by_fit(batches, epoch, epochs=5, initial_epoch=2, shuffle=shuffle)
    numbers = iter([2, 3, 4])
    expected = []
    reference = TrainingBatches(wide, 5, seed=2, next_epoch=lambda: next(numbers))
    for _ in range(3):
        expected += _arrays(reference)
    _assert_same(seen[-12:], expected)


def test_a_fit_cut_short_leaves_nothing_to_the_next(wide):
    """With steps_per_epoch, a pass ends early; each one is still a new epoch."""
    batches = TrainingBatches(wide, 2, seed=2)
    seen = _seen_by_fit(batches, epochs=2, steps_per_epoch=3)
    keys = {images.tobytes() for images, _ in seen[-6:]}
    assert len(keys) == 6, "no batch comes twice"
    before = batches._begun
    numbers = iter([before])
    _assert_same(
        _arrays(batches), _arrays(TrainingBatches(wide, 2, seed=2, next_epoch=numbers.__next__))
    )


def test_two_passes_at_once_do_not_mix(wide):
    batches = TrainingBatches(wide, 5, seed=1)
    first, second = iter(batches), iter(batches)
    mixed = [(next(first), next(second)) for _ in range(4)]
    alone = TrainingBatches(wide, 5, seed=1)
    _assert_same([a for a, _ in mixed], _arrays(alone))
    _assert_same([b for _, b in mixed], _arrays(alone))


def test_a_batch_can_be_asked_for_by_number(wide):
    batches = TrainingBatches(wide, 5, next_epoch=lambda: 3)
    _assert_same([batches[i] for i in range(len(batches))], _arrays(batches))
    with pytest.raises(IndexError, match="index must be 0 to 3. Got: 4"):
        batches[4]


def test_an_error_of_a_thread_reaches_the_caller(wide):
    class Broken:
        shape = wide.images.shape

        def __len__(self):
            return self.shape[0]

        def __getitem__(self, index):
            raise ValueError(f"photograph {index} is gone")

    with pytest.raises(ValueError, match="is gone"):
        list(TrainingBatches(replace(wide, images=Broken()), 5))


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1. Got: 0"),
        ({"seed": -1}, "seed must be at least 0. Got: -1"),
        ({"repeats": [1, 2]}, "repeats must be 16 numbers"),
        ({"repeats": [0] * 16}, "repeats must be 16 numbers"),
    ],
)
def test_bad_arguments_are_refused(wide, options, rule):
    with pytest.raises(ValueError, match=rule):
        TrainingBatches(wide, **{"batch_size": 4, **options})


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_fit_runs_where_tensorflow_is_not_installed(tree, backend):
    pytest.importorskip(backend)
    script = """
        import sys
        from importlib.machinery import PathFinder

        find = PathFinder.find_spec
        PathFinder.find_spec = lambda name, *rest: (
            None if name.partition(".")[0] == "tensorflow" else find(name, *rest)
        )
        import keras
        import numpy as np
        import keras_fld as fld

        train = fld.data.load("300w", sys.argv[1], batch_size=8)
        plain = fld.data.load("300w", sys.argv[1], "common", batch_size=4)
        inputs = keras.Input((64, 64, 3))
        x = keras.layers.Rescaling(1 / 255)(inputs)
        x = keras.layers.Conv2D(4, 5, strides=4, activation="relu")(x)
        x = keras.layers.GlobalAveragePooling2D()(x)
        model = keras.Model(inputs, keras.layers.Reshape((68, 2))(keras.layers.Dense(136)(x)))
        model.compile("adam", loss=fld.losses.ENME(alpha=2.0))
        history = model.fit(train, epochs=3, validation_data=plain, verbose=0).history
        assert np.isfinite(history["loss"] + history["val_loss"]).all()
        assert model.predict(plain, verbose=0).shape == (6, 68, 2)
        assert "tensorflow" not in sys.modules
        print(keras.backend.backend(), "trained")
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tree)],
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": backend},
    )
    assert result.returncode == 0, result.stderr
    assert f"{backend} trained" in result.stdout
