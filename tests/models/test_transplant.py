import numpy as np
import pytest

from keras_fld import models

SMALL = {"num_landmarks": 68, "input_size": 32, "head": "windows"}


@pytest.fixture(scope="module")
def trained():
    """A network in which every weight matters."""
    model, rng = models.TRNet20(**SMALL), np.random.default_rng(0)
    for weight in model.weights:
        around = 1.0 if "gamma" in weight.path or "variance" in weight.path else 0.0
        weight.assign(around + 0.1 * rng.uniform(-1, 1, weight.shape))
    return model


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "wider", [{}, {"filters": (56, 64, 96, 112)}, {"stem": (40, 40, 40)}, {"width": 1.5}]
)
def test_a_wider_network_computes_what_the_trained_one_did(trained, images, wider):
    network = models.TRNet20(**SMALL, **wider)
    models.transplant(trained, network)
    expected = trained.predict(images, verbose=0)
    np.testing.assert_allclose(network.predict(images, verbose=0), expected, atol=1e-3)


def test_what_a_thinner_network_loses_is_what_was_not_listened_to(images):
    trained = models.TRNet20(**SMALL)
    rng = np.random.default_rng(2)
    for weight in trained.weights:
        if "kernel" in weight.path:
            weight.assign(0.1 * rng.uniform(-1, 1, weight.shape))
    kept = rng.permutation(32)[:16]
    after = trained.get_layer("stem2_conv")
    kernel = np.zeros(after.kernel.shape, np.float32)
    kernel[:, :, kept] = rng.normal(size=(3, 3, 16, 32))
    after.set_weights([kernel])
    network = models.TRNet20(**SMALL, stem=(16, 32, 32))
    models.transplant(trained, network)
    expected = trained.predict(images, verbose=0)
    assert np.abs(expected - expected.mean(axis=0)).max() > 0.1
    np.testing.assert_allclose(network.predict(images, verbose=0), expected, atol=1e-3)
    np.testing.assert_array_equal(
        network.get_layer("stem1_conv").get_weights()[0],
        trained.get_layer("stem1_conv").get_weights()[0][..., np.sort(kept)],
    )


def test_sums_keep_the_same_channels_on_both_sides(trained, images):
    network = models.TRNet20(**SMALL, width=0.5)
    models.transplant(trained, network)
    # Both paths into a stage's sum are cut alike: the same BatchNorm parameters are left.
    sides = ("stage2a_2_bn", "stage2a_shortcut_bn", "stage2b_2_bn")
    chosen = []
    for name in sides:
        old, new = (m.get_layer(name).get_weights()[0] for m in (trained, network))
        chosen.append([int(np.flatnonzero(old == value)[0]) for value in new])
    assert chosen[0] == chosen[1] == chosen[2]
    assert np.isfinite(network.predict(images, verbose=0)).all()


def test_other_layers_or_shapes_are_refused(trained):
    with pytest.raises(ValueError, match="must have the trained one's layers. Got: "):
        models.transplant(trained, models.CNN6(68))
    other = models.TRNet20(**{**SMALL, "input_size": 64})
    with pytest.raises(ValueError, match="layer 'windows' must differ only in the number of"):
        models.transplant(trained, other)


def test_a_pooling_may_stand_elsewhere(trained, images):
    network = models.TRNet20(**SMALL, pool_after=1)
    models.transplant(trained, network)
    for ours, theirs in zip(network.weights, trained.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert np.isfinite(network.predict(images, verbose=0)).all()


def test_a_second_look_that_is_new_corrects_nothing(trained, images):
    network = models.TRNet20(**SMALL, sampled=(2, 1))
    models.transplant(trained, network)
    expected = trained.predict(images, verbose=0)
    np.testing.assert_allclose(network.predict(images, verbose=0), expected, atol=1e-3)


def test_a_second_look_goes_into_a_wider_network(images):
    source, rng = models.TRNet20(**SMALL, sampled=(2, 1)), np.random.default_rng(3)
    for weight in source.weights:
        if "kernel" in weight.path or "mix" in weight.path:
            weight.assign(0.1 * rng.uniform(-1, 1, weight.shape))
    network = models.TRNet20(**SMALL, sampled=(2, 1), filters=(56, 72, 88, 96))
    models.transplant(source, network)
    expected = source.predict(images, verbose=0)
    np.testing.assert_allclose(network.predict(images, verbose=0), expected, atol=1e-3)
    with pytest.raises(ValueError, match="Got: 'sampled_stage1'"):
        models.transplant(source, models.TRNet20(**SMALL))
