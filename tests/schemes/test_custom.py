import numpy as np
import pytest

from keras_fld.schemes.custom import from_dict, names_of, to_dict

FIVE = {
    "name": " five ",
    "landmarks": ["a", "b", "c", "d", "e"],
    "mirror_pairs": [["a", 1], ("d", "e")],
    "eyes": [["a"], ["b"]],
    "normalizers": {"height": [[0, 1], ["d", 4]]},
    "patches": {"eyes": ["a", "b"], "rest": [2, 3, 4]},
    "lines": [["a", "b", 0]],
}


def test_names_and_indices_are_the_same_landmarks():
    scheme = from_dict(FIVE)
    assert scheme.name == "five" and scheme.num_landmarks == 5
    assert scheme.landmark_names == ("a", "b", "c", "d", "e")
    assert scheme.mirror_pairs == ((0, 1), (3, 4)) and scheme.mirror.tolist() == [1, 0, 2, 4, 3]
    assert scheme.normalizers == {"inter_pupil": ((0,), (1,)), "height": ((0, 1), (3, 4))}
    assert scheme.patches == {"eyes": (0, 1), "rest": (2, 3, 4)}
    assert scheme.lines == ((0, 1, 0),)
    points = np.array([[0, 0], [2, 0], [9, 9], [0, 3], [2, 5.0]])
    assert scheme.distance(points, "height") == 4
    assert from_dict(to_dict(scheme)) == scheme


def test_what_may_be_left_out_is_empty_and_all_landmarks_are_one_patch():
    scheme = from_dict({"name": "three", "landmarks": 3, "eyes": None, "lines": None})
    assert scheme.patches == {"face": (0, 1, 2)} and scheme.normalizers == {}
    assert scheme.lines == () and scheme.mirror.tolist() == [0, 1, 2]
    assert scheme.landmark_names == ("face 0", "face 1", "face 2")


def test_the_number_of_landmarks_has_limits():
    assert names_of({"landmarks": 1}) == ["0"] and len(names_of({"landmarks": 10_000})) == 10_000
    assert names_of({"landmarks": ("x", "y")}) == ["x", "y"]
    for landmarks in (0, 10_001, True, None, 2.0, [], ["a", "a"], ["a", ""], ["a", 1], "ab"):
        with pytest.raises(ValueError, match="landmarks of a scheme must be different names, or"):
            names_of({"landmarks": landmarks})


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"colour": 1}, "keys must be among name, landmarks, .*, lines. Got: 'colour'"),
        ({"name": None}, "name must be printable text. Got: None"),
        ({"name": " "}, "name must be printable text. Got: ' '"),
        ({"name": "a\nb"}, "name must be printable text. Got: "),
        ({"mirror_pairs": 3}, "mirror_pairs of a scheme must be a list. Got: int"),
        ({"mirror_pairs": ["ab"]}, "mirror_pairs of a scheme must be a list of landmarks"),
        ({"mirror_pairs": [[]]}, "mirror_pairs of a scheme must be a list of landmarks"),
        ({"mirror_pairs": [[0, 1, 2]]}, "must be pairs that share no landmark"),
        ({"mirror_pairs": [[0]]}, "must be pairs that share no landmark"),
        ({"mirror_pairs": [[0, 1], [1, 2]]}, "must be pairs that share no landmark"),
        ({"mirror_pairs": [[0, 0]]}, "must be pairs that share no landmark"),
        ({"eyes": [["a"]]}, "eyes of a scheme must be two lists"),
        ({"eyes": [["a"], ["b"], ["c"]]}, "eyes of a scheme must be two lists"),
        ({"eyes": "ab"}, "eyes of a scheme must be two lists"),
        ({"eyes": [["a"], []]}, "eyes of a scheme must be a list of landmarks"),
        ({"normalizers": [1]}, "normalizers of a scheme must be a dictionary. Got: list"),
        ({"normalizers": {"n": [[0]]}}, "normalizers of a scheme must be two lists"),
        ({"patches": [1]}, "patches of a scheme must be a dictionary. Got: list"),
        ({"patches": {"all": [0, 1, 2, 3]}}, "patches of a scheme must cover every landmark"),
        ({"patches": {"all": [0, 1, 2, 3, 4, 4]}}, "patches of a scheme must cover every"),
        ({"lines": {"a": 1}}, "lines of a scheme must be a list. Got: dict"),
        ({"lines": [["a", "z"]]}, "no such landmark name or index. Got: 'z'"),
        ({"lines": [[5]]}, "no such landmark name or index. Got: 5"),
        ({"lines": [[-1]]}, "no such landmark name or index. Got: -1"),
        ({"lines": [[True]]}, "no such landmark name or index. Got: True"),
        ({"lines": [[0.0]]}, "no such landmark name or index. Got: 0.0"),
    ],
)
def test_a_bad_description_is_refused_with_its_rule(change, rule):
    with pytest.raises(ValueError, match=rule):
        from_dict({**FIVE, **change})


def test_what_is_no_dictionary_is_refused():
    with pytest.raises(ValueError, match="a scheme must be a dictionary. Got: list"):
        from_dict([FIVE])
