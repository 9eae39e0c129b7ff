import keras
import numpy as np
import pytest

from keras_fld import models
from keras_fld.geometry.frame import FaceCrop
from keras_fld.lite import folding
from keras_fld.schemes import IBUG68

# Output of each stage (size, filters) at the networks' own input.
STAGES = {
    "cnn6": [(32, 32), (16, 64), (8, 128), (4, 256), (2, 512)],
    "cnn7": [(64, 32), (32, 32), (16, 64), (8, 128), (4, 256), (2, 512)],
}
PARAMETERS = {"cnn6": 3_806_152, "cnn7": 3_815_400}
MULTIPLE = {"cnn6": 32, "cnn7": 64}
every = pytest.mark.parametrize("name", STAGES)


def small(name, **options):
    """The network with five landmarks at its least input, its output layer not zero."""
    keras.utils.set_random_seed(0)
    model = models.get(name)(num_landmarks=5, input_size=MULTIPLE[name], **options)
    head = model.get_layer("offsets")
    rng = np.random.default_rng(0)
    head.set_weights([rng.normal(0, 0.02, head.kernel.shape), rng.normal(0, 0.1, head.bias.shape)])
    return model


def crops(model, count=2):
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (count, *model.input_shape[1:]), dtype=np.uint8)


@every
def test_stages_halve_the_crop_and_widen(name):
    model = models.get(name)()
    for i, (size, filters) in enumerate(STAGES[name], start=1):
        for layer in (f"stage{i}_conv", f"stage{i}_relu"):
            assert model.get_layer(layer).output.shape == (None, 2 * size, 2 * size, filters)
        assert model.get_layer(f"pool{i}").output.shape == (None, size, size, filters)
    assert model.get_layer("features").output.shape == (None, 1024)
    assert model.output_shape == (None, 68, 2)


@every
def test_weighted_layers_and_parameters_counted_by_hand(name):
    model = models.get(name)()
    weighted = [x for x in model.layers if x.weights]
    assert [type(x).__name__ for x in weighted] == ["Conv2D"] * len(STAGES[name]) + ["Dense"] * 2
    assert all(x.kernel_size == (3, 3) for x in weighted[:-2])
    # Kernels and biases; 2 x 2 x 512 features into 1024; two numbers a landmark.
    widths = [3] + [filters for _, filters in STAGES[name]]
    convolutions = sum((9 * a + 1) * b for a, b in zip(widths, widths[1:], strict=False))
    head = (2 * 2 * 512 + 1) * 1024 + (1024 + 1) * 2 * 68
    assert model.count_params() == convolutions + head == PARAMETERS[name]


@every
def test_an_untrained_model_predicts_the_mean_shape(name):
    model = models.get(name)(input_size=MULTIPLE[name])
    expected = FaceCrop(MULTIPLE[name]).shape_pixels(IBUG68.mean_shape)
    predicted = model.predict(crops(model), verbose=0)
    np.testing.assert_allclose(predicted, np.broadcast_to(expected, (2, 68, 2)), atol=1e-4)


@every
def test_the_first_pass_keeps_the_size_of_the_signal(name):
    # Without BatchNorm the initial weights alone decide whether deep features vanish or explode.
    model = small(name)
    deep = keras.Model(model.input, model.get_layer("features").output)
    assert 0.02 < deep.predict(crops(model, 8), verbose=0).std() < 20


@pytest.mark.parametrize("num_landmarks", [1, 19, 98])
@every
def test_any_number_of_landmarks(name, num_landmarks):
    model = models.get(name)(num_landmarks, input_size=MULTIPLE[name])
    assert model(crops(model)).shape == (2, num_landmarks, 2)


@every
def test_any_size_that_the_poolings_divide_works(name):
    size = 3 * MULTIPLE[name]
    model = models.get(name)(num_landmarks=5, input_size=size)
    assert model(np.zeros((1, size, size, 3), np.uint8)).shape == (1, 5, 2)
    assert model.get_layer("flatten").output.shape == (None, 3 * 3 * 512)


@pytest.mark.parametrize(
    ("name", "arguments", "rule"),
    [
        ("cnn6", {"num_landmarks": 0}, "num_landmarks must be at least 1. Got: 0"),
        ("cnn6", {"input_size": 48}, "input_size must be a multiple of 32. Got: 48"),
        ("cnn6", {"input_size": 0}, "input_size must be a multiple of 32. Got: 0"),
        ("cnn7", {"input_size": 32}, "input_size must be a multiple of 64. Got: 32"),
        ("cnn7", {"input_size": -64}, "input_size must be a multiple of 64. Got: -64"),
        ("cnn7", {"num_landmarks": 5, "scheme": "ibug68"}, "must be 68 for ibug68. Got: 5"),
    ],
)
def test_bad_arguments_are_refused(name, arguments, rule):
    with pytest.raises(ValueError, match=rule):
        models.get(name)(**arguments)


@every
def test_a_saved_model_predicts_the_same_and_exports(name, tmp_path):
    shape = np.random.default_rng(2).uniform(0, 31, (5, 2)).astype(np.float32)
    model = small(name, margin=1.3, mean_shape=shape, scale=2.5)
    model.save(tmp_path / "a.keras")
    loaded = models.load_model(tmp_path / "a.keras")
    assert loaded.name == name
    assert models.frame_of(loaded) == FaceCrop(MULTIPLE[name], 1.3)
    assert models.scheme_of(loaded) is None
    expected = model.predict(crops(model), verbose=0)
    assert np.abs(expected - shape).max() > 0.1  # the weights do something
    np.testing.assert_allclose(loaded.predict(crops(model), verbose=0), expected, atol=1e-5)
    exported = folding.export_model(loaded)
    for crop, landmarks in zip(crops(model), expected, strict=True):
        pixels = exported.predict(crop[None].astype(np.float32), verbose=0)
        np.testing.assert_allclose(pixels[0], landmarks, atol=1e-3)


def test_networks_are_found_by_name():
    assert list(models.NETWORKS) == ["trnet20", "cnn6", "cnn7"]
    assert models.get("cnn7") is models.CNN7
    for name in ("trnet20", "TRNet20", "TRNet-20", "trnet_20"):
        assert models.get(name) is models.TRNet20
    assert models.get("CNN-6") is models.CNN6
    for name, network in models.NETWORKS.items():
        assert network(num_landmarks=5, input_size=64).name == name
    for bad in ("resnet50", "", None):
        with pytest.raises(ValueError, match="network must be one of trnet20, cnn6, cnn7. Got: "):
            models.get(bad)
