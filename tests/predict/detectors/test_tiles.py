"""The tiles of a photograph, as numbers."""

from dataclasses import FrozenInstanceError

import cv2
import numpy as np
import pytest

from keras_fld.geometry.frame import transform
from keras_fld.predict.detectors.blazeface.tiles import LEAST, sides, tiles


def test_levels_halve_until_the_whole_picture_is_as_fine():
    image = np.zeros((768, 1024, 3), np.uint8)
    assert LEAST == 20
    assert sides(image, 192, 0.03) == [667, 333, 192]  # a face of 0.03 has 20 pixels in 667
    assert sides(image, 192, 20 / 240) == [192]  # 240 is 1.25 times 192, no level of its own
    assert sides(image, 192, 20 / 241) == [241, 192]
    assert sides(image.swapaxes(0, 1), 128, 0.0001) == [1024, 512, 256, 128]


@pytest.mark.parametrize(
    ("shape", "longer", "corners"),
    [
        # 667 pixels: tiles of 192 share at least 48, so five of them, 118.75 apart.
        ((192, 667), 667, [(x, 0) for x in (0, 119, 238, 356, 475)]),
        ((667, 192), 667, [(0, y) for y in (0, 119, 238, 356, 475)]),
        ((192, 336), 336, [(0, 0), (144, 0)]),  # 48 in common suffice
        ((192, 337), 337, [(0, 0), (72, 0), (145, 0)]),
        ((192, 192), 192, [(0, 0)]),
        ((100, 193), 193, [(0, -46), (1, -46)]),  # centered: half of the 92 rows left
        ((101, 192), 192, [(0, -45)]),
        ((192, 101), 192, [(-45, 0)]),
    ],
)
def test_tiles_overlap_enough_and_are_even(shape, longer, corners):
    image = np.random.default_rng(0).integers(1, 256, (*shape, 3), np.uint8)
    found = list(tiles(image, 192, [longer]))
    assert len(found) == len(corners)
    for tile, (x, y) in zip(found, corners, strict=True):
        # At its own scale the matrix only shifts.
        np.testing.assert_allclose(tile.to_photo, [[1, 0, x], [0, 1, y]])
        expected = np.zeros((192, 192, 3), np.uint8)
        for row in range(192):
            for column in (0, 46, 95, 191):
                if 0 <= y + row < shape[0] and 0 <= x + column < shape[1]:
                    expected[row, column] = image[y + row, x + column]
        columns = [0, 46, 95, 191]
        np.testing.assert_array_equal(tile.image[:, columns], expected[:, columns])
        ends = np.array([x, y]) + 192 >= [shape[1], shape[0]]
        np.testing.assert_array_equal(tile.low, np.where([x <= 0, y <= 0], -np.inf, -0.5))
        np.testing.assert_array_equal(tile.high, np.where(ends, np.inf, 191.5))


def test_each_level_is_reduced_from_the_one_before_and_leads_back_to_the_photograph():
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    found = list(tiles(image, 100, [200, 100]))
    half = cv2.resize(image, (200, 150), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(found[0].image, half[:100, :100])
    quarter = cv2.resize(half, (100, 75), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(found[-1].image[12:87], quarter)
    # The first of four pixels is centered at 1.5.
    np.testing.assert_allclose(transform([0, 12], found[-1].to_photo), [1.5, 1.5])
    np.testing.assert_allclose(transform([99, 86], found[-1].to_photo), [397.5, 297.5])


def test_a_small_photograph_is_enlarged_smoothly():
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    (tile,) = tiles(image, 100, [100])
    expected = cv2.resize(image, (100, 75), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(tile.image[12:87], expected)
    np.testing.assert_allclose(transform([-0.5, 11.5], tile.to_photo), [-0.5, -0.5])


@pytest.mark.parametrize(
    ("shape", "target", "smooth"),
    [((401, 100), (25, 100), cv2.INTER_AREA), ((10, 40), (100, 25), cv2.INTER_LINEAR)],
)
def test_a_narrow_photograph_is_averaged_where_it_is_reduced(shape, target, smooth):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    (tile,) = tiles(image, 100, [100])
    expected = cv2.resize(image, target, interpolation=smooth)
    left, top = (100 - target[0]) // 2, (100 - target[1]) // 2
    found = tile.image[top : top + target[1], left : left + target[0]]
    np.testing.assert_array_equal(found, expected)


def test_a_photograph_of_its_size_is_not_smoothed():
    image = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    (tile,) = tiles(image, 100, [100])
    np.testing.assert_array_equal(tile.image, image)
    with pytest.raises(FrozenInstanceError):
        tile.image = None


@pytest.mark.parametrize("shape", [(1, 900), (900, 1)])
def test_a_line_has_at_least_a_pixel(shape):
    image = np.full((*shape, 3), 90, np.uint8)
    (tile,) = tiles(image, 100, [100])
    assert (tile.image[..., 0] == 90).sum() == 100
    np.testing.assert_allclose(
        np.diag(tile.to_photo[:, :2]),
        np.array(shape[::-1]) / [100 if shape[1] > 1 else 1, 100 if shape[0] > 1 else 1],
    )
