import keras
import numpy as np
import pytest
from keras import ops

from keras_fld.optimizers import Muon


def _step(optimizer, value, gradient, steps=1):
    variable = keras.Variable(value)
    optimizer.build([variable])
    for _ in range(steps):
        optimizer.apply([ops.convert_to_tensor(gradient)], [variable])
    return ops.convert_to_numpy(variable) - value


@pytest.mark.parametrize("shape", [(3, 3, 4, 8), (1, 1, 4, 16)])
def test_a_kernel_s_step_is_nearly_the_nearest_orthogonal_matrix(shape):
    random = np.random.default_rng(0)
    gradient = random.normal(size=shape).astype("float32")
    value = np.zeros(shape, "float32")
    moved = _step(Muon(0.1, weight_decay=0.0), value, gradient).reshape(-1, shape[-1])
    matrix = gradient.reshape(moved.shape)
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    step = -moved / (0.1 * 0.2 * max(moved.shape) ** 0.5)
    values = np.linalg.svd(step, compute_uv=False)
    assert values.min() > 0.6 and values.max() < 1.3
    # The same directions, whatever their singular values became.
    turned = left.T @ step @ right.T
    np.testing.assert_allclose(turned, np.diag(np.diag(turned)), atol=0.02)


def test_its_momentum_remembers_earlier_gradients():
    first, second = np.random.default_rng(1).normal(size=(2, 3, 3, 2, 4)).astype("float32")
    variable = keras.Variable(np.zeros((3, 3, 2, 4), "float32"))
    optimizer = Muon(0.1, weight_decay=0.0)
    optimizer.build([variable])
    optimizer.apply([ops.convert_to_tensor(first)], [variable])
    before = ops.convert_to_numpy(variable)
    optimizer.apply([ops.convert_to_tensor(second)], [variable])
    step = ops.convert_to_numpy(variable) - before
    alone = _step(Muon(0.1, weight_decay=0.0), np.zeros_like(first), second)
    assert (step * first).sum() < (alone * first).sum() - 0.01, "it also goes down the first"


def test_all_else_takes_adamw_s_steps():
    value = np.array([0.5, -2.0, 3.0], "float32")
    gradient = np.array([1.0, -0.1, 0.01], "float32")
    steps = [_step(kind(0.01, weight_decay=0.1), value, gradient, 3) for kind in (Muon, _adamw)]
    np.testing.assert_allclose(steps[0], steps[1], atol=1e-6)


def _adamw(rate, **options):
    return keras.optimizers.AdamW(rate, **options)


def test_its_options_are_saved():
    again = Muon.from_config(Muon(0.003, momentum=0.8, rounds=3, weight_decay=0.2).get_config())
    assert (again.momentum, again.rounds, again.weight_decay) == (0.8, 3, 0.2)
