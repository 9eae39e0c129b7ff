import numpy as np
import pytest

from keras_fld import schemes
from keras_fld.schemes import IBUG68, SCHEMES, WFLW98, convert
from keras_fld.schemes.conversion import conversions, groups_of
from keras_fld.schemes.jaw import space_jaw
from keras_fld.schemes.london189 import IBUG68_FROM_LONDON189, LONDON189
from keras_fld.schemes.mediapipe import IBUG68_FROM_MEDIAPIPE

BETWEEN = [pair for pair in conversions() if pair[0] in SCHEMES]
every = pytest.mark.parametrize(("source", "target"), conversions(), ids="-".join)
between_schemes = pytest.mark.parametrize(("source", "target"), BETWEEN, ids="-".join)

# MediaPipe's face oval, from the chin up the image's left side and up its right side.
OVAL_LEFT = [152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127]
OVAL_RIGHT = [152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 356]


def count_of(name):
    alone = {"mediapipe478": 478, "london189": 189}
    return alone.get(name) or schemes.get(name).num_landmarks


def test_every_conversion_that_is_promised_is_there():
    promised = {("ibug68", "cofw29"), ("ibug68", "aflw19"), ("wflw98", "ibug68")}
    assert promised | {(name, "ibug68") for name in ("mediapipe478", "london189")} <= set(
        conversions()
    )


@every
def test_it_is_the_mean_of_the_tables_landmarks(source, target):
    points = np.random.default_rng(0).normal(size=(3, count_of(source), 2))
    result = convert(points, source, target)
    groups = [points[:, list(group)].mean(axis=1) for group in groups_of(source, target)]
    means = np.stack(groups, axis=1)
    assert result.shape == (3, schemes.get(target).num_landmarks, 2)
    np.testing.assert_allclose(result, space_jaw(means) if source == LONDON189 else means)


@between_schemes
def test_it_commutes_with_the_mirror(source, target):
    first, second = schemes.get(source), schemes.get(target)
    points = np.random.default_rng(1).normal(size=(first.num_landmarks, 2))
    mirrored = (points * [-1, 1])[first.mirror]
    expected = (convert(points, source, target) * [-1, 1])[second.mirror]
    np.testing.assert_allclose(convert(mirrored, source, target), expected, atol=1e-12)


@between_schemes
def test_patches_come_from_the_same_patches(source, target):
    first, second = schemes.get(source), schemes.get(target)
    for patch, indices in second.patches.items():
        for index in indices:
            assert set(groups_of(source, target)[index]) <= set(first.patches[patch])


def test_mean_shapes_convert_into_each_other_where_that_is_exact():
    for target in ("ibug68", "cofw29", "aflw19"):
        shape, expected = convert(WFLW98.mean_shape, 98, target), schemes.get(target).mean_shape
        shape = (shape - (shape.min(0) + shape.max(0)) / 2) / np.ptp(shape, axis=0).max()
        np.testing.assert_allclose(shape, expected, atol=1e-12)


def test_by_way_of_68_gives_the_same_19_as_at_once():
    points = np.random.default_rng(2).normal(size=(98, 2))
    np.testing.assert_allclose(convert(convert(points, 98, 68), 68, 19), convert(points, 98, 19))


def mesh_groups():
    return [np.ravel(entry).tolist() for entry in IBUG68_FROM_MEDIAPIPE]


def test_conversions_use_the_tables():
    assert [list(group) for group in groups_of("mediapipe478", "ibug68")] == mesh_groups()
    london = [np.ravel(entry).tolist() for entry in IBUG68_FROM_LONDON189]
    assert [list(group) for group in groups_of("london189", "ibug68")] == london


def test_mediapipe_table_is_symmetric():
    """Each vertex has one mirror partner, wherever it is used."""
    groups, partner = mesh_groups(), {}
    for index, group in enumerate(groups):
        other = groups[IBUG68.mirror[index]]
        assert len(group) == len(other)
        if len(group) == 1:
            assert partner.setdefault(group[0], other[0]) == other[0]
    assert all(partner[partner[vertex]] == vertex for vertex in partner)
    used = [vertex for group in groups for vertex in group]
    assert len(used) == len(set(used)) and max(used) < 468


def test_mediapipe_contour_follows_the_face_oval():
    groups, both = mesh_groups(), []
    for side, oval in ((range(8, -1, -1), OVAL_LEFT), (range(8, 17), OVAL_RIGHT)):
        places = [np.mean([oval.index(vertex) for vertex in groups[index]]) for index in side]
        assert (np.diff(places) > 0).all() and places[0] == 0
        both.append(places)
    assert both[0] == both[1]


# More outlines of MediaPipe's face_mesh_connections.py, from the image's left to its right.
EYES = {
    "upper": (
        [33, 246, 161, 160, 159, 158, 157, 173, 133],
        [362, 398, 384, 385, 386, 387, 388, 466, 263],
    ),
    "lower": (
        [33, 7, 163, 144, 145, 153, 154, 155, 133],
        [362, 382, 381, 380, 374, 373, 390, 249, 263],
    ),
}
LIPS = {
    (48, 49, 50, 51, 52, 53, 54): [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291],
    (48, 59, 58, 57, 56, 55, 54): [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291],
    (60, 61, 62, 63, 64): [78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308],
    (60, 67, 66, 65, 64): [78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308],
}


def places_on(outline, landmarks):
    """The places of landmarks on one of MediaPipe's outlines."""
    groups = mesh_groups()
    return [outline.index(vertex) for i in landmarks for vertex in groups[i]]


def test_mediapipe_lids_and_lips_follow_their_outlines_symmetrically():
    for upper, indices in (("upper", (36, 37, 38, 39)), ("lower", (36, 41, 40, 39))):
        left, right = EYES[upper]
        places = places_on(left, indices)
        assert places[0] == 0 and places[-1] == len(left) - 1 and (np.diff(places) > 0).all()
        assert places[1] + places[2] == len(left) - 1
        mirrored = places_on(right, IBUG68.mirror[list(indices)])
        assert [len(left) - 1 - place for place in mirrored] == places
    for indices, outline in LIPS.items():
        places = places_on(outline, indices)
        assert places[0] == 0 and (np.diff(places) > 0).all()
        assert [len(outline) - 1 - place for place in places[::-1]] == places


def test_mediapipe_brows_and_nose_are_its_lines():
    assert places_on([70, 63, 105, 66, 107], range(17, 22)) == [0, 1, 2, 3, 4]
    assert places_on([336, 296, 334, 293, 300], range(22, 27)) == [0, 1, 2, 3, 4]
    bridge = places_on([168, 6, 197, 195, 5, 4, 1, 19, 94, 2], [27, 28, 29, 30, 33])
    assert bridge[0] == 0 and bridge[-1] == 9 and (np.diff(bridge) > 0).all()
    assert places_on([98, 97, 2, 326, 327], [32, 33, 34]) == [1, 2, 3]
    # The four vertices at each corner of the lips are none of the nose.
    nose = {vertex for index in IBUG68.patches["nose"] for vertex in mesh_groups()[index]}
    assert nose.isdisjoint({61, 76, 62, 78, 291, 306, 292, 308})


def test_londons_table_is_as_symmetric_as_a_face():
    """The template numbers its two halves in the same order or in reverse; the map follows it."""
    # Its own points mirrored: pairs read off numbers.jpg.
    runs = [((50, 54), (56, 60)), ((61, 65), (66, 70)), ((109, 111), (112, 114))]
    falling = [((18, 22), 27), ((28, 30), 33), ((71, 76), 82), ((87, 90), 93), ((94, 96), 98)]
    falling += [((99, 101), 103), ((104, 106), 108), ((125, 129), 133), ((179, 180), 182)]
    mirror = {55: 55, 134: 144, 185: 187, 186: 188}
    for (first, last), (other, _) in runs:
        mirror |= {index: other + index - first for index in range(first, last + 1)}
    for (first, last), other in falling:
        mirror |= {index: other - (index - first) for index in range(first, last + 1)}
    mirror |= {other: index for index, other in mirror.items()}
    groups = [np.ravel(entry).tolist() for entry in IBUG68_FROM_LONDON189]
    for index, other in enumerate(IBUG68.mirror):
        assert sorted(mirror[i] for i in groups[index]) == sorted(groups[other]), index


def test_mediapipe_takes_468_and_478_points_in_two_or_three_dimensions():
    points = np.random.default_rng(3).normal(size=(478, 3)).astype("float32")
    result = convert(points, 478, 68)
    assert result.shape == (68, 3) and result.dtype == np.float32
    np.testing.assert_array_equal(convert(points[:468], "mediapipe478", "ibug68"), result)


@every
def test_a_missing_landmark_is_missing_only_where_it_is_needed(source, target):
    points = np.zeros((count_of(source), 2))
    groups = groups_of(source, target)
    lost = groups[-1][0]
    points[lost] = np.nan
    gone = np.isnan(convert(points, source, target)).all(axis=-1)
    assert gone.tolist() == [lost in group for group in groups]


@pytest.mark.parametrize("name", SCHEMES)
def test_to_itself_is_a_copy(name):
    points = SCHEMES[name].mean_shape
    same = convert(points, name, SCHEMES[name])
    np.testing.assert_array_equal(same, points)
    assert same is not points and not np.shares_memory(same, points)


def test_whole_numbers_are_taken():
    assert convert(np.arange(136).reshape(68, 2), 68, 19)[7].tolist() == [77, 78]


@pytest.mark.parametrize(
    ("shape", "source", "target", "message"),
    [
        ((98, 2), 68, 29, r"points of ibug68 must have shape \(\.\.\., 68, dim.*Got: \(98, 2\)"),
        ((68,), 68, 29, r"points of ibug68 must have shape.*Got: \(68,\)"),
        ((400, 2), "mediapipe478", 68, r"478 or 468, dimensions\)\. Got: \(400, 2\)"),
        ((19, 2), 19, 29, r"one of wflw98 to ibug68,.*Got: aflw19 to cofw29"),
        ((68, 2), 68, "mediapipe478", r"Got: ibug68 to mediapipe478"),
        (
            (68, 2),
            "ibug",
            68,
            r"scheme must be one of .* or mediapipe478 or london189\. Got: 'ibug'",
        ),
        ((68, 2), 68, 7, r"scheme must be one of .*Got: 7"),
    ],
)
def test_errors_say_what_is_possible(shape, source, target, message):
    with pytest.raises(ValueError, match=message):
        convert(np.zeros(shape), source, target)
