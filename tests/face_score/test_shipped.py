"""The shipped face score on the public-domain portrait, and in the landmarker."""

import subprocess
import sys

import numpy as np
import pytest

from keras_fld import FaceLandmarker, zoo
from keras_fld.data import synthetic
from keras_fld.face_score.occluders import COVERS, SIDES, cover_half
from keras_fld.geometry.boxes import overlap
from keras_fld.geometry.frame import FaceCrop, landmark_box
from keras_fld.predict import DetectedFace
from keras_fld.predict.lite_model import ScoreModel
from keras_fld.predict.predictor import open_score
from keras_fld.schemes import AFLW19, IBUG68, WFLW98

# The portrait's face, read off it, and its flag, the shuttle and the wall.
FACE = (176, 80, 100, 105)
PLACES = ((20, 60, 100, 100), (380, 60, 110, 110), (300, 280, 90, 90), (400, 180, 60, 60))


@pytest.fixture(scope="module")
def astronaut():
    return pytest.importorskip("skimage.data").astronaut()


@pytest.fixture(scope="module")
def model():
    return ScoreModel(zoo.score_file())


@pytest.fixture(scope="module")
def landmarker():
    return FaceLandmarker.from_preset("trnet20_300w")


def scores(model, image, boxes):
    return model.predict(np.stack([model.frame.crop(image, box) for box in boxes]))


def test_it_is_small_is_no_preset_and_has_a_card():
    assert zoo.score_file().stat().st_size < 40_000
    assert "face_score" not in zoo.names()
    assert zoo.score_file().with_suffix(".md").is_file()
    assert ScoreModel(zoo.score_file()).frame == FaceCrop()


def test_a_face_scores_more_than_what_is_around_it(model, astronaut):
    (face,) = scores(model, astronaut, [FACE])
    grid = [
        (x, y, side, side)
        for side in (60, 90, 130)
        for x in range(0, 512 - side, 60)
        for y in range(0, 512 - side, 60)
    ]
    elsewhere = [box for box in grid if overlap([box], [FACE])[0, 0] < 0.05]
    found = scores(model, astronaut, elsewhere)
    assert face > found.max() and len(found) > 100
    assert (found >= 0.5).mean() < 0.05, np.sort(found)[-10:]


def test_the_face_must_fill_its_crop(model, astronaut):
    x, y, width, height = FACE
    shifted = [
        (x + 0.8 * width * np.cos(angle), y + 0.8 * height * np.sin(angle), width, height)
        for angle in np.linspace(0, 2 * np.pi, 8, endpoint=False)
    ]
    wide = [
        (x - k * width, y - k * height, *(3 * s for s in FACE[2:]))
        for k in np.linspace(0.7, 1.3, 13)
    ]
    parts = [
        (x + i * width / 6, y + j * height / 6, width / 3, height / 3)
        for i in range(5)
        for j in range(5)
    ]
    for boxes in (shifted, wide, parts):
        assert (scores(model, astronaut, boxes) >= 0.5).mean() < 0.2
    steps = [scores(model, astronaut, [(x + k * width, y, width, height)])[0] for k in (0, 0.4, 1)]
    assert steps[0] > steps[1] > steps[2], steps


def test_half_a_face_still_scores_more_than_none(model, astronaut):
    crop, rng = model.frame.crop(astronaut, FACE), np.random.default_rng(0)
    covered = [cover_half(crop, side, cover, rng) for side in SIDES for cover in COVERS]
    half, others = model.predict(np.stack(covered)), scores(model, astronaut, PLACES)
    assert np.median(half) > others.max() and (half > 0.5).mean() > 0.5, half


def test_flat_and_noisy_crops_are_none(model):
    rng = np.random.default_rng(0)
    crops = [np.full((64, 64, 3), gray, np.uint8) for gray in (0, 90, 255)]
    crops.append(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    assert model.predict(np.stack(crops)).max() < 0.5


def test_the_landmarker_fills_the_score(landmarker, astronaut):
    (face,) = landmarker.detect(astronaut)
    assert isinstance(face.score, float) and 0.5 < face.score <= 1
    box = landmark_box(face.landmarks)
    (expected,) = scores(landmarker._score, astronaut, [box])
    assert face.score == pytest.approx(float(expected), abs=1e-6)
    found = landmarker.detect(astronaut, [FACE, *PLACES])
    assert all(0 <= face.score <= 1 for face in found)
    assert found[0].score > max(face.score for face in found[1:])


def test_faces_of_several_images_are_scored_in_one_call(landmarker, astronaut, monkeypatch):
    calls, predict = [], landmarker._score.predict
    monkeypatch.setattr(
        landmarker._score, "predict", lambda crops: calls.append(len(crops)) or predict(crops)
    )
    found = landmarker.detect_many([astronaut] * 3, [[FACE], [], [FACE, PLACES[0]]])
    assert calls == [3] and [len(faces) for faces in found] == [1, 0, 2]
    assert found[0][0].score == found[2][0].score


def test_landmarks_outside_the_picture_score_nothing(landmarker, astronaut, monkeypatch):
    predict = landmarker._model.predict
    monkeypatch.setattr(landmarker._model, "predict", lambda crops: predict(crops) - 1000)
    assert landmarker.detect(astronaut, [FACE])[0].score == 0


def test_the_score_can_be_turned_off_and_is_left_out_for_other_boxes(astronaut):
    for off in (None, False):
        plain = FaceLandmarker.from_preset("trnet20_300w", score=off)
        assert plain.detect(astronaut, [FACE])[0].score is None
    assert open_score(True, AFLW19) is None and open_score(True, None) is None
    assert open_score(True, IBUG68).frame == open_score(True, WFLW98).frame == FaceCrop()
    assert open_score(zoo.score_file(), AFLW19) is not None


def test_what_scores_may_be_an_object(landmarker, astronaut):
    class Bright:
        frame = FaceCrop(8)

        def predict(self, crops):
            assert crops.shape[1:] == (8, 8, 3)
            return crops.mean(axis=(1, 2, 3)) / 255

    found = FaceLandmarker.from_preset("trnet20_300w", score=Bright()).detect(astronaut, [FACE])
    assert isinstance(found[0], DetectedFace) and 0 < found[0].score < 1
    with pytest.raises(ValueError, match="score must be True, None, the path .*Got: 3"):
        FaceLandmarker.from_preset("trnet20_300w", score=3)


def test_drawn_faces_are_faces_too(landmarker):
    found = [
        landmarker.detect(face.image, [landmark_box(face.landmarks)])[0].score
        for face in (synthetic.draw(index, seed=9) for index in range(20))
    ]
    assert np.mean(np.array(found) >= 0.5) >= 0.8, found


def test_neither_keras_nor_tensorflow_is_loaded():
    code = (
        "import sys, numpy as np, keras_fld as fld\n"
        "landmarker = fld.FaceLandmarker.from_preset('trnet20_300w')\n"
        "image = np.zeros((99, 99, 3), np.uint8)\n"
        "(face,) = landmarker.detect(image, [(9, 9, 50, 50)])\n"
        "assert 0 <= face.score <= 1\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'torch', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
