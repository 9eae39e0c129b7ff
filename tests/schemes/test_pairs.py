"""Mirror pairs and eyes that are found by the names of landmarks."""

import pytest

from keras_fld import schemes
from keras_fld.schemes import pairs
from keras_fld.schemes.custom import from_dict, to_dict


@pytest.mark.parametrize(
    ("name", "mirrored"),
    [
        ("left eye right corner", "right eye left corner"),
        ("LEFT_EYE", "RIGHT_EYE"),
        ("eyeLeftOuter", "eyeRightOuter"),
        ("mouth-l", "mouth-r"),
        ("L1", "R1"),
        ("nose", "nose"),
        ("lower lip", "lower lip"),
    ],
)
def test_left_and_right_change_places(name, mirrored):
    assert pairs.mirrored_name(name) == mirrored
    assert pairs.mirrored_name(mirrored) == name


def test_pairs_are_names_that_differ_only_in_the_side():
    names = ["chin", "right ear", "left eye", "left ear", "right brow"]
    assert pairs.pairs_by_name(names) == [("right ear", "left ear")]
    assert pairs.pairs_by_name(["left brow", "chin", "nose"]) == []


@pytest.mark.parametrize(
    ("names", "eyes"),
    [
        (["r_pupil", "l_pupil", "l_eye", "r_eye"], [["r_pupil"], ["l_pupil"]]),
        (
            ["left eye in", "right eye out", "left eye out", "right eye in"],
            [["left eye in", "left eye out"], ["right eye in", "right eye out"]],
        ),
        (["left eyebrow", "right eyebrow", "nose"], None),
    ],
)
def test_what_is_proposed_is_a_scheme(names, eyes):
    description = pairs.proposed(names)
    assert description.get("eyes") == eyes
    scheme = from_dict(description)
    assert scheme.landmark_names == tuple(names)
    assert ("inter_pupil" in scheme.normalizers) == (eyes is not None)
    assert str(description["mirror_pairs"][0][0]) in pairs.proposal(names)


def test_names_are_proposed_as_they_are_written():
    names = ["left œil", "right œil"]
    assert '"left œil", "right œil"' in pairs.proposal(names)


def test_a_pair_that_is_not_listed_is_an_error():
    names = ["left eye", "right eye", "nose"]
    with pytest.raises(ValueError, match=r"mirrored face. Missing: \['left eye', 'right eye'\]"):
        from_dict({"name": "three", "landmarks": names, "mirror_pairs": []})
    # Pairs that are listed otherwise are the user's own.
    odd = {"name": "odd", "landmarks": ["left a", "right a", "right b"], "mirror_pairs": [[0, 2]]}
    assert from_dict(odd).mirror.tolist() == [2, 1, 0]


def test_a_scheme_without_eyes_may_say_so():
    assert not from_dict({"name": "one", "landmarks": ["a"], "eyes": []}).normalizers


@pytest.mark.parametrize("scheme", schemes.SCHEMES.values(), ids=lambda scheme: scheme.name)
def test_the_packages_schemes_keep_the_rule(scheme):
    assert from_dict(to_dict(scheme)).mirror_pairs == scheme.mirror_pairs
