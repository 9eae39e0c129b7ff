import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from keras_fld import FaceLandmarker
from keras_fld._internal.files import read_json
from keras_fld.cli import cli
from keras_fld.cli import fit_detector as fitting
from keras_fld.data import read
from keras_fld.data.prepared.writing import Part, prepare
from keras_fld.evaluation.detectors import evaluate_detector
from keras_fld.geometry.boxes import largest_first, overlap
from keras_fld.geometry.frame import FaceCrop, transform
from keras_fld.geometry.reduction import reduced
from keras_fld.predict import detectors
from keras_fld.predict.detectors import box_map
from keras_fld.predict.detectors.blazeface import Detection
from keras_fld.predict.detectors.haar import HaarDetector, map_squares, mirrored
from keras_fld.schemes import IBUG68
from tests.predict.detectors import tiny_yunet

POINTS = np.array([[20.0, 20], [40, 22], [30, 30], [22, 40], [38, 41]])


class Shapes:
    """A model that predicts the same shape in every crop: landmarks of a circle."""

    frame, scheme, num_landmarks = FaceCrop(64, 1.0), IBUG68, 68

    def __init__(self, radius=20):
        angles = np.linspace(0, 2 * np.pi, 68, endpoint=False)
        self.shape = 31.5 + radius * np.column_stack([np.cos(angles), np.sin(angles)])

    def predict(self, images):
        return np.repeat(self.shape[None].astype(np.float32), len(images), axis=0)


@pytest.fixture(scope="module")
def astronaut():
    """A public-domain photograph with one face, from scikit-image's wheel."""
    return pytest.importorskip("skimage.data").astronaut()


@pytest.fixture(scope="module")
def yunet(tmp_path_factory):
    return tiny_yunet.write(tmp_path_factory.mktemp("yunet") / "tiny.onnx", POINTS)


def test_overlap_by_hand():
    boxes = [[0, 0, 4, 4], [2, 0, 4, 4], [9, 9, 1, 1]]
    np.testing.assert_allclose(
        overlap(boxes, boxes), [[1, 8 / 24, 0], [8 / 24, 1, 0], [0, 0, 1]], atol=1e-12
    )
    assert overlap([], boxes).shape == (0, 3)
    assert largest_first(np.array(boxes[::-1], float))[0].tolist() == [2, 0, 4, 4]


def test_a_box_map_moves_and_grows_with_the_face():
    found = box_map.shipped("five_points")
    (box,) = found.boxes(*box_map.point_features(POINTS[None]))
    (moved,) = found.boxes(*box_map.point_features(3 * POINTS[None] + [7, -5]))
    np.testing.assert_allclose(moved, [*(3 * box[:2] + [7, -5]), *(3 * box[2:])])


def test_a_fit_finds_a_linear_map_despite_gross_errors():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(400, 5, 2)) * 5 + POINTS
    seen = box_map.point_features(points)
    true = box_map.BoxMap(rng.normal(size=(11, 4)) * 0.1 + [[0, 0, 0.2, 0.2]])
    boxes = true.boxes(*seen)
    boxes[:60] += 50
    found = box_map.fit(*seen, boxes)
    np.testing.assert_allclose(found.boxes(*seen)[60:], boxes[60:], atol=0.05)
    squares = rng.uniform(10, 90, (101, 3))[:, [0, 1, 2, 2]]
    boxes = squares + squares[:, 2:3] * [0.1, 0.2, -0.2, -0.1]
    boxes[:40] *= 3
    found = box_map.fit(*box_map.square_features(squares), boxes)
    np.testing.assert_allclose(found.boxes(*box_map.square_features(squares))[40:], boxes[40:])


def test_the_shipped_maps_say_what_they_were_fitted_on():
    stored = json.loads(box_map.FILE.read_text())
    assert set(stored) == {"haar_frontal", "haar_profile", "five_points", "blazeface"}
    for entry in stored.values():
        assert entry["fitted_on"].startswith("300w train, ") and entry["faces"] > 100
        assert np.isfinite(entry["coefficients"]).all() and len(entry["coefficients"][0]) == 4
        assert max(entry["mean_absolute_error"]) < 0.25
    # The frontal face is inside the square except for its chin; fractions are left, top, ...
    left, top, width, height = box_map.fractions("haar_frontal")
    assert 0 < left < 0.2 and 0.1 < top < 0.4 and 0.7 < width < 1 and 0.7 < height < 1
    np.testing.assert_allclose(
        map_squares([[10, 20, 50, 50]], "haar_frontal"),
        [[10 + 50 * left, 20 + 50 * top, 50 * width, 50 * height]],
    )


def test_the_cascade_finds_a_face_at_any_size_and_place(astronaut):
    expected = np.array([180, 80, 90, 95])  # measured on the photograph: brows to chin
    (found,) = HaarDetector()(astronaut)
    assert overlap([found], [expected])[0, 0] > 0.6
    large = cv2.resize(astronaut, (1536, 1536), interpolation=cv2.INTER_CUBIC)
    assert overlap(HaarDetector(profiles=False)(large), [3 * expected]).max() > 0.6
    moved = cv2.copyMakeBorder(astronaut[40:240, 120:320], 30, 0, 50, 0, cv2.BORDER_REPLICATE)
    there = expected + [50 - 120, 30 - 40, 0, 0]
    assert overlap(HaarDetector(profiles=False)(moved), [there]).max() > 0.6


def test_profiles_are_looked_for_only_where_no_frontal_face_is(monkeypatch):
    detector, image = HaarDetector(), np.zeros((60, 80, 3), np.uint8)
    profile = np.array([[10.0, 10, 20, 20]])
    monkeypatch.setattr(detector, "frontal", lambda gray: np.empty((0, 4)))
    monkeypatch.setattr(detector, "profile", lambda gray: profile)
    left = map_squares(profile, "haar_profile")
    right = mirrored(left, image)
    boxes = detector(image)
    np.testing.assert_allclose(boxes[np.argsort(boxes[:, 0])], [*left, *right])
    # In the middle, the boxes from both directions are of one face.
    profile[0, 0] = 40 - 10
    assert len(detector(image)) == 1
    monkeypatch.setattr(detector, "frontal", lambda gray: np.array([[5.0, 5, 30, 30]]))
    np.testing.assert_allclose(detector(image), map_squares([[5, 5, 30, 30]], "haar_frontal"))
    detector.profiles = False
    monkeypatch.setattr(detector, "frontal", lambda gray: np.empty((0, 4)))
    assert detector(image).shape == (0, 4)


def test_reduced_images_keep_their_shape_and_say_by_how_much():
    small, factor = reduced(np.zeros((300, 1000, 3), np.uint8), 200)
    assert small.shape == (60, 200, 3) and factor.tolist() == [5, 5]
    same = np.zeros((30, 20, 3), np.uint8)
    assert reduced(same, 30)[0] is same
    assert reduced(np.zeros((1, 9000, 3), np.uint8), 100)[0].shape == (1, 100, 3)


def test_yunets_points_lead_to_the_box_that_the_map_says(yunet):
    detector = detectors.open_detector(str(yunet))
    image = np.zeros((tiny_yunet.SIDE, tiny_yunet.SIDE, 3), np.uint8)
    np.testing.assert_allclose(detector.points(image), [POINTS], atol=1e-4)
    (box,) = detector(image)
    x, y, width, height = box
    # Around the points, with room for the cheeks and the chin.
    assert x < 20 and x + width > 40 and y < 20 and y + height > 41
    detector.max_side = tiny_yunet.SIDE
    large = np.zeros((4 * tiny_yunet.SIDE, 4 * tiny_yunet.SIDE, 3), np.uint8)
    np.testing.assert_allclose(detector(large), [4 * box], rtol=1e-4)


def test_files_that_are_no_yunet_are_refused(tmp_path):
    with pytest.raises(ValueError, match="none.onnx: No such file"):
        detectors.open_detector(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("not a model")
    with pytest.raises(ValueError, match="text.onnx: not a model that OpenCV can run"):
        detectors.open_detector(tmp_path / "text.onnx")
    other = tiny_yunet.write(tmp_path / "other.onnx", POINTS, ("a", "b", "c", "d"))
    with pytest.raises(ValueError, match="other.onnx: not a YuNet model"):
        detectors.open_detector(other)(np.zeros((64, 64, 3), np.uint8))


def test_where_opencv_has_no_cascades_one_line_says_so(monkeypatch):
    monkeypatch.delattr(cv2, "CascadeClassifier")
    monkeypatch.setattr(cv2, "__version__", "5.0.0")
    with pytest.raises(ValueError, match="Haar cascades need opencv-python 4.* Got: OpenCV 5.0.0"):
        detectors.open_detector("haar")
    assert len(detectors.find_faces(np.zeros((64, 64, 3), np.uint8))) == 0


def test_no_detector_is_imported_before_it_is_asked_for():
    code = (
        "import sys, numpy as np, keras_fld as fld\n"
        "landmarker = fld.FaceLandmarker.from_preset('trnet20_300w')\n"
        "landmarker.detect(np.zeros((64, 64, 3), np.uint8))\n"
        "loaded = {name for name in sys.modules if 'detectors.' in name}\n"
        "assert {'haar', 'yunet'}.isdisjoint(name.split('.')[-1] for name in loaded), loaded\n"
        "assert 'keras_fld.predict.detectors.blazeface' in loaded\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: detectors.open_detector("dlib"), "detector must be blazeface, .* Got: 'dlib'"),
        (lambda: detectors.open_detector(3), "detector must be .* Got: 3"),
        (lambda: detectors.open_detector("yunet"), "yunet needs its model file: download .*https:"),
        (lambda: detectors.open_detector("haar", 0.1), "min_face is only for .* Got: 'haar'"),
        (lambda: detectors.open_detector(len, 0.1), "min_face is only for the detectors blazeface"),
        (lambda: detectors.open_detector("blazeface", 0), "min_face must be above 0. Got: 0"),
        (lambda: HaarDetector(max_side=0), "max_side must be at least 1. Got: 0"),
        (lambda: HaarDetector(min_size=0), "min_size must be at least 1. Got: 0"),
        (lambda: detectors.YuNetDetector("x.onnx", 1.0), "threshold must be between 0 and 1"),
        (lambda: detectors.YuNetDetector("x.onnx", max_side=0), "max_side must be at least 1"),
    ],
)
def test_bad_arguments_are_refused(call, rule):
    with pytest.raises(ValueError, match=rule):
        call()


def test_maps_fitted_on_faces_lead_to_their_boxes(tree, monkeypatch):
    faces = read("300w", tree, "train")
    by_size = {face.image().shape[:2]: face for face in faces.faces}
    assert len(by_size) == 1  # the stand-in below cannot tell them apart otherwise
    queue = [face.box for face in faces.faces for _ in range(3)]

    def square(self, gray):
        x, y, width, height = queue.pop(0)
        side = max(width, height) / 0.8
        return np.array([[x + width / 2 - side / 2, y + height / 2 - side / 2, side, side]])

    monkeypatch.setattr(HaarDetector, "frontal", square)
    monkeypatch.setattr(HaarDetector, "profile", lambda self, gray: square(self, gray)[:0])
    with pytest.raises(ValueError, match="the cascade of haar_profile finds no face"):
        fitting.fit_maps(faces)
    queue[:] = [face.box for face in faces.faces for _ in range(3)]
    monkeypatch.setattr(HaarDetector, "profile", square)
    maps = fitting.fit_maps(faces)
    center_x, center_y, width, height = maps["haar_frontal"]["coefficients"][0]
    assert maps["haar_frontal"]["faces"] == len(faces)
    assert max(width, height) == pytest.approx(0.8, abs=0.02)
    assert abs(center_x) < 1e-6 and abs(center_y) < 1e-6
    assert maps["five_points"]["faces"] == 2 * len(faces)
    # BlazeFace is the real one, and the faces are drawn.
    assert len(faces) <= maps["blazeface"]["faces"] <= 2 * len(faces)
    assert max(maps["blazeface"]["mean_absolute_error"]) < 0.1


class Seen:
    """Stands in for a YuNet that sees noses too low, faces elsewhere, and one face not at all."""

    def __init__(self, faces):
        points = fitting.five_points(np.stack([face.landmarks for face in faces.faces]))
        self.low = points + np.array([[0, 0], [0, 0], [0, 5], [0, 0], [0, 0]])
        self.queue = list(self.low)

    def points(self, image):
        points = self.queue.pop(0)
        if len(self.queue) == 3:
            return np.empty((0, 5, 2))
        return np.stack([points + 400, points])


def test_the_map_of_yunet_is_fitted_to_the_points_that_it_sees(tree):
    faces = read("300w", tree, "train")
    seen = Seen(faces)
    entry = fitting.fit_maps(faces, ["yunet"], seen)["five_points"]
    assert entry["faces"] == 2 * (len(faces) - 1)
    # The annotated points lead to other boxes than those that it sees.
    found = box_map.BoxMap(np.array(entry["coefficients"]))
    boxes = np.stack([face.box for face in faces.faces])
    errors = [
        np.abs(found.boxes(*box_map.point_features(points)) - boxes).mean()
        for points in (seen.low, seen.low - [[0, 0], [0, 0], [0, 5], [0, 0], [0, 0]])
    ]
    assert errors[0] < errors[1]
    seen.queue = list(seen.low + 400)
    with pytest.raises(ValueError, match="YuNet finds no face"):
        fitting.fit_maps(faces, ["yunet"], seen)


def test_the_command_that_fits_them(tree, tmp_path):
    out = tmp_path / "maps.json"
    result = CliRunner().invoke(fitting.main, ["--root", str(tmp_path), "--out", str(out)])
    assert result.exit_code == 2 and str(tmp_path) in result.output and not out.exists()
    result = CliRunner().invoke(fitting.main, ["--root", str(tree), "--out", str(out)])
    assert result.exit_code == 0, result.output
    maps = read_json(out)
    assert set(maps) == {"haar_frontal", "haar_profile", "five_points", "blazeface"}
    assert all(entry["fitted_on"].endswith(", 16 faces") for entry in maps.values())
    # One detector's maps are fitted anew, and the others stay.
    again = ["--root", str(tree), "--out", str(out), "--every", "2", "--detector", "yunet"]
    result = CliRunner().invoke(fitting.main, again)
    assert result.exit_code == 0, result.output
    assert {name: entry["fitted_on"].split(", ")[1] for name, entry in read_json(out).items()} == {
        **dict.fromkeys(maps, "16 faces"),
        "five_points": "8 faces",
    }


def test_five_points_of_a_face_are_its_eyes_nose_and_mouth_corners():
    landmarks = np.arange(136.0).reshape(1, 68, 2)
    expected = [landmarks[0, 36:42].mean(0), landmarks[0, 42:48].mean(0)]
    expected += [landmarks[0, 30], landmarks[0, 48], landmarks[0, 54]]
    np.testing.assert_array_equal(fitting.five_points(landmarks), [expected])


def test_a_detector_that_knows_the_truth_loses_nothing(tree, tmp_path):
    faces = read("300w", tree, "common")
    truth = iter([face.box for face in faces.faces])
    report = evaluate_detector(
        Shapes(), "300w", tree, lambda image: [next(truth)], passes=1, subsets=["common"]
    )
    row = report.rows[0]
    assert (row["faces"], row["found"], row["missed"], row["other_boxes"]) == (6, 6, 0, 0)
    assert row["loss"] == 0 and row["annotated"] == row["detected"] > 0
    report.save(tmp_path)
    saved = json.loads((tmp_path / "detection.json").read_text())
    assert saved["rows"] == report.rows or np.isnan(row["annotated_missed"])
    assert saved["detector"] == "<lambda>" and len(saved["faces"]["common"]["overlap"]) == 6
    assert "are cropped around one face" in saved["notes"][-1]
    assert not any(str(tree) in note for note in saved["notes"])


def test_crops_are_turned_by_the_roll_that_a_detector_gives(tree):
    faces, angle = read("300w", tree, "common").faces, np.radians(20)
    queue = [Detection(face.box, angle, np.zeros((6, 2)), 1.0) for face in faces]

    class Knowing:
        def __call__(self, image):
            raise AssertionError("the roll is asked for")

        def detect(self, image):
            return [queue.pop(0)]

    (found,) = evaluate_detector(Shapes(), "300w", tree, Knowing(), 1, ["common"]).subsets
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for face, error in zip(faces, found.detected[0]["inter_pupil"], strict=True):
        scale, center = 64 / max(face.box[2:]), face.box[:2] + face.box[2:] / 2
        points = (Shapes().shape - 31.5) / scale @ turn.T + center
        off = np.linalg.norm(points - face.landmarks, axis=1).mean()
        expected = 100 * off / float(IBUG68.distance(face.landmarks, "inter_pupil"))
        assert error == pytest.approx(expected, abs=1e-3)


def test_a_detector_that_errs_loses_what_its_boxes_lead_to(tree):
    faces = read("300w", tree, "common")
    shifts = [0, 0.1, 0.1, 5, None, 0.1]
    answers = []
    for face, shift in zip(faces.faces, shifts, strict=True):
        x, y, width, height = face.box
        answers.append([] if shift is None else [(x + shift * width, y, width, height)])
    queue = list(answers)
    report = evaluate_detector(Shapes(), "300w", tree, lambda image: queue.pop(0), 1, ["common"])
    (found,) = report.subsets
    (row, *_) = report.rows
    assert (row["found"], row["missed"], row["other_boxes"]) == (4, 2, 1)
    assert np.isnan(found.detected[0]["inter_pupil"]).tolist() == [0, 0, 0, 1, 1, 0]
    # The same shape in another box, computed from the geometry only.
    model, losses = Shapes(), []
    for face, answer in zip(faces.faces, answers, strict=True):
        if answer and answer[0][0] < face.box[0] + face.box[2]:
            errors = []
            for box in (face.box, answer[0]):
                scale = 64 / max(box[2:])
                center = np.array(box[:2]) + np.array(box[2:]) / 2
                points = (model.shape - 31.5) / scale + center
                errors.append(np.linalg.norm(points - face.landmarks, axis=1).mean())
            distance = float(IBUG68.distance(face.landmarks, "inter_pupil"))
            losses.append(100 * (errors[1] - errors[0]) / distance)
    assert row["loss"] == pytest.approx(np.mean(losses), abs=1e-3)
    assert row["interval"][0] <= row["loss"] <= row["interval"][1]
    assert row["annotated_missed"] > 0
    assert "missed" in str(report)


def test_prepared_faces_have_no_photographs_to_search(tree, tmp_path):
    prepare(
        "300w", [Part("common", read("300w", tree, "common"), False)], tmp_path / "p", FaceCrop()
    )
    with pytest.raises(ValueError, match="a detector needs photographs. Got: a folder of prepared"):
        evaluate_detector(Shapes(), "300w", tmp_path / "p", subsets=["common"])


def test_a_second_pass_is_cut_by_the_landmarks_of_the_first():
    image, box = np.zeros((300, 300, 3), np.uint8), (100, 100, 64, 64)
    landmarker = FaceLandmarker(Shapes(16), lambda image: [box], passes=2)
    (once,) = landmarker.detect(image, passes=1)
    (twice,) = landmarker.detect(image)
    assert once.box == box
    # A circle of radius 16 in a crop of 64: each pass halves the box about its center.
    np.testing.assert_allclose(twice.box, [116, 116, 32, 32], atol=0.1)
    np.testing.assert_allclose(
        transform(twice.landmarks, FaceCrop(64, 1.0).matrix(twice.box, twice.angle)),
        Shapes(16).shape,
        atol=1e-3,
    )
    np.testing.assert_array_equal(landmarker.detect(image, [box])[0].landmarks, once.landmarks)


def test_landmarks_that_leave_the_picture_do_not_move_the_box():
    model = Shapes(16)
    model.shape = model.shape + 900
    (face,) = FaceLandmarker(model, lambda image: [(5, 5, 40, 40)]).detect(
        np.zeros((60, 60, 3), np.uint8)
    )
    assert face.box == (5, 5, 40, 40)


def test_the_command_line_counts_misses_and_draws_in_a_detectors_boxes(tree, yunet, tmp_path):
    run = CliRunner().invoke
    evaluate = ["evaluate", "--preset", "trnet20_300w", "--root", str(tree), "--subset", "common"]
    result = run(cli, [*evaluate, "--detector", "haar", "--passes", "2", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    rows = json.loads((tmp_path / "detection.json").read_text())["rows"]
    assert {row["passes"] for row in rows} == {1, 2} and rows[0]["faces"] == 6
    assert rows[0]["found"] + rows[0]["missed"] == 6 and "detected %" in result.output
    for wrong in (["--passes", "2"], ["--detector", "haar", "--regions"]):
        assert run(cli, [*evaluate, *wrong]).exit_code == 2
    image = tmp_path / "face.png"
    cv2.imwrite(str(image), np.full((64, 64, 3), 90, np.uint8))
    out = tmp_path / "out"
    predict = ["predict", str(image), "--model", "trnet20_300w", "--out", str(out)]
    found = ["--detector", str(yunet), "--passes", "1"]
    result = run(cli, [*predict, *found])
    assert result.exit_code == 0, result.output
    (face,) = json.loads((out / "face.json").read_text())["faces"]
    (box,) = detectors.open_detector(yunet)(cv2.imread(str(image)))
    np.testing.assert_allclose(face["box"], box)
    assert face["score"] < 0.5 and len(face["landmarks"]) == 68
    result = run(cli, [*predict, *found, "--min-score", "0.5"])  # the gray picture shows none
    assert result.exit_code == 0 and "no face scores at least 0.5" in result.output
