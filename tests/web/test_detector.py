"""The page's face detector against Python's."""

import cv2
import numpy as np
import pytest

from keras_fld.data import synthetic
from keras_fld.geometry.frame import invert, transform
from keras_fld.predict.detectors import BlazeFace
from tests.web.opened import DRAWN, TOLERANCE, deviation, save


def turned(astronaut, degrees):
    """The astronaut turned clockwise about her nose, and the matrix that does it."""
    matrix = cv2.getRotationMatrix2D((224, 120), -degrees, 1)
    return cv2.warpAffine(astronaut, matrix, (512, 512)), matrix


def two_small(astronaut):
    """Two faces that only tiles of the photograph show."""
    image = np.full((768, 1024, 3), 90, np.uint8)
    for x, side in ((40, 200), (500, 320)):
        small = cv2.resize(astronaut, (side, side), interpolation=cv2.INTER_AREA)
        image[300 : 300 + side, x : x + side] = small
    return image


SCENES = {
    "upright": (1, lambda astronaut: astronaut),
    "turned30": (1, lambda astronaut: turned(astronaut, 30)[0]),
    "turned-50": (1, lambda astronaut: turned(astronaut, -50)[0]),
    "small": (2, two_small),
    "close": (1, lambda astronaut: astronaut[:300, 80:380]),
    **{
        f"drawn{size}": (1, lambda _, s=size, i=index: synthetic.draw(i, size=s).image)
        for size, index in DRAWN
    },
}


@pytest.mark.parametrize("name", SCENES)
def test_the_browsers_detector_is_pythons(served, astronaut, tmp_path, name):
    count, scene = SCENES[name]
    image = scene(astronaut)
    expected = sorted(BlazeFace().detect(image), key=lambda face: -np.prod(face.box[2:]))
    assert len(expected) == count
    served.page.uncheck("#refine")
    served.open(save(tmp_path / f"{name}.png", image))
    faces = served.faces()
    served.page.check("#refine")
    assert len(faces) == len(expected)
    for face, wanted in zip(faces, expected, strict=True):
        np.testing.assert_allclose(face["box"], wanted.box, atol=0.005 * wanted.box[2])
        assert face["angle"] == pytest.approx(np.degrees(wanted.angle), abs=0.3)
        assert deviation(image, face) < TOLERANCE
        same = {**face, "box": wanted.box, "angle": np.degrees(wanted.angle)}
        assert deviation(image, same) < TOLERANCE


def test_a_turned_head_gets_the_landmarks_of_an_upright_one(served, astronaut, tmp_path):
    found = []
    for degrees in (0, 30):
        image, matrix = turned(astronaut, degrees)
        served.open(save(tmp_path / f"by{degrees}.png", image))
        (face,) = served.faces()
        found.append((transform(face["landmarks"], invert(matrix)), face["angle"]))
    (upright, angle), (back, other) = found
    assert other - angle == pytest.approx(30, abs=1)
    # In pixels of the photograph, where the face is 93 wide.
    assert np.linalg.norm(upright - back, axis=1).mean() < 0.5


def test_a_picture_without_a_face_says_so(served, tmp_path):
    served.open(save(tmp_path / "gray.png", np.full((300, 400, 3), 128, np.uint8)))
    assert "no face found" in served.page.inner_text("#status")
    assert served.page.is_disabled("#save-json")
