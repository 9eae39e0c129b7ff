import json

import cv2
import numpy as np
import pytest

from keras_fld import evaluation
from keras_fld.data import aflw, read
from keras_fld.data.geometry import Frame, transform
from keras_fld.schemes import COFW29, IBUG68
from tests.data import released


class Oracle:
    """Predicts the truth of the faces of a set, moved by an offset in photograph pixels."""

    frame, scheme, num_landmarks = Frame(), IBUG68, 68

    def __init__(self, faces, offset=(0, 0)):
        self.scheme, self.num_landmarks = faces.scheme, faces.scheme.num_landmarks
        self.shapes = iter(
            [transform(f.landmarks + offset, self.frame.matrix(f.box)) for f in faces.faces]
        )

    def predict(self, images):
        return np.stack([next(self.shapes) for _ in images])


def test_the_truth_has_no_error_and_the_whole_area(tree):
    oracle = Oracle(read("300w", tree, "common"))
    report = evaluation.evaluate(oracle, "300w", tree, ["common"])
    row = report.rows[0]
    assert row["normalizer"] == "inter_pupil" and row["faces"] == 6
    assert row["nme"] < 1e-4 and row["failure_rate"] == 0 and row["auc"] == pytest.approx(100)


def test_errors_are_photograph_pixels_over_the_normaliser(tree):
    faces = read("300w", tree, "common")
    report = evaluation.evaluate(Oracle(faces, (3, 4)), "300w", tree, ["common"])
    for name in ("inter_pupil", "inter_ocular"):
        expected = [500 / float(IBUG68.distance(f.landmarks, name)) for f in faces.faces]
        np.testing.assert_allclose(report.subsets[0].errors[name], expected, rtol=1e-4)


def test_regions_average_to_the_whole(tree):
    faces = read("300w", tree, "common")
    report = evaluation.evaluate(Oracle(faces, (2, 1)), "300w", tree, ["common"])
    regions = report.subsets[0].regions
    assert list(regions) == ["contour", "brows", "nose", "eyes", "mouth"]
    sizes = [len(IBUG68.patches[name]) for name in regions]
    whole = np.average(list(regions.values()), weights=sizes)
    assert whole == pytest.approx(report.nme("common"), rel=1e-6)
    assert "contour" in report.region_table()


def test_absent_subsets_are_noted_and_the_rest_evaluated(tree):
    report = evaluation.evaluate(Oracle(read("300w", tree, "common")), "300w", tree)
    assert [s.subset for s in report.subsets] == ["common"]
    assert any("challenge: not evaluated" in note for note in report.notes)
    assert not any(str(tree) in note for note in report.notes)
    with pytest.raises(ValueError, match="needs .pts files in ibug"):
        evaluation.evaluate(Oracle(read("300w", tree, "common")), "300w", tree, ["challenge"])


def test_another_landmark_count_is_refused(tree):
    oracle = Oracle(read("300w", tree, "common"))
    oracle.num_landmarks = 29
    with pytest.raises(ValueError, match=r"must predict the data's 68 landmarks .* Got: 29"):
        evaluation.evaluate(oracle, "300w", tree)


def test_failure_rate_and_area_by_hand():
    errors = [1.0, 5.0, 10.0, 20.0]
    assert evaluation.failure_rate(errors) == 25
    assert evaluation.ced_auc(errors) == pytest.approx(100 * (0.9 + 0.5) / 4)
    # The area is that of the step curve, integrated numerically.
    limits = np.linspace(0, 10, 100_001)
    curve = np.searchsorted(np.sort(errors), limits, side="right") / 4
    assert evaluation.ced_auc(errors) == pytest.approx(100 * curve.mean(), abs=0.01)


def test_hidden_landmarks_are_left_out_and_faces_without_a_normaliser_counted():
    truth = np.zeros((2, 68, 2))
    truth[0, :40] = np.nan
    assert evaluation.face_errors(truth, truth + [3, 4]).tolist() == [5, 5]
    result = evaluation.SubsetResult("x", ["a", "b"], {"n": np.array([np.nan, 4.0])}, {}, truth)
    row = result.row("n")
    assert (row["faces"], row["left_out"], row["nme"]) == (1, 1, 4.0)


def test_a_report_prints_a_table_and_saves_json_and_curve(tree, tmp_path):
    report = evaluation.evaluate(Oracle(read("300w", tree, "common"), (1, 0)), "300w", tree)
    lines = str(report).splitlines()
    assert lines[0].split() == ["subset", "normaliser", "faces", "NME", "%", "FR@10", "%", "AUC@10"]
    assert lines[2].split()[:3] == ["common", "inter_pupil", "6"]
    report.save(tmp_path)
    saved = json.loads((tmp_path / "evaluation.json").read_text())
    assert saved["rows"] == report.rows and len(saved["faces"]["common"]["name"]) == 6
    assert cv2.imread(str(tmp_path / "ced.png")).shape[0] > 300
    assert {p.name for p in tmp_path.iterdir()} == {"evaluation.json", "ced.png"}


def test_attributes_are_rows_of_their_own(tmp_path):
    flags = [(0, 0, 0, 0, 0, 0), (1, 0, 0, 0, 0, 1), (0, 0, 0, 0, 0, 1)]
    released.write_wflw(tmp_path, "test", released.drawn(3, "wflw98"), flags)
    faces = read("wflw", tmp_path, "test")
    report = evaluation.evaluate(Oracle(faces, (0, 2)), "wflw", tmp_path)
    assert [(s.subset, len(s.names)) for s in report.subsets] == [
        ("test", 3),
        ("pose", 1),
        ("blur", 2),
    ]
    whole, pose, blur = (result.errors["inter_ocular"] for result in report.subsets)
    np.testing.assert_array_equal(blur, whole[1:])
    np.testing.assert_array_equal(pose, whole[1:2])
    single = evaluation.evaluate(
        Oracle(read("wflw", tmp_path, "blur"), (0, 2)), "wflw", tmp_path, ["blur"]
    )
    np.testing.assert_allclose(single.subsets[0].errors["inter_ocular"], blur)
    assert report.nme("blur") == pytest.approx(blur.mean())
    report.save(tmp_path / "report")
    assert (tmp_path / "report/ced.png").exists()


def test_occluded_and_visible_landmarks_are_told_apart(tmp_path):
    pytest.importorskip("h5py")
    flags = np.zeros((2, 29), bool)
    flags[:, :5] = True
    faces = released.drawn(2, "cofw29")
    released.write_cofw(tmp_path / "COFW_test_color.mat", "T", faces, occluded=flags)
    oracle = Oracle(read("cofw", tmp_path, "test"))
    shapes = [shape.copy() for shape in oracle.shapes]
    for shape, face in zip(shapes, faces, strict=True):
        scale = np.ptp(shape[:, 0]) / np.ptp(face.landmarks[:, 0])
        shape[:5] += np.array([3, 4]) * scale
    oracle.shapes = iter(shapes)
    report = evaluation.evaluate(oracle, "cofw", tmp_path)
    (result,) = report.subsets
    expected = np.mean([500 / COFW29.distance(f.landmarks, "inter_ocular") for f in faces])
    assert list(result.errors)[0] == "inter_ocular"
    assert result.visibility["occluded"] == pytest.approx(expected, rel=1e-3)
    assert result.visibility["visible"] < 1e-3
    assert report.nme("test") == pytest.approx(expected * 5 / 29, rel=1e-3)
    assert "occluded landmarks" in str(report)


def test_aflw_divides_by_the_box_and_leaves_hidden_landmarks_out(tmp_path, monkeypatch):
    monkeypatch.setattr(aflw, "TRAINING", 0)
    visible = np.ones((3, 19), bool)
    visible[0, 3:] = visible[1, :15] = False
    names = ["0/a.png", "0/b.png", "0/c.png"]
    released.write_aflw(tmp_path, names, released.drawn(3, "aflw19"), visible, [0, 1, 2])
    faces = read("aflw", tmp_path, "full")
    report = evaluation.evaluate(Oracle(faces, (3, 4)), "aflw", tmp_path, ["full"])
    assert list(report.subsets[0].errors)[0] == "face_box"
    np.testing.assert_allclose(
        report.subsets[0].errors["face_box"], [500 / 10, 500 / 11, 500 / 12], rtol=1e-4
    )
    assert report.subsets[0].row("inter_ocular")["left_out"] == 2
    assert not report.subsets[0].visibility
    keep = evaluation.evaluate(
        Oracle(read("aflw", tmp_path, "full", hidden="keep"), (3, 4)),
        "aflw",
        tmp_path,
        ["full"],
        hidden="keep",
    )
    assert keep.subsets[0].visibility["occluded"] > 0


def test_a_layout_without_eyes_is_measured_by_the_box(tmp_path):
    path = released.write_own(tmp_path)
    content = json.loads(path.read_text())
    del content["scheme"]["eyes"]
    path.write_text(json.dumps(content))
    faces = read("own", path, "test")
    report = evaluation.evaluate(Oracle(faces, (3, 4)), "own", path)
    expected = [500 / np.sqrt(face.box[2] * face.box[3]) for face in faces.faces]
    np.testing.assert_allclose(report.subsets[0].errors["face_size"], expected, rtol=1e-4)
