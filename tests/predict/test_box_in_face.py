"""Models of few landmarks get the boxes of their own landmarks from the built-in detectors."""

import pickle

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from keras_fld import FaceLandmarker  # noqa: E402
from keras_fld.data import synthetic  # noqa: E402
from keras_fld.evaluation.detectors import evaluate_detector  # noqa: E402
from keras_fld.geometry.boxes import overlap  # noqa: E402
from keras_fld.geometry.frame import FaceCrop, landmark_box  # noqa: E402
from keras_fld.predict import metadata  # noqa: E402
from keras_fld.predict.detectors import open_detector  # noqa: E402
from keras_fld.predict.tracking import FaceTracker, search  # noqa: E402
from keras_fld.schemes import IBUG68, convert  # noqa: E402
from keras_fld.schemes.custom import from_dict  # noqa: E402
from keras_fld.schemes.face_box import BoxInFace  # noqa: E402
from keras_fld.schemes.mtfl5 import MTFL5  # noqa: E402
from tests.data import released  # noqa: E402
from tests.predict.tracking.moving_face import FPS, MovingFace  # noqa: E402
from tests.tiny import five_points, tiny  # noqa: E402

FIVE = from_dict(released.FIVE)
FRAME = FaceCrop(32, 1.3)


def five_of(points):
    return convert(points, "ibug68", "mtfl5")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("five")


@pytest.fixture(scope="module")
def model(folder):
    """An untrained network of five points, which predicts their mean shape in the crop."""
    return five_points(folder / "five.tflite", FRAME, FIVE)


@pytest.fixture(scope="module")
def files(model, folder):
    model.save(folder / "five.keras")
    return [folder / "five.keras", folder / "five.tflite"]


@pytest.fixture(scope="module")
def scenes():
    """Drawn photographs with their five points."""
    drawn = [synthetic.draw(index, size=256) for index in range(1, 7)]
    return [(face.image, five_of(face.landmarks.astype(float))) for face in drawn]


def error(landmarks, truth):
    """Mean distance in percent of the distance between the pupils."""
    distance = np.linalg.norm(truth[1] - truth[0])
    return 100 * np.linalg.norm(landmarks - truth, axis=-1).mean() / distance


@pytest.mark.parametrize("kind", [0, 1], ids=["keras", "tflite"])
def test_the_first_pass_sees_a_face_at_the_scale_of_training(files, scenes, kind):
    landmarker = FaceLandmarker(files[kind])
    as_before = FaceLandmarker(files[kind])
    as_before.box_in_face = None
    errors, before = [], []
    for image, truth in scenes:
        boxes = landmarker.find_boxes(image)
        assert overlap(boxes[:1, :4], [landmark_box(truth)])[0, 0] > 0.5
        (face,), (wide,) = (
            finder.detect(image, passes=1)[:1] for finder in (landmarker, as_before)
        )
        errors.append(error(face.landmarks, truth))
        before.append(error(wide.landmarks, truth))
    assert np.mean(errors) < 25 < 40 < np.mean(before)


def test_the_file_carries_the_box(files, model):
    about = metadata.read(files[1])
    assert about["box_in_face"] == pytest.approx([0.28, 0.21, 0.44, 0.51], abs=0.01)
    keras, lite = (FaceLandmarker(path).box_in_face for path in files)
    assert keras == lite == FaceLandmarker(model).box_in_face
    assert lite == BoxInFace(*about["box_in_face"]) == metadata.box_in_face(about)
    assert pickle.loads(pickle.dumps(FaceLandmarker(files[1]))).box_in_face == lite


def test_the_boxes_of_your_own_detector_and_your_own_boxes_are_used_as_they_are(files):
    image, box = np.zeros((200, 200, 3), np.uint8), (40.0, 50.0, 60.0, 80.0)

    def own(image):
        return [box]

    landmarker = FaceLandmarker(files[1], own)
    assert landmarker.detect(image, passes=1)[0].box == box
    assert landmarker.detect(image, [box])[0].box == box
    own.whole_faces = True
    expected = landmarker.box_in_face.of_faces([*box, 0])[0, :4]
    np.testing.assert_allclose(landmarker.detect(image, passes=1)[0].box, expected)


@pytest.mark.parametrize("detector", ["blazeface", "blazeface-turned", "blazeface-short"])
def test_boxes_for_68_landmarks_stay_as_the_detector_gives_them(detector, scenes):
    landmarker = FaceLandmarker("trnet20_300w", detector, score=None)
    assert landmarker.box_in_face is None
    found = open_detector(detector)(scenes[0][0])
    assert len(found) and np.array_equal(landmarker.find_boxes(scenes[0][0])[:, :4], found)


def test_any_model_of_a_scheme_of_the_package_gets_the_schemes_box():
    class Points:
        frame, scheme, num_landmarks = FRAME, MTFL5, 5

        def predict(self, images):
            return np.tile(FRAME.shape_pixels(MTFL5.mean_shape), (len(images), 1, 1))

    assert FaceLandmarker(Points()).box_in_face == BoxInFace.of_scheme(MTFL5)


def test_a_network_without_a_mean_shape_gets_the_box_of_the_face(scenes):
    landmarker = FaceLandmarker(tiny(5, 32, scheme=FIVE, mean_shape=np.full((5, 2), 15.5)))
    assert landmarker.box_in_face is None
    found = open_detector()(scenes[0][0])
    assert np.array_equal(landmarker.find_boxes(scenes[0][0])[:, :4], found)


def test_a_face_of_few_landmarks_is_tracked(files):
    scene = MovingFace(still=9.0)
    tracker = FaceTracker(FaceLandmarker(files[1]), check_every=5)
    for number in range(40):
        faces = tracker.update(scene.frame(number), number / FPS)
        assert [face.id for face in faces] == [1]
    truth = five_of(scene.landmarks(0.0))
    assert overlap([landmark_box(faces[0].landmarks)], [landmark_box(truth)])[0, 0] > 0.5


def test_a_detector_is_judged_by_the_box_of_the_models_landmarks(files, scenes, tmp_path):
    path = released.write_faces(tmp_path, released.FIVE, scenes)
    report = evaluate_detector(files[1], "own", path, passes=1)
    assert report.rows[0]["missed"] == 0 and report.rows[0]["other_boxes"] == 0


def test_a_baseline_has_the_box_of_its_starting_shape():
    from keras_fld.baselines.descriptors import LENGTH
    from keras_fld.baselines.sdm import SDM

    start = FRAME.shape_pixels(five_of(IBUG68.mean_shape))
    arrays = np.zeros(LENGTH), np.zeros((LENGTH, 2)), np.array([4.0]), np.zeros((1, 11, 10))
    landmarker = FaceLandmarker(SDM(FRAME, FIVE, start, *arrays))
    assert landmarker.box_in_face == BoxInFace.of_scheme(FIVE, start) is not None


def test_a_tracked_face_is_looked_for_in_the_surroundings_of_the_whole_face(files):
    seen = []

    class Blind:
        whole_faces = True

        def __call__(self, image):
            seen.append(image.shape)

    landmarker = FaceLandmarker(files[1], Blind())
    (place,) = landmarker.box_in_face.of_faces([200, 150, 40, 50, 0.3])
    for turn, factor in enumerate(search.REGIONS):
        assert not search.is_at(landmarker, np.zeros((480, 640, 3), np.uint8), place, turn)
        assert seen[turn][:2] == pytest.approx((factor * 50, factor * 50), abs=2)
