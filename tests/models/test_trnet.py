import zipfile

import keras
import numpy as np
import pytest

from keras_fld import models
from keras_fld.geometry.frame import FaceCrop
from keras_fld.lite import folding
from keras_fld.schemes import IBUG68

# Table 1: output of each stage (size, filters).
TABLE_1 = {
    "stem1_relu": (64, 32),
    "stem2_relu": (64, 32),
    "stem3_relu": (64, 32),
    "pool1": (32, 32),
    "stage1b_relu": (32, 48),
    "pool2": (16, 48),
    "stage2b_relu": (16, 64),
    "pool3": (8, 64),
    "stage3b_relu": (8, 80),
    "pool4": (4, 80),
    "stage4b_relu": (4, 96),
}


@pytest.fixture(scope="module")
def model():
    return models.TRNet20()


def test_stages_have_the_shapes_of_table_1(model):
    for name, (size, filters) in TABLE_1.items():
        assert model.get_layer(name).output.shape == (None, size, size, filters), name
    assert model.get_layer("features").output.shape == (None, 96)
    assert model.output_shape == (None, 68, 2)


def test_it_has_twenty_weighted_layers_and_the_counted_parameters(model):
    convolutions = [x for x in model.layers if isinstance(x, keras.layers.Conv2D)]
    main = [x for x in convolutions if x.kernel_size == (3, 3)]
    projections = [x for x in convolutions if x.kernel_size == (1, 1)]
    dense = [x for x in model.layers if isinstance(x, keras.layers.Dense)]
    assert (len(main), len(projections), len(dense)) == (19, 4, 1)
    # Counted by hand from Table 1: kernels, four BatchNorm vectors a filter, and the Dense.
    widths = [3, 32, 32, 32]
    kernels = sum(9 * a * b for a, b in zip(widths, widths[1:], strict=False))
    filters, width = 3 * 32, 32
    for stage in (48, 64, 80, 96):
        kernels += 9 * width * stage + 3 * 9 * stage * stage + width * stage
        filters += 5 * stage
        width = stage
    assert model.count_params() == kernels + 4 * filters + 97 * 136 == 807_144


def test_the_flatten_head_sees_every_place(model):
    flat = models.TRNet20(head="flatten")
    assert flat.get_layer("features").output.shape == (None, 4 * 4 * 96)
    assert flat.output_shape == (None, 68, 2)
    # Only the Dense differs: 16 places of 96 features instead of their mean.
    assert flat.count_params() == 807_144 - 97 * 136 + (4 * 4 * 96 + 1) * 136 == 1_002_984
    assert [x.name for x in flat.layers] == [x.name for x in model.layers]


def test_the_pool_head_is_the_default(model):
    pooled = models.TRNet20(head="pool")
    assert pooled.get_config()["layers"] == model.get_config()["layers"]


@pytest.mark.parametrize(("size", "places"), [(16, 1), (32, 4), (112, 49)])
def test_the_flatten_head_grows_with_the_crop_and_the_pool_head_does_not(size, places):
    pool, flat = (models.TRNet20(5, input_size=size, head=head) for head in ("pool", "flatten"))
    assert pool.get_layer("offsets").kernel.shape == (96, 10)
    assert flat.get_layer("offsets").kernel.shape == (places * 96, 10)


@pytest.mark.parametrize(
    ("width", "stem", "stages"),
    [
        (1.0, 32, (48, 64, 80, 96)),
        (0.5, 16, (24, 32, 40, 48)),
        (0.75, 24, (40, 48, 64, 72)),  # 36 and 60 are rounded up
        (2, 64, (96, 128, 160, 192)),
        (0.01, 8, (8, 8, 8, 8)),
    ],
)
def test_width_scales_every_number_of_filters(width, stem, stages):
    model = models.TRNet20(num_landmarks=5, input_size=16, width=width)
    assert all(model.get_layer(f"stem{i}_relu").output.shape[-1] == stem for i in (1, 2, 3))
    for stage, filters in enumerate(stages, start=1):
        for unit in "ab":
            assert model.get_layer(f"stage{stage}{unit}_relu").output.shape[-1] == filters
    assert model.get_layer("offsets").kernel.shape == (stages[-1], 10)


@pytest.mark.parametrize(("pool_after", "sizes"), [(1, (64, 32, 32)), (2, (64, 64, 32))])
def test_an_earlier_pooling_leaves_the_stages_their_sizes(model, pool_after, sizes):
    network = models.TRNet20(pool_after=pool_after)
    assert [network.get_layer(f"stem{i}_relu").output.shape[1] for i in (1, 2, 3)] == list(sizes)
    for stage in range(1, 5):
        name = f"stage{stage}b_relu"
        assert network.get_layer(name).output.shape == model.get_layer(name).output.shape
    assert network.count_params() == model.count_params()


def test_twice_the_crop_at_stride_2_leaves_the_stages_their_sizes(model):
    network = models.TRNet20(input_size=128, stride=2)
    for name in ("stem1_relu", "stage1b_relu", "stage4b_relu"):
        assert network.get_layer(name).output.shape == model.get_layer(name).output.shape
    assert network.count_params() == model.count_params()


def test_an_untrained_model_predicts_the_mean_shape(model):
    noise = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    expected = FaceCrop().shape_pixels(IBUG68.mean_shape)
    predicted = model.predict(noise, verbose=0)
    np.testing.assert_allclose(predicted, np.broadcast_to(expected, (4, 68, 2)), atol=1e-4)


@pytest.mark.parametrize("size", [16, 48, 112])
def test_any_size_that_four_poolings_divide_works(size):
    model = models.TRNet20(num_landmarks=5, input_size=size)
    assert model(np.zeros((2, size, size, 3), np.uint8)).shape == (2, 5, 2)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"num_landmarks": 0}, "num_landmarks must be at least 1. Got: 0"),
        ({"input_size": 60}, "input_size must be a multiple of 16. Got: 60"),
        ({"input_size": 0}, "input_size must be a multiple of 16. Got: 0"),
        ({"head": "flat"}, "head must be one of pool, windows, flatten. Got: 'flat'"),
        ({"head": None}, "head must be one of pool, windows, flatten. Got: None"),
        ({"width": 0}, "width must be above 0. Got: 0"),
        ({"width": float("nan")}, "width must be above 0. Got: nan"),
        ({"input_size": 80, "stride": 2}, "input_size must be a multiple of 32. Got: 80"),
        ({"sampled": (2, 5)}, r"sampled must be stages from 1 to 4, each once. Got: \[2, 5\]"),
        ({"sampled": (1, 1)}, r"sampled must be stages from 1 to 4, each once. Got: \[1, 1\]"),
        ({"stride": 3}, "stride must be 1 or 2. Got: 3"),
        ({"pool_after": 0}, "pool_after must be 1, 2 or 3. Got: 0"),
        ({"num_landmarks": 5, "scheme": "ibug68"}, "num_landmarks must be 68 for ibug68. Got: 5"),
        ({"mean_shape": np.zeros((5, 2))}, r"mean_shape must have shape \(68, 2\)"),
    ],
)
def test_bad_arguments_are_refused(arguments, rule):
    with pytest.raises(ValueError, match=rule):
        models.TRNet20(**arguments)


def test_a_saved_model_knows_its_frame_scheme_and_mean_shape(tmp_path):
    shape = np.random.default_rng(0).uniform(0, 31, (68, 2)).astype(np.float32)
    model = models.TRNet20(input_size=32, margin=1.3, mean_shape=shape, scale=2.5)
    model.save(tmp_path / "a.keras")
    loaded = models.load_model(tmp_path / "a.keras")
    assert models.frame_of(loaded) == FaceCrop(32, 1.3)
    assert models.scheme_of(loaded) is IBUG68
    np.testing.assert_array_equal(loaded.layers[-1].mean_shape, shape)
    crops = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    np.testing.assert_allclose(
        loaded.predict(crops, verbose=0), model.predict(crops, verbose=0), atol=1e-5
    )


@pytest.mark.parametrize(
    "options", [{}, {"head": "flatten"}, {"width": 0.5}], ids=["pool", "flatten", "half"]
)
def test_a_saved_model_predicts_the_same_and_exports(options, tmp_path):
    keras.utils.set_random_seed(0)
    model = models.TRNet20(num_landmarks=5, input_size=32, **options)
    head = model.get_layer("offsets")
    rng = np.random.default_rng(0)
    head.set_weights([rng.normal(0, 0.05, head.kernel.shape), rng.normal(0, 0.1, head.bias.shape)])
    model.save(tmp_path / "a.keras")
    loaded = models.load_model(tmp_path / "a.keras")
    crops = rng.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    expected = model.predict(crops, verbose=0)
    assert np.abs(expected - 15.5).max() > 0.1  # the weights do something
    np.testing.assert_allclose(loaded.predict(crops, verbose=0), expected, atol=1e-5)
    exported = folding.export_model(loaded)
    for crop, landmarks in zip(crops, expected, strict=True):
        pixels = exported.predict(crop[None].astype(np.float32), verbose=0)
        np.testing.assert_allclose(pixels[0], landmarks, atol=1e-3)


def test_a_file_that_is_no_model_is_named(tmp_path):
    path = tmp_path / "a.keras"
    with pytest.raises(ValueError, match="no such model file"):
        models.load_model(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(ValueError, match="not a Keras model of this package") as error:
        models.load_model(path)
    assert str(path) in str(error.value)


def test_a_damaged_model_is_not_said_to_be_missing(tmp_path):
    whole, path = tmp_path / "whole.keras", tmp_path / "a.keras"
    models.TRNet20(input_size=16).save(whole)
    for content in (b"", b"no model", whole.read_bytes()[:-1000]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="not a .keras file, or a damaged one") as error:
            models.load_model(path)
        assert str(error.value).startswith(f"{path}: ") and "found" not in str(error.value)


def test_pixels_stay_in_float32_under_a_mixed_policy():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = models.TRNet20(input_size=16)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.layers[-1].compute_dtype == "float32"
    assert keras.backend.standardize_dtype(model(np.zeros((1, 16, 16, 3))).dtype) == "float32"


def test_the_summary_reads_like_table_1(model):
    """Rows in the table's order, each stage's output beside its name."""
    lines = []
    model.summary(line_length=120, print_fn=lines.append)
    text = "\n".join(lines)
    positions = []
    for name, (size, filters) in TABLE_1.items():
        row = next(line for line in text.splitlines() if name in line.split("(")[0])
        assert f"(None, {size}, {size}, {filters})" in row, row
        positions.append(text.index(row))
    assert positions == sorted(positions)
    assert "807,144" in text


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"head": "flatten", "stem": [8, 16, 24], "filters": [8, 16, 24, 32]},
        {"head": "windows", "pool_after": 1, "stride": 2, "sampled": [2, 1]},
        {"pool_after": 2, "sampled": [3]},
    ],
)
def test_the_options_of_a_network_are_read_from_its_layers(options):
    default = {"head": "pool", "stem": [32, 32, 32], "filters": [48, 64, 80, 96]}
    default |= {"pool_after": 3, "stride": 1, "sampled": []}
    assert models.options_of(models.TRNet20(68, 64, **options)) == {**default, **options}


def test_other_networks_have_no_options():
    assert models.options_of(models.CNN6(68, 32)) is None
