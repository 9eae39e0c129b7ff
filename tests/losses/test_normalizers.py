"""Normalizing distances of faces."""

from functools import partial

import keras
import numpy as np
import pytest
from keras import ops

from keras_fld import losses, schemes
from keras_fld.losses import normalizers, shapes
from keras_fld.schemes import IBUG68


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
    flat = faces.reshape(3, 136)
    for other in (faces[:, 0, 0], flat, np.repeat(flat, 68, axis=0)[:68], faces.swapaxes(1, 2)):
        for normalizer in ("inter_pupil", normalizers.CenterDistance((0,), (1,))):
            with pytest.raises(ValueError, match=r"must have shape \(batch, landmarks, 2\). Got: "):
                losses.normalizing_distance(other, normalizer)


def test_check_and_serialize_keep_what_is_no_function():
    for normalizer in (None, "inter_pupil", 12.5, 0.25):
        assert normalizers.check(normalizers.serialize(normalizer)) == normalizer
    assert normalizers.check(np.float32(3)) == 3.0
    for normalizer in (True, 0, -0.5, float("nan")):
        with pytest.raises(ValueError, match="normalizer must be None, a name"):
            normalizers.check(normalizer)


@keras.saving.register_keras_serializable(package="keras_fld_tests")
def half_of_the_first(y_true):
    return y_true[:, 0, 0] / 2


def test_only_a_function_with_a_name_is_saved():
    assert normalizers.check(normalizers.serialize(half_of_the_first)) is half_of_the_first
    for nameless in (lambda y_true: y_true[:, 0, 0], partial(half_of_the_first)):
        with pytest.raises(ValueError, match="a normalizer function must have a name"):
            normalizers.serialize(nameless)


def test_shapes_agree_where_no_size_differs():
    for shape, other in [((4, 5, 2), (4, 5, 2)), ((), ()), ((None, 5, 2), (4, 5, 2))]:
        assert shapes.agree(shape, other) and shapes.agree(other, shape)
    for shape, other in [((4, 5), (4, 5, 2)), ((None, 5, 2), (4, 6, 2)), ((None,), ())]:
        assert not shapes.agree(shape, other) and not shapes.agree(other, shape)


def test_centers_give_the_distance_of_any_scheme_and_are_saved():
    from keras_fld.losses.normalizers import CenterDistance

    points = np.random.default_rng(0).uniform(0, 64, (4, 68, 2)).astype("float32")
    first, second = IBUG68.normalizer_indices("inter_pupil")
    centers = CenterDistance(first, second)
    expected = IBUG68.distance(points, "inter_pupil")
    np.testing.assert_allclose(ops.convert_to_numpy(centers(points)), expected, rtol=1e-5)
    again = normalizers.check(normalizers.serialize(centers))
    assert (again.first, again.second) == (first, second)


def test_what_a_metric_on_the_crop_takes():
    from keras_fld.geometry.frame import FaceCrop
    from keras_fld.schemes import AFLW19, custom

    assert normalizers.on_crop("face_box", AFLW19, FaceCrop(64, margin=1.25)) == 51.2
    assert normalizers.on_crop("inter_ocular", IBUG68, FaceCrop()) == "inter_ocular"
    assert normalizers.on_crop("head", IBUG68, FaceCrop()) in IBUG68.normalizers
    own = {"name": "own3", "landmarks": 3, "eyes": [[0], [2]]}
    chosen = normalizers.on_crop("inter_pupil", custom.from_dict(own), FaceCrop())
    assert (chosen.first, chosen.second) == ([0], [2])
    del own["eyes"]
    assert normalizers.on_crop("inter_pupil", custom.from_dict(own), FaceCrop()) is None
