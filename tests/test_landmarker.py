import subprocess
import sys

import cv2
import numpy as np
import pytest

from keras_fld import FaceLandmarker
from keras_fld.data import synthetic
from keras_fld.data.geometry import landmark_box
from keras_fld.landmarker import as_rgb, find_faces

tf = pytest.importorskip("tensorflow")


@pytest.fixture(scope="module")
def model_files(tmp_path_factory):
    """An untrained model, which predicts the mean shape, as both kinds of file."""
    from keras_fld import models
    from keras_fld.lite import convert

    folder = tmp_path_factory.mktemp("model")
    model = models.TRNet20(input_size=32)
    model.save(folder / "m.keras")
    convert(model, folder / "m.tflite", "float32")
    return folder / "m.keras", folder / "m.tflite"


@pytest.fixture(scope="module")
def astronaut():
    """A public-domain photograph with one face, from scikit-image's wheel."""
    data = pytest.importorskip("skimage.data")
    return data.astronaut()


@pytest.mark.parametrize("kind", [0, 1], ids=["keras", "tflite"])
def test_boxes_give_one_face_each_in_their_order(model_files, kind):
    landmarker = FaceLandmarker(model_files[kind])
    image = np.zeros((200, 300, 3), np.uint8)
    boxes = [(150, 60, 80, 80), (10, 20, 50, 40)]
    faces = landmarker.detect(image, boxes)
    assert [f.box for f in faces] == boxes and {f.scheme for f in faces} == {"ibug68"}
    for face in faces:
        # The mean shape fills the longer side of the box, about its centre.
        x, y, width, height = landmark_box(face.landmarks)
        assert face.landmarks.dtype == np.float32
        assert max(width, height) == pytest.approx(max(face.box[2:]), rel=0.01)
        centre = [face.box[0] + face.box[2] / 2, face.box[1] + face.box[3] / 2]
        np.testing.assert_allclose([x + width / 2, y + height / 2], centre, atol=0.5)


def test_each_face_takes_exactly_one_forward_pass(model_files, monkeypatch):
    landmarker, calls = FaceLandmarker(model_files[1]), []
    predict = landmarker._model.predict
    monkeypatch.setattr(
        landmarker._model, "predict", lambda crops: calls.append(len(crops)) or predict(crops)
    )
    landmarker.detect(np.zeros((99, 99, 3), np.uint8), [(9, 9, 50, 50), (20, 20, 30, 30)])
    assert calls == [2]


def test_the_cascade_finds_the_astronaut_and_the_landmarks_land_on_her(model_files, astronaut):
    (face,) = FaceLandmarker(model_files[1]).detect(astronaut)[:1]
    # Her face, read off the photograph: eyes at about y 115, mouth at about y 150, x about 225.
    eyes, mouth = face.landmarks[36:48].mean(axis=0), face.landmarks[48:68].mean(axis=0)
    np.testing.assert_allclose(eyes, [222, 113], atol=15)
    np.testing.assert_allclose(mouth, [224, 152], atol=15)


def test_the_same_picture_in_every_form_gives_the_same_landmarks(model_files, tmp_path):
    image = synthetic.draw(0).image
    cv2.imwrite(str(tmp_path / "a.png"), image[..., ::-1])
    landmarker, box = FaceLandmarker(model_files[1]), [(40, 40, 80, 80)]
    (expected,) = landmarker.detect(image, box)
    for form in (str(tmp_path / "a.png"), tmp_path / "a.png"):
        np.testing.assert_array_equal(landmarker.detect(form, box)[0].landmarks, expected.landmarks)
    (bgr,) = landmarker.detect(image[..., ::-1], box, bgr=True)
    np.testing.assert_array_equal(bgr.landmarks, expected.landmarks)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    assert (as_rgb(grey) == grey[..., None]).all()


def test_a_picture_without_a_face_gives_an_empty_list(model_files):
    assert FaceLandmarker(model_files[1]).detect(np.full((120, 120, 3), 90, np.uint8)) == []
    assert find_faces(np.zeros((10, 10, 3), np.uint8)) == []


@pytest.mark.parametrize(
    ("image", "boxes", "rule"),
    [
        (np.zeros((5, 5)), None, "must be a uint8 array"),
        (np.zeros((5, 5, 4), np.uint8), None, "must be a uint8 array"),
        (np.zeros((0, 5, 3), np.uint8), None, "at least one pixel"),
        (
            np.zeros((50, 60, 3), np.uint8),
            [(70, 5, 9, 9)],
            "must lie in the 60x50 image. Got: 70,5",
        ),
        (np.zeros((50, 60, 3), np.uint8), [(1, 5, -9, 9)], "x, y, width, height with a positive"),
        ("none.jpg", None, "none.jpg: No such file"),
    ],
)
def test_bad_pictures_and_boxes_are_refused(model_files, image, boxes, rule):
    with pytest.raises(ValueError, match=rule):
        FaceLandmarker(model_files[1]).detect(image, boxes)


def test_a_model_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"must end in .keras or .tflite, be .* a preset .*Got: face.onnx"
    ):
        FaceLandmarker("face.onnx")
    with pytest.raises(ValueError, match="No such file"):
        FaceLandmarker(tmp_path / "none.tflite")


def test_a_tflite_model_loads_neither_keras_nor_tensorflow(model_files):
    code = (
        "import sys, numpy as np, keras_fld as fld\n"
        "assert 'cv2' not in sys.modules, 'importing the package must be instant'\n"
        f"faces = fld.FaceLandmarker({str(model_files[1])!r}).detect("
        "np.zeros((99, 99, 3), np.uint8), [(9, 9, 50, 50)])\n"
        "assert faces[0].landmarks.shape == (68, 2)\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'torch', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
