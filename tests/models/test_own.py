"""Custom networks, with the package's head or with a description."""

import keras
import numpy as np
import pytest

from keras_fld import evaluate, models
from keras_fld.data import crops, read
from keras_fld.geometry.frame import FaceCrop
from keras_fld.models import graph
from keras_fld.predict.landmarker import FaceLandmarker
from keras_fld.schemes import IBUG68, custom
from tests.eager import eager

SIZE = 32


def body(*first, activation=None, shape=(68, 2), name="mine"):
    """A typical user's network: these layers, Dense and Reshape."""
    keras.utils.set_random_seed(1)
    layers = [
        *first,
        keras.layers.Conv2D(4, 3, strides=2, activation="relu", bias_initializer="random_normal"),
        keras.layers.Flatten(),
        keras.layers.Dense(12, activation="tanh"),
        keras.layers.Dense(136, activation=activation, name="points"),
    ]
    if shape:
        layers.append(keras.layers.Reshape(shape))
    return keras.Sequential([keras.Input((SIZE, SIZE, 3)), *layers], name=name)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (5, SIZE, SIZE, 3), np.uint8)


def given(images, scale, offset=0.0):
    return images.astype(np.float32) * np.float32(scale) + np.float32(offset)


@pytest.mark.parametrize("units", ["pixels", "fraction", 31.0])
@pytest.mark.parametrize("shape", [(68, 2), None])
def test_units_and_output_shapes(images, units, shape):
    model = body(shape=shape)
    per_unit = {"pixels": 1, "fraction": SIZE}.get(units, units)
    expected = model.predict(given(images, 1 / 255), verbose=0).reshape(-1, 68, 2) * per_unit
    described = models.describe(model, FaceCrop(SIZE, 1.3), "ibug68", units, "0..1")
    np.testing.assert_allclose(described.predict(images, verbose=0), expected, rtol=1e-4, atol=1e-4)
    assert models.frame_of(described) == FaceCrop(SIZE, 1.3)
    assert models.scheme_of(described) is IBUG68


@pytest.mark.parametrize(
    ("inputs", "scale", "offset"),
    [
        ("0..255", 1, 0),
        ("0..1", 1 / 255, 0),
        ("-1..1", 1 / 127.5, -1),
        ((1 / 64, -2.0), 1 / 64, -2),
        (([1 / 64, 1 / 58, 1 / 57], [-2.0, -1.5, -1.0]), [1 / 64, 1 / 58, 1 / 57], [-2, -1.5, -1]),
    ],
)
@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_stated_inputs_and_channels(images, inputs, scale, offset, channels):
    model = body()
    seen = images[..., ::-1] if channels == "BGR" else images
    described = models.describe(model, FaceCrop(SIZE), inputs=inputs, channels=channels)
    expected = model.predict(given(seen, scale, offset), verbose=0)
    np.testing.assert_allclose(described.predict(images, verbose=0), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("rescaling", [(1 / 255, 0.0), (1 / 127.5, -1.0)])
@pytest.mark.parametrize("nested", [False, True])
def test_a_rescaling_at_the_begin_tells_the_inputs(images, rescaling, nested):
    first = keras.layers.Rescaling(*rescaling, name="any_name")
    if nested:
        first = keras.Sequential([keras.Input((SIZE, SIZE, 3)), first])
    model = body(first)
    described = models.describe(model, FaceCrop(SIZE))
    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(described.predict(images, verbose=0), expected, atol=1e-4)


@pytest.mark.parametrize(
    "first",
    [
        [],
        [keras.layers.Rescaling(1.0)],
        [keras.layers.Rescaling(2.0, -1.0)],  # of 0..1 to -1..1
        [keras.layers.Normalization(mean=[1, 2, 3], variance=[1, 1, 1])],
    ],
)
def test_inputs_are_never_guessed(first):
    rule = r"inputs must be given, one of 0..255, 0..1, -1..1, .* Got: "
    with pytest.raises(ValueError, match=rule):
        models.describe(body(*first), FaceCrop(SIZE))


def two_outputs():
    image = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Flatten()(image)
    return keras.Model(image, [keras.layers.Dense(4)(x), keras.layers.Dense(4)(x)])


class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("build", "options", "rule"),
    [
        (
            lambda: body(shape=(136, 1)),
            {},
            r"must have shape \(batch, landmarks, 2\) or .* Got: \(None, 136, 1\)",
        ),
        (lambda: body(shape=(2, 68)), {}, r"Got: \(None, 2, 68\)"),
        (body, {"crop": FaceCrop(64)}, r"shape \(batch, 64, 64, 3\).* Got: \(None, 32, 32, 3\)"),
        (
            body,
            {"scheme": "wflw98"},
            r"98 landmarks of wflw98. Got: 68, from its output \(None, 68, 2\)",
        ),
        (
            body,
            {"units": "per cent"},
            "units must be one of pixels, fraction, or .* Got: 'per cent'",
        ),
        (body, {"units": 0}, "units must be one of pixels, fraction, or .* Got: 0"),
        (body, {"inputs": "0..2"}, "inputs must be one of 0..255, 0..1, -1..1 or a pair"),
        (body, {"inputs": (1, 2, 3)}, "inputs must be one of 0..255, 0..1, -1..1 or a pair"),
        (body, {"channels": "GBR"}, "channels must be one of RGB, BGR. Got: 'GBR'"),
        (two_outputs, {}, "one input, the crop, and one output, the landmarks. Got: 1 and 2"),
        (Subclassed, {}, "must be a Functional or Sequential model with an input. Got: Subclassed"),
        (lambda: models.TRNet20(input_size=32, width=0.25), {}, "the model is already described"),
    ],
)
def test_what_cannot_be_described_is_refused(build, options, rule):
    with pytest.raises(ValueError, match=rule):
        models.describe(build(), **{"crop": FaceCrop(SIZE), "inputs": "0..255", **options})


def test_the_model_that_was_described_is_as_before(images):
    model = body(keras.layers.Rescaling(1 / 255))
    expected = model.predict(images, verbose=0)
    described = models.describe(model, FaceCrop(SIZE))
    described.set_weights([weight + 1 for weight in described.get_weights()])
    np.testing.assert_array_equal(model.predict(images, verbose=0), expected)
    assert model.get_layer("points").output is model.layers[-1].input


def test_a_size_that_is_open_becomes_the_crops(images):
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3)(keras.layers.Rescaling(1 / 255)(image))
    x = keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, x)
    described = models.describe(model, FaceCrop(SIZE))
    assert described.input_shape == (None, SIZE, SIZE, 3)
    expected = model.predict(images, verbose=0).reshape(-1, 5, 2)
    np.testing.assert_allclose(described.predict(images, verbose=0), expected, atol=1e-4)


def trained_like(described, tree):
    """A described model that finds faces roughly: its last bias is the mean shape."""
    dense = graph.output_dense(described)
    kernel, bias = dense.get_weights()
    data = crops.model_crops(read("300w", tree, "train"), models.frame_of(described))
    mean = data.landmarks.mean(axis=0).ravel() / models.layers.shape_layer(described).scale
    dense.set_weights([0.01 * kernel, mean.astype(np.float32)])
    return described, data


@pytest.mark.parametrize("units", ["pixels", "fraction"])
def test_everything_takes_a_described_model(tree, tmp_path, units):
    from keras_fld.lite import convert, parity
    from keras_fld.predict import metadata

    pytest.importorskip("tensorflow")
    model = models.describe(
        body(keras.layers.Rescaling(1 / 255)), FaceCrop(SIZE), "ibug68", units, channels="BGR"
    )
    model, data = trained_like(model, tree)
    model.save(tmp_path / "model.keras")
    loaded = models.load_model(tmp_path / "model.keras")
    assert models.frame_of(loaded) == FaceCrop(SIZE) and models.scheme_of(loaded) is IBUG68
    nme = evaluate(loaded, "300w", tree).nme("common")
    assert 0 < nme < 30
    for mode in ("float32", "int8"):
        path = convert(loaded, tmp_path / f"{mode}.tflite", mode, data.images)
        report = parity(path, tmp_path / "model.keras", "300w", tree)
        assert report.summary["mean"] < (0.001 if mode == "float32" else 0.3)
    about = metadata.read(tmp_path / "int8.tflite")
    assert about["scheme"] == "ibug68" and np.ptp(about["mean_shape"]) > 10
    box = np.array([20.0, 20.0, 50.0, 50.0])
    face = FaceLandmarker(tmp_path / "int8.tflite").detect(np.zeros((96, 96, 3), np.uint8), [box])
    assert face[0].landmarks.shape == (68, 2)
    before = np.abs(loaded.predict(data.images, verbose=0) - data.landmarks).mean()
    faces = data.images, data.landmarks
    with eager():
        refined = models.refine(loaded, faces, loss="l2", rounds=3, learning_rate=0.02, verbose=0)
        local = models.refine(loaded, faces, windows=1, rounds=1, verbose=0)
    after = np.abs(refined.predict(data.images, verbose=0) - data.landmarks).mean()
    assert after < before
    assert local.output_shape == (None, 68, 2)


def test_a_model_without_a_linear_dense_is_not_refined(images):
    model = models.describe(body(activation="sigmoid"), FaceCrop(SIZE), 68, "fraction", "0..1")
    landmarks = np.zeros((5, 68, 2), np.float32)
    with pytest.raises(ValueError, match="must end in a linear Dense with a bias"):
        models.refine(model, (images, landmarks), rounds=1, verbose=0)


def test_a_sigmoid_at_the_end_is_converted(images, tmp_path):
    pytest.importorskip("tensorflow")
    from keras_fld.lite import convert
    from keras_fld.predict.lite_model import LiteModel

    model = models.describe(body(activation="sigmoid"), FaceCrop(SIZE), 68, "fraction", "0..1")
    expected = model.predict(images, verbose=0)
    for mode, bound in (("float32", 1e-3), ("int8", 0.5)):
        found = LiteModel(convert(model, tmp_path / "a.tflite", mode, images)).predict(images)
        assert np.abs(found - expected).max() < bound


MOBILE = 64


def mobile_net(num_landmarks=68, **options):
    """The example of the guide: MobileNetV3 of keras.applications with the package's head."""
    keras.utils.set_random_seed(0)
    body = keras.applications.MobileNetV3Small(
        (MOBILE, MOBILE, 3), alpha=0.75, weights=None, include_top=False, pooling="avg"
    )
    landmarks = models.head(body.output, num_landmarks, FaceCrop(MOBILE), **options)
    return keras.Model(body.input, landmarks, name="mobile")


def test_a_mobile_net_with_the_head_trains_and_is_converted(tree, tmp_path):
    pytest.importorskip("tensorflow")
    from keras_fld import losses
    from keras_fld.lite import convert
    from keras_fld.predict.lite_model import LiteModel

    model = mobile_net()
    data = crops.model_crops(read("300w", tree, "train"), models.frame_of(model))
    untrained = model.predict(data.images[:2], verbose=0)
    expected = FaceCrop(MOBILE).shape_pixels(IBUG68.mean_shape)
    np.testing.assert_allclose(untrained[1], expected, atol=1e-3)
    model.compile("adam", loss=losses.ENME())
    with eager():
        model.fit(data.images, data.landmarks, batch_size=8, epochs=1, verbose=0)
    models.saving.save(model, tmp_path / "mobile.keras")
    loaded = models.load_model(tmp_path / "mobile.keras")
    assert models.frame_of(loaded) == FaceCrop(MOBILE) and models.scheme_of(loaded) is IBUG68
    file = convert(loaded, tmp_path / "mobile.tflite", "float16")
    found = LiteModel(file).predict(data.images[:2])
    np.testing.assert_allclose(found, loaded.predict(data.images[:2], verbose=0), atol=0.4)


def test_a_head_takes_landmarks_of_ones_own():
    five = custom.from_dict({"name": "five", "landmarks": 5, "mirror_pairs": [[0, 1], [3, 4]]})
    shape = np.array([[10, 10], [20, 10], [16, 16], [12, 22], [20, 22]])
    image = keras.Input((SIZE, SIZE, 3))
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image))
    model = keras.Model(image, models.head(features, 5, None, five, shape, scale=2.0))
    assert models.scheme_of(model) == five and models.frame_of(model).size == SIZE
    np.testing.assert_allclose(model.predict(np.zeros((1, SIZE, SIZE, 3)), verbose=0)[0], shape)


@pytest.mark.parametrize(
    ("build", "rule"),
    [
        (lambda x: models.head(x, 5), r"shape \(batch, channels\): .* Got: \(None, 32, 32, 3\)"),
        (
            lambda x: models.head(keras.layers.Flatten()(x), 5, FaceCrop(64)),
            r"shape \(batch, 64, 64, 3\), the size of the crop. Got: \(None, 32, 32, 3\)",
        ),
        (
            lambda x: models.head(keras.layers.Flatten()(x), 5, scheme="ibug68"),
            "num_landmarks must be 68 for ibug68. Got: 5",
        ),
    ],
)
def test_a_head_that_does_not_fit_is_refused(build, rule):
    with pytest.raises(ValueError, match=rule):
        build(keras.Input((SIZE, SIZE, 3)))


def test_a_head_on_two_inputs_is_refused():
    x = keras.layers.Concatenate()([keras.Input((4,)), keras.Input((3,))])
    with pytest.raises(ValueError, match="a network must have one input, the crop. Got: 2"):
        models.head(x, 5)
