import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_fld.optimizers import Muon

RATE = 0.01


def _step(optimizer, start, gradients):
    """The value of a variable after the steps of these gradients."""
    variable = keras.Variable(start.astype("float32"))
    for gradient in gradients:
        tensor = keras.ops.convert_to_tensor(gradient.astype("float32"))
        optimizer.apply([tensor], [variable])
    return keras.ops.convert_to_numpy(variable).astype(float)


def _stretches(moved, direction):
    """How far each direction of a matrix was moved, and the largest movement that is none's own."""
    u, _, vt = np.linalg.svd(direction, full_matrices=False)
    inside = u.T @ moved @ vt.T
    rest = inside - np.diag(np.diag(inside))
    return np.diag(inside), np.abs(rest).max()


@pytest.mark.parametrize("shape", [(3, 3, 8, 16), (1, 1, 40, 12), (3, 3, 2, 32)])
def test_a_kernel_moves_as_far_in_every_direction(shape):
    rng = np.random.default_rng(0)
    start, first, second = rng.normal(size=(3, *shape))
    end = _step(Muon(RATE, momentum=0.9, weight_decay=0), start, [first, second])
    after_one = _step(Muon(RATE, momentum=0.9, weight_decay=0), start, [first])
    # Nesterov: the gradient, and the momentum that already has it.
    wanted = second + 0.9 * (0.9 * first + second)
    moved = (after_one - end).reshape(-1, shape[-1])
    unit = RATE * 0.2 * np.sqrt(max(moved.shape))
    stretches, rest = _stretches(moved / unit, wanted.reshape(moved.shape))
    # What five rounds of the quintic leave of a singular value from 0.01 to 1.
    assert stretches.min() > 0.6 and stretches.max() < 1.3
    assert rest < 0.01


def test_the_size_of_the_gradient_does_not_matter():
    rng = np.random.default_rng(1)
    start, gradient = rng.normal(size=(2, 3, 3, 4, 6))
    ends = [_step(Muon(RATE), start, [size * gradient]) for size in (1e-3, 1.0, 1e3)]
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-5)
    np.testing.assert_allclose(ends[2], ends[1], atol=1e-5)


def test_a_kernel_without_gradient_stays():
    start = np.random.default_rng(2).normal(size=(3, 3, 4, 6)).astype("float32")
    end = _step(Muon(RATE, weight_decay=0), start, [np.zeros(start.shape)] * 2)
    np.testing.assert_array_equal(end, start)


def test_subnormal_momentum_is_no_part_of_a_step():
    rng = np.random.default_rng(3)
    start, gradient = rng.normal(size=(2, 3, 3, 8, 16))
    gradient[..., 4:] = 0
    tiny = gradient.copy()
    tiny[..., 4:] = 1e-40
    ends = [_step(Muon(RATE, weight_decay=0), start, [given]) for given in (gradient, tiny)]
    np.testing.assert_array_equal(*ends)
    np.testing.assert_array_equal(ends[1][..., 4:], start[..., 4:].astype("float32"))
    assert np.abs(ends[1] - start)[..., :4].max() > 1e-4


@pytest.mark.parametrize("shape", [(7,), (12, 5)])
def test_all_else_is_adamw(shape):
    start, *gradients = np.random.default_rng(3).normal(size=(4, *shape))
    expected = _step(keras.optimizers.AdamW(RATE, weight_decay=0.1), start, gradients)
    np.testing.assert_allclose(
        _step(Muon(RATE, weight_decay=0.1), start, gradients), expected, rtol=1e-6
    )


def test_a_compiled_model_learns_and_comes_back_with_its_optimizer(tmp_path):
    rng = np.random.default_rng(4)
    images = rng.normal(size=(64, 8, 8, 1)).astype("float32")
    target = images[:, 2:4, 3:6].mean(axis=(1, 2))
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.layers.Input((8, 8, 1)),
            keras.layers.Conv2D(8, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(1),
        ]
    )
    model.compile(Muon(0.01, momentum=0.9, rounds=4), loss="mse")
    losses = model.fit(images, target, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.2 * losses[0]
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.optimizer.momentum == 0.9 and again.optimizer.rounds == 4
    for one, other in zip(again.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other)
        )


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="of TensorFlow's runtime")
def test_importing_it_starts_no_runtime():
    """A process that has begun to compute cannot be forked, nor join others on JAX."""
    code = (
        "import keras_fld.optimizers\n"
        "from tensorflow.python.eager import context\n"
        "assert not context.context()._initialized\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
