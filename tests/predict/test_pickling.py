"""Pickles and copies of models and detectors, and worker processes that start from nothing."""

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import cv2
import numpy as np
import pytest

from keras_fld import FaceLandmarker, FaceTracker, zoo
from keras_fld.geometry.frame import FaceCrop
from keras_fld.predict.detectors import open_detector
from keras_fld.predict.detectors.yunet import YuNetDetector
from keras_fld.predict.lite_model import LiteModel, ScoreModel
from keras_fld.predict.predictor import open_model
from keras_fld.predict.reopening import ModelFile
from tests.predict.detectors import tiny_yunet
from tests.predict.photos import photos

COPIES = [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
IDS = ["copy", "deepcopy", "pickle"]


def summary(faces):
    return [(face.box, face.angle, face.score, face.landmarks.tolist()) for face in faces]


def detect(landmarker, image):
    return summary(landmarker.detect(image))


@pytest.mark.parametrize("method", COPIES, ids=IDS)
def test_a_landmarker_and_its_options(method):
    landmarker = FaceLandmarker.from_preset("trnet20_300w", passes=3, min_face=0.1)
    same = method(landmarker)
    assert same.passes == 3 and same._detector.min_face == 0.1
    assert same.scheme.name == "ibug68" and same.frame == landmarker.frame
    image = photos(1)[0]
    assert detect(same, image) == detect(landmarker, image) != []


def test_a_spawned_worker_opens_the_files_again():
    landmarker = FaceLandmarker.from_preset("trnet20_300w")
    assert len(pickle.dumps(landmarker)) < 20_000, "interpreters and files stay where they are"
    images = photos(3)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        found = list(pool.map(detect, [landmarker] * 3, images))
    assert found == [detect(landmarker, image) for image in images]
    assert all(found)


@pytest.mark.parametrize("method", COPIES, ids=IDS)
def test_models_scores_and_blazeface(method):
    image = photos(1)[0]
    for value in (
        LiteModel(zoo.lite_file("trnet20_300w"), num_threads=2),
        ScoreModel(zoo.score_file()),
    ):
        crop = cv2.resize(image, (value.frame.size,) * 2)[None]
        same = method(value)
        np.testing.assert_array_equal(same.predict(crop), value.predict(crop))
        assert same._num_threads == value._num_threads
    detector = open_detector("blazeface-turned")
    np.testing.assert_array_equal(method(detector)(image), detector(image))


@pytest.mark.parametrize("method", COPIES, ids=IDS)
def test_haar_and_yunet(method, tmp_path):
    points = np.array([[20, 24], [40, 24], [30, 34], [22, 44], [38, 44]])
    path = tiny_yunet.write(tmp_path / "tiny.onnx", points)
    side = tiny_yunet.SIDE
    yunet = YuNetDetector(path, threshold=0.3, max_side=side)
    same = method(yunet)
    image = np.zeros((2 * side, 2 * side, 3), np.uint8)
    assert same.threshold == 0.3 and len(same(image)) == 1
    np.testing.assert_array_equal(same(image), yunet(image))
    if hasattr(cv2, "CascadeClassifier"):
        same = method(open_detector("haar-frontal"))
        assert not same.profiles and len(same(photos(1)[0])) == 1


@pytest.mark.parametrize("method", COPIES, ids=IDS)
def test_a_tracker_goes_on_from_the_frame_where_it_was(method):
    frames = photos(3)
    tracker = FaceTracker(FaceLandmarker.from_preset("trnet20_300w"))
    tracker.update(frames[0])
    same = copy.deepcopy(tracker) if method is copy.copy else method(tracker)
    first = [face.landmarks for face in tracker.update(frames[1])]
    np.testing.assert_array_equal([face.landmarks for face in same.update(frames[1])], first)
    assert len(first) == 1


@pytest.mark.parametrize("method", COPIES[1:], ids=IDS[1:])
def test_a_keras_model_comes_with_the_pickle(method, tmp_path):
    pytest.importorskip("tensorflow")
    from keras_fld import losses, models

    model = models.TRNet20(input_size=32, width=0.25)
    model.compile("adam", loss=losses.ENME())
    crop = cv2.resize(photos(1)[0], (32, 32))[None]
    model.save(tmp_path / "m.keras")
    for opened in (open_model(model), open_model(tmp_path / "m.keras")):
        expected = opened.predict(crop)
        (tmp_path / "m.keras").unlink(missing_ok=True)
        np.testing.assert_allclose(method(opened).predict(crop), expected, atol=1e-4)


@pytest.mark.parametrize("method", COPIES, ids=IDS)
def test_baselines(method, tree):
    from keras_fld.baselines.sdm import train_sdm
    from keras_fld.data import crops, read

    data = crops.model_crops(read("300w", tree, "train"), FaceCrop(64))
    model = train_sdm(data, radii=(0.2,), kept=8)
    same = method(model)
    np.testing.assert_array_equal(same.predict(data.images), model.predict(data.images))
    dlib = pytest.importorskip("dlib", reason="needs dlib: pip install 'keras-fld[baselines]'")
    from keras_fld.baselines.ert import train_ert

    assert dlib
    model = train_ert(data, {"cascade_depth": 2, "num_trees_per_cascade_level": 10})
    same = method(model)
    np.testing.assert_array_equal(same.predict(data.images), model.predict(data.images))


def test_a_relative_path_is_found_from_another_folder(tmp_path, monkeypatch):
    content = zoo.lite_file("trnet20_300w").read_bytes()
    (tmp_path / "face.tflite").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    model = LiteModel("face.tflite")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    pickled = pickle.dumps(model)
    assert pickle.loads(pickled).num_landmarks == 68
    (tmp_path / "face.tflite").unlink()
    with pytest.raises(ValueError, match=r"face\.tflite: No such file"):
        pickle.loads(pickled)


def test_a_file_that_changed_is_refused_and_not_taken_for_the_old_one(tmp_path):
    path = tmp_path / "face.tflite"
    path.write_bytes(zoo.lite_file("trnet20_300w").read_bytes())
    pickled = pickle.dumps(LiteModel(path))
    path.write_bytes(zoo.lite_file("trnet20_300w_small").read_bytes())
    with pytest.raises(ValueError, match=r"face\.tflite: the file must be the one"):
        pickle.loads(pickled)


def test_a_preset_is_named_without_the_folder_of_the_package():
    path = zoo.lite_file("trnet20_300w")
    file = ModelFile.of(path, path.read_bytes())
    assert file.path == path.name and file.check() == path
    assert str(path.parent).encode() not in pickle.dumps(LiteModel(path))
