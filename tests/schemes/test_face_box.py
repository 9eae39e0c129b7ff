import numpy as np
import pytest

from keras_fld.geometry.frame import landmark_box, upright_box
from keras_fld.schemes import AFLW19, COFW29, IBUG68, SCHEMES, WFLW98, convert
from keras_fld.schemes.custom import from_dict
from keras_fld.schemes.face_box import BoxInFace
from keras_fld.schemes.mtfl5 import MTFL5
from tests.data import released

FIVE = from_dict(released.FIVE)


def turned(points, angle):
    """Points after a clockwise rotation of the face."""
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin], [-sin, cos]])


@pytest.mark.parametrize("angle", [0.0, 0.4, -2.5])
@pytest.mark.parametrize("scheme", [AFLW19, COFW29, MTFL5], ids=lambda scheme: scheme.name)
def test_the_box_of_a_schemes_landmarks_is_found_in_that_of_the_face(scheme, angle):
    face = turned(IBUG68.mean_shape * 140, angle) + [300, 200]
    own = convert(face, "ibug68", scheme)
    whole = [*upright_box(face, angle), angle]
    part = BoxInFace.of_scheme(scheme)
    (found,) = part.of_faces(whole)
    # A pupil is not exactly where the conversion puts it.
    np.testing.assert_allclose(found, [*upright_box(own, angle), angle], atol=1.0)
    np.testing.assert_allclose(part.faces_of(found), [whole])


def test_a_box_of_brows_and_contour_is_that_of_the_face():
    assert BoxInFace.of_scheme(IBUG68) is None and BoxInFace.of_scheme(WFLW98) is None
    assert {name for name, s in SCHEMES.items() if BoxInFace.of_scheme(s)} == {"aflw19", "cofw29"}


@pytest.mark.parametrize("zoom", [1.0, 50.0])
def test_the_box_of_a_custom_scheme_comes_from_its_mean_shape(zoom):
    shape = convert(IBUG68.mean_shape, "ibug68", "mtfl5")
    face, own = landmark_box(IBUG68.mean_shape), landmark_box(shape)
    expected = [*((own[:2] - face[:2]) / face[2:]), *(own[2:] / face[2:])]
    found = BoxInFace.of_scheme(FIVE, shape * zoom + zoom)
    np.testing.assert_allclose(
        [found.left, found.top, found.width, found.height], expected, atol=1e-4
    )


def test_a_box_that_cannot_be_known_is_none():
    shape = convert(IBUG68.mean_shape, "ibug68", "mtfl5")
    blind = from_dict({"name": "blind", "landmarks": 5})
    assert BoxInFace.of_scheme(FIVE) is None  # no mean shape
    assert BoxInFace.of_scheme(FIVE, np.full((5, 2), 31.5)) is None  # that of a network without
    assert BoxInFace.of_scheme(blind, shape) is None  # no eyes
    assert BoxInFace.of_scheme(None, shape) is None


def test_two_pupils_have_a_box_with_a_height():
    pair = from_dict({"name": "pupils", "landmarks": 2, "eyes": [[0], [1]]})
    (box,) = BoxInFace.of_scheme(pair, [[-1, 0], [1, 0]]).of_faces([0, 0, 100, 100, 0])
    np.testing.assert_allclose(box, [28, 20, 44, 1, 0], atol=1.5)
    assert box[3] == pytest.approx(1)


@pytest.mark.parametrize(("distance", "known"), [(0.0009, False), (0.0011, True)])
def test_eyes_in_one_place_are_no_shape(distance, known):
    """As in a network that was built without a mean shape, far from the origin of its pixels."""
    scheme = from_dict({"name": "x", "landmarks": 4, "eyes": [[0], [1]]})
    shape = np.array([[0, 0], [distance, 0], [0, 1], [0.5, 0]]) * 50 + [1000, 0]
    assert (BoxInFace.of_scheme(scheme, shape) is not None) == known


def test_a_box_is_one_value_with_four_digits():
    part = BoxInFace.of_scheme(MTFL5)
    assert {part: 1}[BoxInFace(0.2787, 0.2033, 0.4425, 0.5121)] == 1


def test_any_number_of_boxes_is_mapped_even_none():
    part = BoxInFace(0.25, 0.5, 0.5, 0.25)
    assert part.of_faces(np.empty((0, 5))).shape == (0, 5)
    boxes = np.array([[0, 0, 8, 8, 0.1], [5, 6, 7, 8, -0.2]])
    np.testing.assert_allclose(part.faces_of(part.of_faces(boxes)), boxes)
