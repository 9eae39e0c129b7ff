"""Normalising distances of faces."""

import numpy as np
import pytest
from keras import ops

from keras_fld import losses, schemes
from keras_fld.losses import normalizers


@pytest.fixture
def faces():
    return np.random.default_rng(0).uniform(0, 64, (3, 68, 2)).astype(np.float32)


@pytest.mark.parametrize("name", ["inter_pupil", "inter_ocular"])
def test_a_name_is_the_schemes_distance(faces, name):
    faces[1, 36] = np.nan
    result = ops.convert_to_numpy(losses.normalizing_distance(faces, name))
    np.testing.assert_allclose(result, schemes.get(68).distance(faces, name), rtol=1e-5)
    assert np.isnan(result).tolist() == [False, True, False]


def test_inter_ocular_joins_the_outer_eye_corners(faces):
    result = ops.convert_to_numpy(losses.normalizing_distance(faces, "inter_ocular"))
    np.testing.assert_allclose(result, np.linalg.norm(faces[:, 36] - faces[:, 45], axis=-1), 1e-5)


def test_numbers_and_functions(faces):
    assert losses.normalizing_distance(faces, 20) == 20.0
    result = losses.normalizing_distance(faces, lambda y: y[:, :1, 0])
    np.testing.assert_array_equal(ops.convert_to_numpy(result), faces[:, 0, 0])


def test_errors_name_what_there_is(faces):
    with pytest.raises(ValueError, match=r"must be one of inter_ocular, inter_pupil. Got: 'ear'"):
        losses.normalizing_distance(faces, "ear")
    with pytest.raises(ValueError, match=r"scheme must be one of .*Got: 5"):
        losses.normalizing_distance(faces[:, :5], "inter_pupil")
    with pytest.raises(ValueError, match=r"needs targets of shape \(batch, landmarks, 2\)"):
        losses.normalizing_distance(faces[:, 0, 0], "inter_pupil")


def test_check_and_serialize_keep_what_is_no_function():
    for normalizer in (None, "inter_pupil", 12.5):
        assert normalizers.check(normalizers.serialize(normalizer)) == normalizer
    assert normalizers.check(np.float32(3)) == 3.0
    with pytest.raises(ValueError, match="normalizer must be None, a name"):
        normalizers.check(True)
