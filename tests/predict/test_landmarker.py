import subprocess
import sys

import cv2
import numpy as np
import pytest

from keras_fld import FaceLandmarker
from keras_fld._internal.images import as_rgb, read_image
from keras_fld.data import synthetic
from keras_fld.geometry.frame import landmark_box, transform, upright_box
from keras_fld.predict.detectors import find_faces
from keras_fld.predict.detectors.blazeface import Detection
from keras_fld.predict.face import roll
from keras_fld.predict.predictor import open_model
from keras_fld.schemes import IBUG68, Scheme
from tests.predict.detectors.turned import turned

tf = pytest.importorskip("tensorflow")


@pytest.fixture(scope="module")
def model_files(tmp_path_factory):
    """An untrained model, which predicts the mean shape, as files of both kinds."""
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
    assert [f.box for f in faces] == boxes and all(f.scheme is IBUG68 for f in faces)
    for face in faces:
        # The mean shape fills the longer side of the box, around its center.
        x, y, width, height = landmark_box(face.landmarks)
        assert face.landmarks.dtype == np.float32
        assert max(width, height) == pytest.approx(max(face.box[2:]), rel=0.01)
        center = [face.box[0] + face.box[2] / 2, face.box[1] + face.box[3] / 2]
        np.testing.assert_allclose([x + width / 2, y + height / 2], center, atol=0.5)


def test_each_face_takes_exactly_one_forward_pass(model_files, monkeypatch):
    landmarker, calls = FaceLandmarker(model_files[1]), []
    predict = landmarker._model.predict
    monkeypatch.setattr(
        landmarker._model, "predict", lambda crops: calls.append(len(crops)) or predict(crops)
    )
    landmarker.detect(np.zeros((99, 99, 3), np.uint8), [(9, 9, 50, 50), (20, 20, 30, 30)])
    assert calls == [2]


def test_the_detector_finds_the_astronaut_and_the_landmarks_land_on_her(model_files, astronaut):
    (face,) = FaceLandmarker(model_files[1]).detect(astronaut)[:1]
    # Measured on the photograph: eyes at about y 115, mouth at about y 150, x about 225.
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
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    assert (as_rgb(gray) == gray[..., None]).all()


def test_pillow_images_are_taken_in_every_mode(model_files):
    image = pytest.importorskip("PIL.Image").fromarray(synthetic.draw(0).image)
    for mode in ("RGB", "RGBA", "L", "P"):
        expected = np.asarray(image.convert(mode).convert("RGB"))
        np.testing.assert_array_equal(as_rgb(image.convert(mode), bgr=True), expected)
    landmarker, box = FaceLandmarker(model_files[1]), [(40, 40, 80, 80)]
    (face,) = landmarker.detect(image, box)
    (expected,) = landmarker.detect(np.asarray(image), box)
    np.testing.assert_array_equal(face.landmarks, expected.landmarks)


def test_a_file_is_turned_upright_by_its_tag(tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    image = cv2.GaussianBlur(synthetic.draw(0, size=64).image[:, :48], (0, 0), 2)
    stored, tag = pillow.fromarray(np.rot90(image)), pillow.Exif()
    tag[0x0112] = 6  # rotate clockwise for display
    stored.save(tmp_path / "a.jpg", exif=tag, quality=98)
    upright = as_rgb(tmp_path / "a.jpg")
    assert upright.shape == (64, 48, 3)
    assert np.abs(upright.astype(int) - image).max() < 25
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg"), upright)


def test_many_images_give_what_each_gives_alone(model_files, tmp_path):
    landmarker = FaceLandmarker(
        model_files[1], lambda image: [(9, 9, 40, 40)] * (len(image) // 50 - 1)
    )
    images = [np.full((50 * (1 + i % 3), 120, 3), 9 * i, np.uint8) for i in range(20)]
    cv2.imwrite(str(tmp_path / "a.png"), images[4])
    images[4] = tmp_path / "a.png"
    found = landmarker.detect_many(iter(images))
    assert [len(faces) for faces in found] == [i % 3 for i in range(20)]
    for image, faces in zip(images, found, strict=True):
        for face, expected in zip(faces, landmarker.detect(image), strict=True):
            assert (face.box, face.score) == (expected.box, expected.score)
            np.testing.assert_array_equal(face.landmarks, expected.landmarks)
    # Boxes for some images, the detector for the others.
    boxes = [None, [(5, 5, 30, 30)], []] + [None] * 17
    mixed = landmarker.detect_many(images, boxes)
    assert [len(faces) for faces in mixed[:4]] == [0, 1, 0, 0]
    assert mixed[1][0].box == (5, 5, 30, 30)
    assert landmarker.detect_many([]) == []


def test_many_images_are_predicted_together_and_a_few_are_held_at_a_time(model_files, monkeypatch):
    landmarker = FaceLandmarker(model_files[1], lambda image: [(9, 9, 40, 40)] * 2, passes=3)
    predict, calls, drawn = landmarker._model.predict, [], []
    # The landmarks move away by an eighth of the crop, so no pass is skipped.
    monkeypatch.setattr(
        landmarker._model, "predict", lambda crops: calls.append(len(crops)) or predict(crops) + 4
    )

    def images():
        for _ in range(20):
            drawn.append(len(calls))
            yield np.zeros((60, 60, 3), np.uint8)

    landmarker.detect_many(images(), [[(3, 3, 9, 9)]] + [None] * 19)
    # Three passes for each chunk; given boxes take one.
    assert calls == [31, 30, 30, 8, 8, 8]
    assert drawn == [0] * 16 + [3] * 4


@pytest.mark.parametrize(
    ("shift", "passes"),
    [(0, [2]), (0.8, [2]), (4, [2, 2, 2]), (99, [2])],
    ids=["still", "alike", "moves", "leaves the picture"],
)
def test_a_pass_that_would_see_the_same_crop_is_skipped(model_files, monkeypatch, shift, passes):
    boxes, calls = [(9, 9, 40, 40), (30, 20, 30, 35)], []
    landmarker = FaceLandmarker(model_files[1], lambda image: boxes, passes=3, score=None)
    predict = landmarker._model.predict
    monkeypatch.setattr(
        landmarker._model,
        "predict",
        lambda crops: calls.append(len(crops)) or predict(crops) + shift,
    )
    faces = landmarker.detect(np.zeros((90, 90, 3), np.uint8))
    assert calls == passes
    for face, box in zip(faces, boxes, strict=True):
        assert (face.box == box) == (len(passes) == 1)


class Scores:
    """A face score that is `low` for the first crops that it sees, and keeps the crops."""

    def __init__(self, frame, low):
        self.frame, self.low, self.seen = frame, low, []

    def predict(self, crops):
        scores = np.full(len(crops), 1.0 if self.seen else self.low, np.float32)
        self.seen.append(crops)
        return scores


@pytest.mark.parametrize(
    ("low", "shift", "shown"),
    [(0.95, 0.8, ["last"]), (0.6, 0.8, ["last", "own"]), (0.95, 4, ["own"]), (0.95, 99, [])],
    ids=["sure", "in doubt", "elsewhere", "left the picture"],
)
def test_the_last_crop_is_scored_if_it_is_alike_and_the_score_is_sure(
    model_files, monkeypatch, low, shift, shown
):
    landmarker = FaceLandmarker(model_files[1], score=None)
    predict, image, box = (
        landmarker._model.predict,
        synthetic.draw(2, size=90).image,
        (9, 9, 50, 50),
    )
    monkeypatch.setattr(landmarker._model, "predict", lambda crops: predict(crops) + shift)
    scores = landmarker._score = Scores(landmarker.frame, low)
    (face,) = landmarker.detect(image, [box])
    crops = {"last": landmarker.frame.crop(image, box)}
    if shown:
        crops["own"] = landmarker.frame.crop(image, landmark_box(face.landmarks))
    # The second look, if there is one, gives 1.
    expected = [0.0, low, 1.0][len(shown)]
    assert face.score == pytest.approx(expected)
    assert len(scores.seen) == len(shown)
    for seen, name in zip(scores.seen, shown, strict=True):
        np.testing.assert_array_equal(seen, crops[name][None])


@pytest.mark.parametrize(
    ("boxes", "rule"),
    [
        ([None] * 2, "boxes must be given for every image. Got: 2 lists"),
        ([None] * 4, "boxes must be given only for the 3 images. Got: more"),
        ([None, [(1, 1, 0, 5)], None], "image 1: a box must be x, y, width, height"),
        ([None, None, [(99, 1, 5, 5)]], "image 2: a box must lie in the 20x20 image. Got: 99"),
    ],
)
def test_bad_lists_of_boxes_are_refused(model_files, boxes, rule):
    images = [np.zeros((20, 20, 3), np.uint8)] * 3
    with pytest.raises(ValueError, match=rule):
        FaceLandmarker(model_files[1]).detect_many(images, boxes)


def test_detectors_that_return_something_else_are_refused(model_files):
    image = np.zeros((20, 20, 3), np.uint8)
    assert FaceLandmarker(model_files[1], lambda image: None).detect(image) == []
    for answer in ([1, 2, 3, 4], [[1, 2, 3]]):
        landmarker = FaceLandmarker(model_files[1], lambda image, answer=answer: answer)
        with pytest.raises(ValueError, match="detector must return .faces, 4. boxes. Got"):
            landmarker.detect(image)
    with pytest.raises(ValueError, match="passes must be a whole number of at least 1. Got: 0"):
        FaceLandmarker(model_files[1], passes=0)
    with pytest.raises(ValueError, match="passes must be a whole number of at least 1. Got: 1.5"):
        FaceLandmarker(model_files[1]).detect(image, passes=1.5)


def test_smaller_faces_are_found_where_they_are_asked_for_and_in_videos_only_large_ones(astronaut):
    small = cv2.resize(astronaut[40:240, 120:320], (40, 40), interpolation=cv2.INTER_AREA)
    image = np.full((720, 960, 3), 128, np.uint8)
    image[300:340, 500:540] = small
    found = {
        least: FaceLandmarker("trnet20_300w", min_face=least).find_boxes(image)
        for least in (0.2, 0.015, 14)
    }
    assert [len(boxes) for boxes in found.values()] == [0, 1, 1]
    x, y, width, height, _ = found[14][0]
    assert x > 500 and y > 300 and x + width < 540 and y + height < 340
    landmarker = FaceLandmarker("trnet20_300w", min_face=14)
    assert len(landmarker.find_boxes(image, in_video=True)) == 0
    assert len(landmarker.find_boxes(astronaut, in_video=True)) == 1
    # A detector that is given is also used for videos.
    asked = FaceLandmarker("trnet20_300w", "blazeface", min_face=14)
    assert len(asked.find_boxes(image, in_video=True)) == 1


class Turned:
    """A detector of one face with a known roll."""

    def __init__(self, face, matrix, degrees):
        angle = np.radians(degrees)
        box = upright_box(transform(face.landmarks, matrix), angle)
        self.faces = [Detection(box, angle, np.zeros((6, 2)), 1.0)]

    def __call__(self, image):
        return [face.box for face in self.faces]

    def detect(self, image):
        return self.faces


@pytest.mark.parametrize("degrees", [-120, -40, 25, 75])
def test_a_face_turned_in_the_plane_gets_the_landmarks_of_the_upright_one(degrees):
    drawn = synthetic.draw(3, size=240)
    image, matrix = turned(drawn.image, degrees)
    detector = Turned(drawn, matrix, degrees)
    landmarker = FaceLandmarker("trnet20_300w", detector, passes=1)
    (once,), (thrice,) = landmarker.detect(image), landmarker.detect(image, passes=3)
    (upright,) = landmarker.detect(drawn.image, [landmark_box(drawn.landmarks)])
    side = np.ptp(drawn.landmarks, axis=0).max()
    np.testing.assert_allclose(
        once.landmarks, transform(upright.landmarks, matrix), atol=0.02 * side
    )
    assert once.angle == pytest.approx(np.radians(degrees)) and upright.angle == 0
    assert abs(once.score - upright.score) < 0.1
    # Later passes compute the roll from the landmarks: that of the drawn face is added.
    eyes = [once.landmarks[start : start + 6].mean(axis=0) for start in (36, 42)]
    expected = np.arctan2(*(eyes[1] - eyes[0])[::-1])
    assert np.degrees(thrice.angle) == pytest.approx(np.degrees(expected), abs=3)
    # The same box given by the caller, with and without its roll.
    (given,) = landmarker.detect(image, [[*detector.faces[0].box, np.radians(degrees)]])
    np.testing.assert_array_equal(given.landmarks, once.landmarks)
    (lying,) = landmarker.detect(image, detector(image), passes=3)
    assert lying.angle == 0


@pytest.mark.parametrize("near", [-3.0, -0.5, 0.0, 1.2, 3.1])
def test_the_roll_is_that_of_the_eyes_whichever_is_named_first(near):
    line = np.array([[np.cos(near + 0.2), np.sin(near + 0.2)]]) * [[0], [9]] + 50
    for first, second in ((0, 1), (1, 0)):
        pair = {"inter_pupil": ((first,), (second,))}
        scheme = Scheme("two", {"eyes": (0, 1)}, ((0, 1),), pair)
        found = roll(line, scheme, near)
        assert -np.pi <= found <= np.pi and abs(np.exp(1j * (found - near - 0.2)) - 1) < 1e-9
    assert roll(line, None, near) == roll(line, Scheme("none", {"a": (0, 1)}, (), {}), near) == near


def test_a_box_with_a_roll_that_is_no_number_is_refused(model_files):
    with pytest.raises(ValueError, match="a box's roll must be a number of radians. Got: nan"):
        FaceLandmarker(model_files[1]).detect(
            np.zeros((50, 60, 3), np.uint8), [(5, 5, 9, 9, np.nan)]
        )


def test_a_picture_without_a_face_gives_an_empty_list(model_files):
    assert FaceLandmarker(model_files[1]).detect(np.full((120, 120, 3), 90, np.uint8)) == []
    assert find_faces(np.zeros((10, 10, 3), np.uint8)) == []


def test_the_largest_image_is_taken(model_files):
    landmarker, box = FaceLandmarker(model_files[1]), [(9, 9, 20, 20)]
    for shape in ((40, 32766, 3), (32766, 40, 3)):
        assert len(landmarker.detect(np.zeros(shape, np.uint8), box)) == 1


@pytest.mark.parametrize(
    ("image", "boxes", "rule"),
    [
        (np.full((5, 5), 0.5), None, "from 0 to 255; multiply by 255. Got: at most 0.5"),
        (np.zeros((5, 5, 2), np.uint8), None, "with 1, 3 or 4 channels. Got: uint8"),
        (np.zeros((0, 5, 3), np.uint8), None, "at least one pixel"),
        (
            np.zeros((50, 60, 3), np.uint8),
            [(70, 5, 9, 9)],
            "must lie in the 60x50 image. Got: 70,5",
        ),
        (np.zeros((50, 60, 3), np.uint8), [(1, 5, -9, 9)], "x, y, width, height with a positive"),
        ("none.jpg", None, "none.jpg: No such file"),
        (np.zeros((2, 32767, 3), np.uint8), None, "at most 32766 pixels .* Got: 32767x2"),
    ],
)
def test_bad_pictures_and_boxes_are_refused(model_files, image, boxes, rule):
    with pytest.raises(ValueError, match=rule):
        FaceLandmarker(model_files[1]).detect(image, boxes)


def test_a_model_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must be a .keras, .tflite .* a preset .*Got: face.onnx"):
        FaceLandmarker("face.onnx")
    with pytest.raises(ValueError, match="No such file"):
        FaceLandmarker(tmp_path / "none.tflite")


@pytest.mark.parametrize("model", [3, None, object()])
def test_what_is_no_model_at_all_is_refused(model):
    for opener in (FaceLandmarker, open_model):
        with pytest.raises(ValueError, match="a model must be a Keras model.* preset. Got: "):
            opener(model)


def test_the_path_of_one_image_is_no_list_of_images(model_files, tmp_path):
    for path in ("photo.jpg", tmp_path / "photo.jpg"):
        with pytest.raises(ValueError, match="must be a list of images.*Got: the path .*photo.jpg"):
            FaceLandmarker(model_files[1]).detect_many(path)


@pytest.mark.parametrize("opener", [FaceLandmarker, FaceLandmarker.from_preset])
def test_a_preset_of_free_terms_goes_without_the_research_score(opener, model_files):
    assert opener("trnet20_free")._score is None
    assert opener("trnet20_free", score=True)._score is not None
    assert opener("trnet20_300w")._score is not None
    assert opener("trnet20_300w", score=None)._score is None


def test_a_model_of_ones_own_is_scored_and_only_a_preset_is_a_preset(model_files):
    assert FaceLandmarker(model_files[1])._score is not None
    with pytest.raises(ValueError, match="preset must be one of"):
        FaceLandmarker.from_preset(str(model_files[1]))


def test_a_tflite_model_loads_neither_keras_nor_tensorflow(model_files):
    code = (
        "import sys, numpy as np, keras_fld as fld\n"
        "assert 'cv2' not in sys.modules, 'importing the package must be instant'\n"
        f"landmarker = fld.FaceLandmarker({str(model_files[1])!r})\n"
        "image = np.zeros((99, 99, 3), np.uint8)\n"
        "assert landmarker.detect(image) == []\n"
        "assert landmarker.detect(image, [(9, 9, 50, 50)])[0].landmarks.shape == (68, 2)\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'torch', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
