import cv2
import numpy as np
import pytest

from keras_fld.geometry.reduction import averaged, halved, reduced


def means(image, factor):
    """Means of `factor` by `factor` pixels; what is left over is dropped."""
    height, width = image.shape[0] // factor, image.shape[1] // factor
    even = image[: height * factor, : width * factor].astype(float)
    return even.reshape(height, factor, width, factor, -1).mean(axis=(1, 3))


@pytest.mark.parametrize("shape", [(2, 2), (2, 34), (34, 2), (35, 67), (64, 96), (481, 640)])
def test_a_halved_pixel_is_the_mean_of_four_and_its_halves_are_rounded_up(shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    np.testing.assert_array_equal(halved(image), np.floor(means(image, 2) + 0.5))


@pytest.mark.parametrize(
    ("shape", "size", "halvings"),
    [
        ((480, 640), (128, 96), 2),
        ((480, 640), (320, 240), 1),
        ((481, 640), (128, 96), 0),  # the last row would be lost
        ((480, 642), (128, 96), 1),
        ((400, 100), (25, 100), 2),
        ((400, 100), (60, 200), 0),
        ((150, 640), (128, 96), 0),
        ((192, 640), (128, 96), 1),
        ((480, 256), (128, 96), 1),
        ((48, 64), (64, 48), 0),
    ],
)
def test_an_image_is_halved_as_long_as_no_pixel_is_lost_and_then_averaged(shape, size, halvings):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    expected = image
    for _ in range(halvings):
        expected = np.floor(means(expected, 2) + 0.5).astype(np.uint8)
    expected = cv2.resize(expected, size, interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(averaged(image, size), expected)
    # A ramp stays where it was. Each halving rounds by up to half a level.
    ramp = np.indices(shape).sum(axis=0)[..., None].repeat(3, axis=2) * 255 // sum(shape)
    ramp = ramp.astype(np.uint8)
    whole = cv2.resize(ramp, size, interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(averaged(ramp, size) - whole).max() <= 1 + halvings / 2


@pytest.mark.parametrize(
    ("shape", "side", "expected"),
    [
        ((30, 100, 3), 50, (15, 50, 3)),
        ((100, 30, 3), 50, (50, 15, 3)),
        ((33, 100, 3), 10, (3, 10, 3)),  # rounded, and the factor says so
        ((400, 3, 3), 40, (40, 1, 3)),  # at least a pixel
        ((3, 400, 3), 40, (1, 40, 3)),
    ],
)
def test_a_reduced_image_has_the_longer_side_and_the_factors_back(shape, side, expected):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    small, factor = reduced(image, side)
    assert small.shape == expected
    assert factor.tolist() == [shape[1] / expected[1], shape[0] / expected[0]]


@pytest.mark.parametrize("side", [40, 41])
def test_an_image_that_is_small_enough_stays_as_it_is(side):
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    small, factor = reduced(image, side)
    assert small is image and factor.tolist() == [1, 1]


def test_a_reduced_image_is_averaged():
    board = (np.indices((80, 80)).sum(0) % 2 * 255).astype(np.uint8)
    small, _ = reduced(np.repeat(board[..., None], 3, axis=2), 20)
    assert np.abs(small.astype(int) - 127).max() <= 1
