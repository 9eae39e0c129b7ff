from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from keras_fld import schemes
from keras_fld.schemes import AFLW19, COFW29, IBUG68, SCHEMES, WFLW98, Scheme, registry
from keras_fld.schemes.custom import from_dict, to_dict
from keras_fld.schemes.mtfl5 import MTFL5

every = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda s: s.name)


@every
def test_the_name_says_how_many_landmarks_there_are(scheme):
    assert (
        scheme.name.endswith(str(scheme.num_landmarks)) and schemes.SCHEMES[scheme.name] is scheme
    )


@every
def test_patches_cover_every_landmark_once(scheme):
    indices = sorted(i for patch in scheme.patches.values() for i in patch)
    assert indices == list(range(scheme.num_landmarks))
    assert set(scheme.patches) == {"contour", "brows", "nose", "eyes", "mouth"}


@every
def test_mirror_twice_is_the_identity(scheme):
    assert (scheme.mirror[scheme.mirror] == np.arange(scheme.num_landmarks)).all()
    named = [index for pair in scheme.mirror_pairs for index in pair]
    assert len(named) == len(set(named))  # no landmark has two partners


@every
def test_a_mirror_keeps_every_patch_within_itself(scheme):
    for indices in scheme.patches.values():
        assert set(scheme.mirror[list(indices)]) == set(indices)


@every
def test_mean_shape_is_its_own_mirror_image_and_fills_its_box(scheme):
    mirrored = scheme.mean_shape[scheme.mirror] * [-1, 1]
    np.testing.assert_allclose(mirrored, scheme.mean_shape, atol=1e-6)
    assert np.ptp(scheme.mean_shape, axis=0).max() == pytest.approx(1)
    np.testing.assert_allclose(scheme.mean_shape.min(0) + scheme.mean_shape.max(0), 0, atol=1e-12)


@every
def test_only_landmarks_on_the_middle_line_are_their_own_partners(scheme):
    on_middle = np.abs(scheme.mean_shape[:, 0]) < 1e-9
    np.testing.assert_array_equal(on_middle, scheme.mirror == np.arange(scheme.num_landmarks))


@every
def test_the_mean_shape_is_a_face(scheme):
    height = {n: scheme.mean_shape[list(i), 1].mean() for n, i in scheme.patches.items()}
    assert height["brows"] < height["eyes"] < height["nose"] < height["mouth"]
    chin = scheme.mean_shape[list(scheme.patches["contour"]), 1].max()
    assert chin == scheme.mean_shape[:, 1].max()
    eyes = scheme.mean_shape[list(scheme.patches["eyes"])]
    assert scheme.distance(scheme.mean_shape, "inter_ocular") == pytest.approx(np.ptp(eyes[:, 0]))


@every
def test_normalizers_join_mirror_partners_from_left_to_right(scheme):
    assert {"inter_ocular", "inter_pupil"} <= set(scheme.normalizers)
    lengths = [scheme.distance(scheme.mean_shape, n) for n in ("inter_pupil", "inter_ocular")]
    assert 1.2 < lengths[1] / lengths[0] < 1.6
    for name in scheme.normalizers:
        first, second = scheme.normalizer_indices(name)
        assert set(scheme.mirror[first]) == set(second)
        assert scheme.mean_shape[first, 0].mean() < 0 < scheme.mean_shape[second, 0].mean()


@every
def test_lines_join_neighbors_of_one_patch(scheme):
    for line in scheme.lines:
        assert any(set(line) <= set(indices) for indices in scheme.patches.values())
        steps = np.linalg.norm(np.diff(scheme.mean_shape[list(line)], axis=0), axis=-1)
        assert steps.min() > 0 and steps.max() < 0.45


# Landmarks that no line joins: pupils, a chin without a contour, MTFL's eyes and nose.
ALONE = {"aflw19": {18}, "cofw29": {16, 17, 28}, "ibug68": set(), "wflw98": {96, 97}}
ALONE["mtfl5"] = {0, 1, 2}


@pytest.mark.parametrize("scheme", [*SCHEMES.values(), MTFL5], ids=lambda s: s.name)
def test_lines_join_all_landmarks_and_are_their_own_mirror_image(scheme):
    steps = [step for line in scheme.lines for step in zip(line, line[1:], strict=False)]
    joined = {frozenset(step) for step in steps}
    assert {frozenset(scheme.mirror[list(step)].tolist()) for step in joined} == joined
    assert set().union(*joined) == set(range(scheme.num_landmarks)) - ALONE[scheme.name]
    # Only at the mouth does a line lead from a landmark to its mirror partner.
    across = {index for a, b in steps if scheme.mirror[a] == b for index in (a, b)}
    assert across <= set(scheme.patches["mouth"])


def test_a_scheme_is_shown_without_its_long_lists():
    assert "patches=" in repr(IBUG68) and "normalizers=" in repr(IBUG68)
    assert "lines=" not in repr(IBUG68) and "landmark_names=" not in repr(IBUG68)


def test_a_scheme_does_not_change():
    with pytest.raises(FrozenInstanceError):
        IBUG68.name = "other"


def test_ibug68_normalizers_are_the_published_ones():
    points = np.random.default_rng(0).normal(size=(3, 68, 2))
    ocular = np.hypot(*(points[:, 36] - points[:, 45]).T)
    pupil = np.hypot(*(points[:, 36:42].mean(1) - points[:, 42:48].mean(1)).T)
    np.testing.assert_allclose(IBUG68.distance(points, "inter_ocular"), ocular)
    np.testing.assert_allclose(IBUG68.distance(points, "inter_pupil"), pupil)


@pytest.mark.parametrize(
    ("scheme", "ocular", "pupil"),
    [(COFW29, (8, 9), (16, 17)), (WFLW98, (60, 72), (96, 97)), (AFLW19, (6, 11), (7, 10))],
    ids=lambda value: getattr(value, "name", ""),
)
def test_normalizers_of_single_landmarks_are_the_published_ones(scheme, ocular, pupil):
    points = np.random.default_rng(0).normal(size=(scheme.num_landmarks, 2))
    for name, (a, b) in (("inter_ocular", ocular), ("inter_pupil", pupil)):
        expected = np.hypot(*(points[a] - points[b]))
        np.testing.assert_allclose(scheme.distance(points, name), expected)


def test_mtfls_eyes_are_its_normalizer_and_every_point_is_in_a_patch():
    assert sorted(index for patch in MTFL5.patches.values() for index in patch) == [0, 1, 2, 3, 4]
    points = np.random.default_rng(0).normal(size=(2, 5, 2))
    expected = np.hypot(*(points[:, 0] - points[:, 1]).T)
    np.testing.assert_allclose(MTFL5.distance(points, "inter_pupil"), expected)


def test_distance_is_nan_where_an_eye_is_not_annotated():
    points = np.ones((2, 68, 2))
    points[0, 40] = np.nan
    assert np.isnan(IBUG68.distance(points, "inter_pupil")).tolist() == [True, False]
    assert not np.isnan(IBUG68.distance(points, "inter_ocular")).any()


def test_places_that_are_read_off_the_published_pictures():
    """Mean shapes put each index where the schemes' own figures show it."""
    x, y = WFLW98.mean_shape.T
    assert (np.diff(x[:33]) > 0).all()  # the contour runs from the image's left to its right
    assert (y[38:42] > y[[37, 36, 35, 34]]).all() and (y[47:51] > y[[45, 44, 43, 42]]).all()
    assert y[62] < y[96] < y[66] and x[60] < x[96] < x[64]
    x, y = COFW29.mean_shape.T
    assert x[0] < x[4] < x[2] < x[3] < x[6] < x[1]  # brows: ends and upper edges
    assert y[4] < y[5] and y[6] < y[7]
    assert x[8] < x[16] < x[10] < x[11] < x[17] < x[9] and y[12] < y[16] < y[13]
    assert y[20] < y[21] < y[24] < y[25] < y[26] < y[27] < y[28]
    x, y = AFLW19.mean_shape.T
    assert (np.diff(x[:6]) > 0).all() and (np.diff(x[6:12]) > 0).all()
    assert x[12] < x[13] < x[14] and y[13] < y[12] and x[15] < x[16] < x[17] < x.max()


def test_get_finds_by_name_number_and_itself():
    assert schemes.get("ibug68") is schemes.get(68) is schemes.get(IBUG68) is IBUG68
    assert [schemes.with_landmarks(n) for n in (19, 29, 98, 5)] == [AFLW19, COFW29, WFLW98, None]
    with pytest.raises(ValueError, match=r"scheme must be one of ibug68.*Got: 'ibug69'"):
        schemes.get("ibug69")
    with pytest.raises(ValueError, match="normalizer of ibug68 must be one of"):
        IBUG68.distance(np.ones((68, 2)), "nose")


def test_a_scheme_of_ones_own_has_no_default_mean_shape():
    own = Scheme("own", {"eyes": (0, 1)}, ((0, 1),), {"inter_ocular": ((0,), (1,))})
    assert own.num_landmarks == 2 and own.mirror.tolist() == [1, 0]
    with pytest.raises(ValueError, match=r"mean_shape must be given for .*ibug68, .*Got: 'own'"):
        _ = own.mean_shape


def test_only_what_is_registered_is_found_by_its_name(monkeypatch):
    monkeypatch.setattr(registry, "_OTHERS", dict(registry._OTHERS))
    description = {"name": "two", "landmarks": 2, "mirror_pairs": [[0, 1]]}
    scheme = schemes.get(description)
    assert scheme == from_dict(description)
    with pytest.raises(ValueError, match="Got: 'two'"):
        schemes.get("two")
    assert schemes.register(scheme) is scheme is schemes.get("two")
    for give in (schemes.get, lambda description: schemes.register(from_dict(description))):
        with pytest.raises(
            ValueError, match="must not be that of one of the package's schemes. Got: 'ibug68'"
        ):
            give({"name": "ibug68", "landmarks": 68})


@every
def test_every_landmark_has_a_name_of_its_own_and_the_mirror_swaps_left_and_right(scheme):
    names = scheme.landmark_names
    assert len(set(names)) == len(names) == scheme.num_landmarks
    places = scheme.mean_shape[:, 0]
    other = {"left": "right", "right": "left"}
    for name, partner in zip(names, scheme.mirror, strict=True):
        side = next((word for word in name.split() if word in other), None)
        if side:
            assert other[side] in names[partner].split()
            assert (places[names.index(name)] < 0) == (side == "left")


def test_landmarks_without_names_are_numbered_by_region():
    scheme = from_dict({"name": "two", "landmarks": 3, "patches": {"a": [2], "b": [0, 1]}})
    assert scheme.landmark_names == ("b 0", "b 1", "a 0")
    assert from_dict(to_dict(scheme)) == scheme


def test_a_file_stores_the_name_of_the_packages_schemes_and_the_description_of_others():
    assert [registry.reference(scheme) for scheme in SCHEMES.values()] == list(SCHEMES)
    other = from_dict({"name": "two", "landmarks": 2})
    for scheme in (other, replace(IBUG68, lines=())):
        assert registry.reference(scheme) == to_dict(scheme)
    assert schemes.get(registry.reference(other)) == other
