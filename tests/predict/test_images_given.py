"""Images of every kind, or none, and boxes, as users pass them to a landmarker."""

import numpy as np
import pytest

from keras_fld import FaceLandmarker, FaceTracker, zoo
from keras_fld.predict.detectors import find_faces, open_detector
from keras_fld.predict.flip import FlipAveraged
from keras_fld.predict.lite_model import LiteModel, ScoreModel
from tests.predict.photos import photos

BOX = (70, 60, 90, 100)


@pytest.fixture(scope="module")
def landmarker():
    return FaceLandmarker.from_preset("trnet20_300w")


@pytest.fixture(scope="module")
def photo():
    return photos(1)[0]


def same(faces, others):
    assert len(faces) == len(others) > 0
    for face, other in zip(faces, others, strict=True):
        np.testing.assert_array_equal(face.landmarks, other.landmarks)
        assert face.box == other.box and face.score == other.score


def test_the_same_photograph_in_other_numbers_gives_the_same_faces(landmarker, photo):
    expected = landmarker.detect(photo)
    opaque = np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])
    for image in (photo.astype(np.float32), photo.astype(np.int64), opaque):
        same(landmarker.detect(image), expected)
    same(landmarker.detect(opaque[..., [2, 1, 0, 3]], bgr=True), expected)
    gray = photo[..., 1]
    same(landmarker.detect(gray[..., None]), landmarker.detect(gray))


def test_erased_faces_are_not_found(landmarker, photo):
    erased = np.dstack([photo, np.zeros(photo.shape[:2], np.uint8)])
    assert landmarker.detect(erased) == []


@pytest.mark.parametrize("image", [None, 3.5, object()])
def test_what_is_no_image_is_a_type_error(landmarker, image):
    for call in (landmarker.detect, lambda image: landmarker.detect_many([image])):
        with pytest.raises((TypeError, ValueError)) as error:
            call(image)
        assert "image must be an array" in str(error.value)
    with pytest.raises(TypeError, match="image must be an array, a path or a Pillow image"):
        FaceTracker(landmarker).update(None)


def test_none_names_what_is_accepted(landmarker):
    with pytest.raises(TypeError, match="array, a path or a Pillow image. Got: None"):
        landmarker.detect(None)
    with pytest.raises(TypeError, match="images must be a list of images, .* Got: None"):
        landmarker.detect_many(None)


def test_no_images_and_no_boxes_give_no_faces(landmarker, photo):
    assert landmarker.detect_many([]) == landmarker.detect_many([], []) == []
    assert landmarker.detect_many(np.empty((0, 9, 9, 3), np.uint8)) == []
    for none in ([], (), np.empty((0, 4))):
        assert landmarker.detect(photo, none) == []
        assert landmarker.detect_many([photo], [none]) == [[]]


def test_a_batch_as_one_array(landmarker, photo):
    batch = np.stack(photos(2))
    found = landmarker.detect_many(batch)
    same(found[0], landmarker.detect(batch[0]))
    same(found[1], landmarker.detect(batch[1]))
    for single in (photo, photo[..., 0], photo[..., :1]):
        with pytest.raises(ValueError, match="detect takes a single one. Got: an array"):
            landmarker.detect_many(single)
    with pytest.raises(ValueError, match="detect_many takes several images"):
        landmarker.detect(batch)


@pytest.mark.parametrize(
    ("boxes", "error", "rule"),
    [
        (BOX, ValueError, r"boxes must be a list of boxes, one for each face. Got: \(70"),
        (np.array(BOX), ValueError, "boxes must be a list of boxes"),
        (5, TypeError, "boxes must be a list of boxes, one for each face. Got: 5"),
        (["1,2,3,4"], ValueError, "four numbers: x, y, width, height. Got: '1,2,3,4'"),
        ([None], ValueError, "a box must be"),
        ([(1, 2, 3)], ValueError, "a box must be x, y, width, height"),
        ([(np.nan, 2, 3, 4)], ValueError, "a box must be x, y, width, height"),
    ],
)
def test_other_boxes_are_refused(landmarker, photo, boxes, error, rule):
    with pytest.raises(error, match=rule):
        landmarker.detect(photo, boxes)


@pytest.mark.parametrize("name", ["passes", "max_pixels"])
@pytest.mark.parametrize("value", [0, -1, 1.5, float("nan"), float("inf"), "2"])
def test_whole_numbers_are_checked(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a whole number of at least 1. Got: "):
        FaceLandmarker("trnet20_300w", **{name: value})


def test_a_landmarker_s_limit_of_pixels(tmp_path, photo):
    landmarker = FaceLandmarker.from_preset("trnet20_300w", max_pixels=photo.shape[0] ** 2)
    assert landmarker.detect(photo)
    larger = np.zeros((photo.shape[0], photo.shape[1] + 1, 3), np.uint8)
    with pytest.raises(ValueError, match="image 1: an image must have .* at most 57,600 pixels"):
        landmarker.detect_many([photo, larger])


def test_crops_of_other_numbers_and_none():
    lite, score = LiteModel(zoo.lite_file("trnet20_300w")), ScoreModel(zoo.score_file())
    side = max(lite.frame.size, score.frame.size)
    crops = np.random.default_rng(0).integers(0, 256, (2, side, side, 3)).astype(np.uint8)
    for model in (lite, FlipAveraged(lite), score):
        side = model.frame.size
        given = crops[:, :side, :side]
        expected = model.predict(given)
        np.testing.assert_array_equal(model.predict(given.astype(np.float64)), expected)
        assert model.predict([]).shape == (0, *expected.shape[1:])
        assert model.predict(given[:0]).shape == (0, *expected.shape[1:])
        with pytest.raises(ValueError, match="crops must have values from 0 to 255; multiply"):
            model.predict(given / 255)
        with pytest.raises(ValueError, match=r"crops must be an array of \(faces, "):
            model.predict(given[0])
        with pytest.raises(ValueError, match="NaN"):
            model.predict(np.where(given > 9, np.nan, given))


@pytest.mark.parametrize("name", ["blazeface", "haar"])
def test_a_detector_of_its_own_takes_the_same_images(name, photo):
    detector = open_detector(name)
    np.testing.assert_array_equal(detector(photo.astype(float)), detector(photo))
    assert len(detector(photo[..., 1])) == 1
    for bad in (photo / 255, photo > 9):
        with pytest.raises(ValueError, match="from 0 to 255"):
            detector(bad)
    assert len(find_faces(photo.astype(np.float32))) == 1


def test_a_tracker_takes_frames_of_other_numbers(landmarker, photo):
    expected = FaceTracker(landmarker).update(photo)
    frame = photo[..., ::-1].astype(float)
    found = FaceTracker(landmarker).update(frame, bgr=True)
    np.testing.assert_array_equal(found[0].landmarks, expected[0].landmarks)
