import numpy as np
import pytest

from keras_fld import schemes
from keras_fld.schemes import IBUG68, SCHEMES


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda s: s.name)
def test_patches_cover_every_landmark_once(scheme):
    indices = sorted(i for patch in scheme.patches.values() for i in patch)
    assert indices == list(range(scheme.num_landmarks))


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda s: s.name)
def test_mirror_twice_is_the_identity(scheme):
    assert (scheme.mirror[scheme.mirror] == np.arange(scheme.num_landmarks)).all()


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda s: s.name)
def test_mean_shape_is_its_own_mirror_image_and_fills_its_box(scheme):
    mirrored = scheme.mean_shape[scheme.mirror] * [-1, 1]
    np.testing.assert_allclose(mirrored, scheme.mean_shape, atol=1e-6)
    assert np.ptp(scheme.mean_shape, axis=0).max() == pytest.approx(1)


def test_a_mirror_keeps_every_patch_within_itself():
    for indices in IBUG68.patches.values():
        assert set(IBUG68.mirror[list(indices)]) == set(indices)


def test_ibug68_normalisers_are_the_published_ones():
    points = np.random.default_rng(0).normal(size=(3, 68, 2))
    ocular = np.hypot(*(points[:, 36] - points[:, 45]).T)
    pupil = np.hypot(*(points[:, 36:42].mean(1) - points[:, 42:48].mean(1)).T)
    np.testing.assert_allclose(IBUG68.distance(points, "inter_ocular"), ocular)
    np.testing.assert_allclose(IBUG68.distance(points, "inter_pupil"), pupil)


def test_distance_is_nan_where_an_eye_is_not_annotated():
    points = np.ones((2, 68, 2))
    points[0, 40] = np.nan
    assert np.isnan(IBUG68.distance(points, "inter_pupil")).tolist() == [True, False]
    assert not np.isnan(IBUG68.distance(points, "inter_ocular")).any()


def test_get_finds_by_name_number_and_itself():
    assert schemes.get("ibug68") is schemes.get(68) is schemes.get(IBUG68) is IBUG68
    with pytest.raises(ValueError, match=r"scheme must be one of ibug68.*Got: 'ibug69'"):
        schemes.get("ibug69")
    with pytest.raises(ValueError, match="normalizer of ibug68 must be one of"):
        IBUG68.distance(np.ones((68, 2)), "nose")
