import numpy as np
import pytest

from keras_fld.data.augment import Augmentation, augment, darken, generator, shrink
from keras_fld.data.crops import Crops, training_crops
from keras_fld.geometry.frame import FaceCrop
from keras_fld.schemes import IBUG68

GEOMETRY_ONLY = {"color": 0, "gray": 0, "blur": 0, "occlusion": 0}


@pytest.fixture
def dots():
    """A black crop with a bright dot at each of five landmarks; the others are far away."""
    rng = np.random.default_rng(0)
    size = 185
    image = np.zeros((size, size, 3), np.uint8)
    landmarks = np.full((68, 2), np.nan, np.float32)
    chosen = [8, 36, 45, 48, 54]
    landmarks[chosen] = [[92, 130], [65, 70], [121, 72], [72, 109], [113, 112]]
    y, x = np.mgrid[:size, :size]
    for i in chosen:
        landmarks[i] += rng.uniform(-2, 2, 2)
        distance = np.hypot(x - landmarks[i, 0], y - landmarks[i, 1])
        image[..., 0] = np.maximum(image[..., 0], 255 * np.exp(-((distance / 4) ** 2)))
    image[..., 1] = image[..., 2] = image[..., 0]
    return Crops(image[None], landmarks[None], np.eye(2, 3)[None], FaceCrop(), IBUG68, ["dots"], [])


@pytest.mark.parametrize("epoch", range(20))
def test_image_and_landmarks_never_part(dots, epoch):
    image, landmarks = augment(dots, 0, generator(0, epoch, 0), Augmentation(**GEOMETRY_ONLY))
    y, x = np.mgrid[:64, :64]
    gray = image[..., 0].astype(float)
    visible = np.flatnonzero(~np.isnan(landmarks[:, 0]))
    assert len(visible) == 5
    for u, v in landmarks[visible]:
        near = gray * (np.hypot(x - u, y - v) < 5)
        centroid = np.array([(near * x).sum(), (near * y).sum()]) / near.sum()
        np.testing.assert_allclose(centroid, [u, v], atol=0.15)


def test_a_mirrored_face_has_its_landmarks_renamed(dots):
    still = {"rotation": 0, "scale": 0, "jitter": 0, **GEOMETRY_ONLY}
    plain_image, plain = augment(dots, 0, generator(0, 0, 0), Augmentation(flip=0, **still))
    image, flipped = augment(dots, 0, generator(0, 0, 0), Augmentation(flip=1, **still))
    np.testing.assert_allclose(flipped[36], [63 - plain[45, 0], plain[45, 1]], atol=1e-4)
    np.testing.assert_allclose(flipped[8], [63 - plain[8, 0], plain[8, 1]], atol=1e-4)
    assert np.abs(image[:, ::-1].astype(int) - plain_image).max() <= 2
    assert flipped[36, 0] < flipped[45, 0], "the image's left eye stays on the left"


def test_turns_stay_within_the_limit_and_are_drawn_from_all_of_it(dots):
    options = Augmentation(rotation=30, scale=0, jitter=0, flip=0, **GEOMETRY_ONLY)
    base = dots.landmarks[0, 45] - dots.landmarks[0, 36]
    angles = []
    for epoch in range(400):
        _, landmarks = augment(dots, 0, generator(1, epoch, 0), options)
        eyes = landmarks[45] - landmarks[36]
        turn = np.arctan2(base[0] * eyes[1] - base[1] * eyes[0], base @ eyes)
        angles.append(np.degrees(turn))
    assert np.abs(angles).max() <= 30.001
    assert max(angles) > 20 and min(angles) < -20 and 8 < np.std(angles) < 12


def test_a_stretch_changes_proportions_and_keeps_the_area(dots):
    still = {"rotation": 0, "scale": 0, "jitter": 0, "flip": 0, **GEOMETRY_ONLY}
    _, plain = augment(dots, 0, generator(0, 0, 0), Augmentation(**still))
    before, ratios = _edges(plain), []
    for epoch in range(200):
        options = Augmentation(**still, stretch=0.1)
        image, landmarks = augment(dots, 0, generator(0, epoch, 0), options)
        linear = np.linalg.lstsq(before, _edges(landmarks), rcond=None)[0]
        assert np.linalg.det(linear) == pytest.approx(1, abs=1e-4)
        ratios.append(np.log(np.linalg.svd(linear, compute_uv=False)[0]))
        u, v = landmarks[8]
        assert image[round(float(v)), round(float(u)), 0] > 150
    assert 0.09 < max(ratios) <= 0.1001


def _edges(landmarks):
    """Vectors from the chin to the other visible landmarks."""
    visible = landmarks[[8, 36, 45, 48, 54]]
    return visible[1:] - visible[0]


def test_the_same_key_draws_the_same_face_and_another_another(dots):
    a, b, c = (augment(dots, 0, generator(0, 5, i), Augmentation()) for i in (3, 3, 4))
    np.testing.assert_array_equal(a[0], b[0])
    np.testing.assert_array_equal(a[1], b[1])
    assert not np.array_equal(a[1], c[1], equal_nan=True)


def test_without_augmentation_a_training_crop_gives_the_models_crop(tree):
    """The two paths, prepared and direct, show the same pixels."""
    from keras_fld.data import crops, read

    faces, frame = read("300w", tree, "train"), FaceCrop()
    wide, direct = training_crops(faces, frame), crops.model_crops(faces, frame)
    still = Augmentation(rotation=0, scale=0, jitter=0, flip=0, **GEOMETRY_ONLY)
    for index in range(4):
        image, landmarks = augment(wide, index, generator(0, 0, index), still)
        np.testing.assert_allclose(landmarks, direct.landmarks[index], atol=1e-3)
        assert np.abs(image.astype(int) - direct.images[index]).mean() < 4


@pytest.mark.parametrize(
    ("option", "rule"),
    [
        ({"flip": 1.5}, "flip must be between 0 and 1. Got: 1.5"),
        ({"scale": -1}, "scale must be at"),
    ],
)
def test_bad_options_are_refused(option, rule):
    with pytest.raises(ValueError, match=rule):
        Augmentation(**option)


def test_poor_light_and_few_pixels_change_the_picture_alone(dots):
    still = {"rotation": 0, "scale": 0, "jitter": 0, "flip": 0, **GEOMETRY_ONLY}
    plain, points = augment(dots, 0, generator(0, 0, 0), Augmentation(**still))
    for name in ("dark", "small"):
        image, moved = augment(dots, 0, generator(0, 0, 0), Augmentation(**still, **{name: 1.0}))
        np.testing.assert_array_equal(moved, points)
        assert image.shape == plain.shape and image.dtype == plain.dtype
        assert image.max() < plain.max() and not np.array_equal(image, plain)


def test_light_is_taken_and_noise_is_added():
    bright = np.full((64, 64, 3), 200, np.uint8)
    means = [darken(bright, generator(0, 0, i)).mean() / 200 for i in range(200)]
    assert 0.09 < min(means) < 0.15 and 0.55 < max(means) < 0.61


def test_a_face_of_fewer_pixels_keeps_its_place():
    image = np.zeros((64, 64, 3), np.uint8)
    image[20:24, 40:44] = 255
    y, x = np.mgrid[:64, :64]
    for index in range(20):
        gray = shrink(image, generator(0, 0, index))[..., 0].astype(float)
        center = [(gray * x).sum() / gray.sum(), (gray * y).sum() / gray.sum()]
        np.testing.assert_allclose(center, [41.5, 21.5], atol=0.5)
