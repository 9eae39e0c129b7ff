import keras
import numpy as np
import pytest

from keras_fld import losses, models, refine
from keras_fld.schemes import IBUG68
from tests.eager import eager


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    model = models.TRNet20(input_size=16, width=0.25)
    head = model.get_layer("offsets")
    rng = np.random.default_rng(0)
    head.set_weights([rng.normal(0, 0.01, w.shape) for w in head.get_weights()])
    return model


@pytest.fixture(scope="module")
def faces():
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (24, 16, 16, 3), dtype=np.uint8)
    return images, rng.uniform(0, 15, (24, 68, 2)).astype(np.float32)


def _weights(model, dense):
    return [w for x in model.layers if (x.name == "offsets") == dense for w in x.get_weights()]


def _error(model, faces):
    predicted = model.predict(faces[0], verbose=0)
    return np.linalg.norm(predicted - faces[1], axis=-1).mean(axis=0)


@pytest.fixture(scope="module")
def refined(model, faces):
    with eager():
        return refine(model, faces, rounds=6, batch_size=8, learning_rate=2e-2, verbose=0)


def test_the_backbone_is_bit_identical_and_the_graph_the_same(model, refined):
    for before, after in zip(_weights(model, False), _weights(refined, False), strict=True):
        np.testing.assert_array_equal(before, after)
    assert refined.get_config() == model.get_config()
    assert refined.count_params() == model.count_params()


def test_every_patch_gets_better_on_what_it_was_trained_on(model, refined, faces):
    before, after = _error(model, faces), _error(refined, faces)
    for indices in IBUG68.patches.values():
        assert after[list(indices)].mean() < 0.95 * before[list(indices)].mean()


def test_the_given_model_is_not_changed(eagerly, model, faces):
    before = model.get_weights()
    refine(model, faces, rounds=1, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_patch_changes_only_its_rows(eagerly, model, faces):
    result = refine(model, faces, patches={"mouth": range(48, 68)}, rounds=1, verbose=0)
    for before, after in zip(_weights(model, True), _weights(result, True), strict=True):
        changed = (before != after).reshape(-1, 68, 2).any(axis=(0, 2))
        assert changed[48:].all() and not changed[:48].any()


def test_features_are_computed_once_a_round_whatever_the_number_of_patches(eagerly, model, faces):
    iterations = []

    class Rounds:
        def __iter__(self):
            iterations.append(1)
            yield faces[0][:16], faces[1][:16]
            yield faces[0][16:], faces[1][16:]

    refine(model, Rounds(), rounds=3, verbose=0)
    assert len(iterations) == 3


@pytest.mark.nightly
def test_a_sum_over_landmarks_makes_patches_and_the_whole_the_same_problem(model, faces):
    """With NME, training by patches and as a whole have the same minimum."""
    options = {"rounds": 40, "batch_size": 24, "learning_rate": 5e-3, "verbose": 0}
    parts = refine(model, faces, loss="nme", **options)
    whole = refine(model, faces, {"all": range(68)}, loss="nme", **options)
    a, b = _error(parts, faces).mean(), _error(whole, faces).mean()
    assert a == pytest.approx(b, rel=0.02)


def test_each_patch_may_have_its_own_loss(eagerly, model, faces):
    named = refine(model, faces, loss={"eyes": losses.Wing(), "nose": "l1"}, rounds=1, verbose=0)
    assert named.output_shape == (None, 68, 2)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"patches": {"a": [0, 68]}}, "must contain landmarks 0 to 67"),
        ({"patches": {"a": [0], "b": [0]}}, "must not share a landmark"),
        ({"patches": {}}, "must each have at least one landmark"),
        ({"patches": {"a": []}}, "must each have at least one landmark"),
        ({"rounds": 0}, "rounds must be at least 1. Got: 0"),
        ({"batch_size": 0}, "batch_size must be at least 1. Got: 0"),
        ({"learning_rate": -1.0}, "learning_rate must be above 0. Got: -1.0"),
        ({"loss": "huge"}, "loss must be one of"),
    ],
)
def test_bad_arguments_are_refused(model, faces, options, rule):
    with pytest.raises(ValueError, match=rule):
        refine(model, faces, verbose=0, **options)


@pytest.fixture(scope="module")
def wide_model():
    keras.utils.set_random_seed(0)
    model = models.TRNet20(input_size=64)
    rng = np.random.default_rng(0)
    head = model.get_layer("offsets")
    head.set_weights([rng.normal(0, 0.01, w.shape) for w in head.get_weights()])
    return model


@pytest.fixture(scope="module")
def wide_faces():
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (16, 64, 64, 3), dtype=np.uint8)
    return images, rng.uniform(0, 63, (16, 68, 2)).astype(np.float32)


def test_the_local_form_sees_places_that_pooled_features_do_not(wide_model):
    rng = np.random.default_rng(3)
    images, points = np.zeros((48, 64, 64, 3), np.uint8), rng.integers(8, 56, (48, 2))
    for image, (x, y) in zip(images, points, strict=True):
        image[y - 4 : y + 4, x - 4 : x + 4] = 255
    faces = images, np.repeat(points[:, None], 68, axis=1).astype(np.float32)
    options = {"rounds": 15, "batch_size": 8, "learning_rate": 2e-2, "verbose": 0}
    whole = {"all": range(68)}
    plain = refine(wide_model, faces, whole, **options)
    local = refine(wide_model, faces, whole, windows=3, **options)
    assert _error(local, faces).mean() < 0.8 * _error(plain, faces).mean()
    for layer in wide_model.layers:  # the backbone stays as it is
        if layer.weights and layer.name != "offsets":
            for a, b in zip(
                layer.get_weights(), local.get_layer(layer.name).get_weights(), strict=True
            ):
                np.testing.assert_array_equal(a, b)
    assert local.count_params() < 1.05 * wide_model.count_params()
    assert models.frame_of(local) == models.frame_of(wide_model)


def test_the_assembled_model_computes_what_the_heads_learned(eagerly, wide_model, wide_faces):
    """A window trained on standardized maps gives the same on raw ones."""
    untrained = refine(wide_model, wide_faces, windows=2, rounds=1, learning_rate=1e-12, verbose=0)
    np.testing.assert_allclose(
        untrained.predict(wide_faces[0], verbose=0),
        wide_model.predict(wide_faces[0], verbose=0),
        atol=1e-3,
    )


def test_a_model_with_windows_is_refined_in_place(eagerly, wide_faces, tmp_path):
    keras.utils.set_random_seed(0)
    model = models.TRNet20(head="windows", width=0.25)
    result = refine(model, wide_faces, rounds=4, batch_size=8, learning_rate=2e-2, verbose=0)
    assert result.get_config() == model.get_config()
    assert _error(result, wide_faces).mean() < 0.95 * _error(model, wide_faces).mean()
    result.save(tmp_path / "refined.keras")
    np.testing.assert_allclose(
        models.load_model(tmp_path / "refined.keras").predict(wide_faces[0], verbose=0),
        result.predict(wide_faces[0], verbose=0),
        atol=1e-3,
    )
    with pytest.raises(ValueError, match="windows must be 0: the model has its own. Got: 3"):
        refine(model, wide_faces, windows=3, verbose=0)
    with pytest.raises(ValueError, match="must be those of the model's windows"):
        refine(model, wide_faces, patches={"eyes": [36]}, verbose=0)


def test_a_patch_of_the_local_form_moves_only_its_landmarks(eagerly, wide_model, wide_faces):
    result = refine(
        wide_model, wide_faces, {"mouth": range(48, 68)}, windows=1, rounds=1, verbose=0
    )
    before, after = (m.predict(wide_faces[0], verbose=0) for m in (wide_model, result))
    np.testing.assert_allclose(after[:, :48], before[:, :48], atol=1e-4)
    assert np.abs(after[:, 48:] - before[:, 48:]).max() > 1e-3


def test_windows_need_a_map_of_some_size(eagerly):
    # A crop of 64 pixels has 8x8 positions in stage 3, one of 16 in its first convolutions.
    small = models.CNN6(5, input_size=32)
    inner = refine(
        small,
        (np.zeros((2, 32, 32, 3), np.uint8), np.ones((2, 5, 2))),
        windows=1,
        patches={"all": range(5)},
        rounds=1,
        verbose=0,
    )
    assert inner.get_layer("windows").input.shape[1:3] == (8, 8)
