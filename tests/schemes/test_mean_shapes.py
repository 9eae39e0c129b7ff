"""The stored mean shapes are those of the package's own 3-D face, drawn anew."""

import zlib

import numpy as np
import pytest

from keras_fld.data.synthetic.schemes import mean_shape
from keras_fld.schemes import IBUG68, SCHEMES
from keras_fld.schemes.mean_face import MEAN_FACE, both_sides
from keras_fld.schemes.mtfl5 import MTFL5


@pytest.mark.parametrize("scheme", [*SCHEMES.values(), MTFL5], ids=lambda scheme: scheme.name)
def test_the_stored_shape_is_the_drawn_one(scheme):
    np.testing.assert_allclose(scheme.mean_shape, mean_shape(scheme), rtol=0, atol=1e-12)
    low, high = scheme.mean_shape.min(axis=0), scheme.mean_shape.max(axis=0)
    np.testing.assert_allclose((low + high) / 2, 0, atol=1e-12)
    assert (high - low).max() == pytest.approx(1)


def test_the_3d_face_is_the_one_that_poses_and_drawn_faces_are_made_of():
    """With another, the head poses of all landmarks and all drawn faces would change."""
    thousandths = np.round(1000 * MEAN_FACE).astype("<i4")
    np.testing.assert_allclose(MEAN_FACE, thousandths / 1000, rtol=0, atol=1e-12)
    assert zlib.crc32(thousandths.tobytes()) == 3751616641


def test_a_point_of_half_a_face_is_also_its_mirror_partner():
    for index, partner in enumerate(IBUG68.mirror):
        expected = np.zeros((68, 3))
        expected[partner] = -0.5, 2, 3
        expected[index] = 0.5, 2, 3
        np.testing.assert_array_equal(both_sides({index: (0.5, 2, 3)}), expected)
