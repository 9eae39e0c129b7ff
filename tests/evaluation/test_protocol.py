import json

import cv2
import numpy as np
import pytest

from keras_fld import evaluation
from keras_fld.data import read
from keras_fld.data.readers import aflw
from keras_fld.evaluation import occlusion, protocol
from keras_fld.geometry.frame import FaceCrop, transform
from keras_fld.predict.flip import FlipAveraged
from keras_fld.reports.comparison import compare
from keras_fld.reports.intervals import mean_interval
from keras_fld.reports.report import SubsetResult, ced_auc, failure_rate
from keras_fld.schemes import COFW29, IBUG68
from tests.data import released


class Oracle:
    """Predicts the truth of the faces of a set, moved by an offset in photograph pixels."""

    frame, scheme, num_landmarks = FaceCrop(), IBUG68, 68

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


def test_errors_are_photograph_pixels_over_the_normalizer(tree):
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
    assert failure_rate(errors) == 25
    assert ced_auc(errors) == pytest.approx(100 * (0.9 + 0.5) / 4)
    # The area is that of the step curve, integrated numerically.
    limits = np.linspace(0, 10, 100_001)
    curve = np.searchsorted(np.sort(errors), limits, side="right") / 4
    assert ced_auc(errors) == pytest.approx(100 * curve.mean(), abs=0.01)


def test_hidden_landmarks_are_left_out_and_faces_without_a_normalizer_counted():
    truth = np.zeros((2, 68, 2))
    truth[0, :40] = np.nan
    assert evaluation.face_errors(truth, truth + [3, 4]).tolist() == [5, 5]
    result = SubsetResult("x", ["a", "b"], {"n": np.array([np.nan, 4.0])}, {}, truth)
    row = result.row("n")
    assert (row["faces"], row["left_out"], row["nme"]) == (1, 1, 4.0)


def test_a_report_prints_a_table_and_saves_json_and_curve(tree, tmp_path):
    report = evaluation.evaluate(Oracle(read("300w", tree, "common"), (1, 0)), "300w", tree)
    lines = str(report).splitlines()
    heads = "subset normalizer faces NME % 95 % range FR@10 % AUC@10"
    assert lines[0].split() == heads.split()
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


def test_a_scheme_without_eyes_is_measured_by_the_box(tmp_path):
    path = released.write_own(tmp_path)
    content = json.loads(path.read_text())
    del content["scheme"]["eyes"]
    path.write_text(json.dumps(content))
    faces = read("own", path, "test")
    report = evaluation.evaluate(Oracle(faces, (3, 4)), "own", path)
    expected = [500 / np.sqrt(face.box[2] * face.box[3]) for face in faces.faces]
    np.testing.assert_allclose(report.subsets[0].errors["face_size"], expected, rtol=1e-4)


def test_an_interval_covers_the_mean_of_the_faces_95_times_in_100():
    rng = np.random.default_rng(4)
    inside, widths = 0, []
    for trial in range(200):
        low, high = mean_interval(rng.gamma(2, 2, 100), draws=400, seed=trial)
        inside += low < 4 < high
        widths.append(high - low)
    assert 180 <= inside <= 198
    # That of the normal distribution: 2 * 1.96 * sqrt(8) / sqrt(100).
    assert np.mean(widths) == pytest.approx(1.11, abs=0.06)


def test_an_interval_is_reproducible_and_leaves_nan_out():
    values = [1.0, 2.0, np.nan, 7.0]
    assert mean_interval(values, seed=3) == mean_interval([1.0, 2.0, 7.0], seed=3)
    assert mean_interval([5.0]) == (5, 5)
    assert np.isnan(mean_interval([np.nan])).all()
    # More faces than one chunk of resamples holds.
    low, high = mean_interval(np.arange(3_000_000.0) % 2, draws=3)
    assert 0.49 < low <= high < 0.51
    with pytest.raises(ValueError, match="draws must be at least 1. Got: 0"):
        mean_interval(values, draws=0)
    with pytest.raises(ValueError, match="level must be between 0 and 100. Got: 100"):
        mean_interval(values, level=100)


def test_the_table_gives_the_interval_beside_the_nme(tree):
    rng = np.random.default_rng(0)
    faces = read("300w", tree, "common")
    oracle = Oracle(faces)
    oracle.shapes = iter([shape + rng.normal(0, 2, 2) for shape in oracle.shapes])
    report = evaluation.evaluate(oracle, "300w", tree, ["common"])
    low, high = report.rows[0]["interval"]
    assert low < report.nme("common") < high
    assert f"{low:.3f}-{high:.3f}" in str(report).splitlines()[2]


class Centered:
    """Finds a bright spot: a model that a mirror image and an occluder mean something to."""

    frame, scheme, num_landmarks = FaceCrop(32), IBUG68, 68

    def predict(self, images):
        y, x = np.mgrid[:32, :32]
        weight = np.asarray(images, float).sum(axis=-1) + 1e-6
        total = weight.sum(axis=(1, 2))
        spot = np.stack([(weight * axis).sum(axis=(1, 2)) / total for axis in (x, y)], axis=-1)
        return spot[:, None] + np.stack([np.arange(68), np.zeros(68)], axis=-1) / 10


def test_flip_averaging_renames_landmarks_and_mirrors_back():
    images = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    model = Centered()
    found = FlipAveraged(model).predict(images)
    plain = model.predict(images)
    other = model.predict(images[:, :, ::-1])
    for index in (0, 8, 36):
        partner = IBUG68.mirror[index]
        expected = (plain[:, index] + [[31, 0]] + other[:, partner] * [-1, 1]) / 2
        np.testing.assert_allclose(found[:, index], expected)
    # A model that treats both sides alike has nothing to average.
    model.predict = lambda images: np.tile((IBUG68.mean_shape * 20 + 15.5), (len(images), 1, 1))
    symmetric = model.predict(images)
    np.testing.assert_allclose(FlipAveraged(model).predict(images), symmetric, atol=0.2)
    model.scheme = None
    with pytest.raises(ValueError, match="with a landmark scheme. Got: 68 landmarks"):
        FlipAveraged(model)


def test_flip_is_an_option_and_named_in_the_report(tree):
    report = evaluation.evaluate(Centered(), "300w", tree, ["common"], flip=True)
    assert report.model.endswith("flip-averaged")
    plain = evaluation.evaluate(Centered(), "300w", tree, ["common"])
    assert report.nme("common") != plain.nme("common")


def _saved(tree, folder, errors):
    """A report of faces that are off by these numbers of photograph pixels."""
    faces = read("300w", tree, "common")
    oracle = Oracle(faces)
    oracle.shapes = iter(
        [
            transform(face.landmarks + np.array([error, 0]), FaceCrop().matrix(face.box))
            for face, error in zip(faces.faces, errors, strict=True)
        ]
    )
    evaluation.evaluate(oracle, "300w", tree, ["common"]).save(folder)
    return folder / "evaluation.json"


def test_a_comparison_pairs_faces_and_regions(tree, tmp_path):
    before = _saved(tree, tmp_path / "a", [1, 2, 3, 4, 5, 6])
    after = _saved(tree, tmp_path / "b", [0.5, 1.5, 2.5, 3.5, 4.5, 6.5])
    found = compare(before, after)
    faces = read("300w", tree, "common").faces
    unit = np.array([100 / IBUG68.distance(f.landmarks, "inter_pupil") for f in faces])
    row = found.rows[0]
    expected = (unit * np.array([-0.5] * 5 + [0.5])).mean()
    assert row["difference"] == pytest.approx(expected, rel=1e-3)
    assert row["difference"] == pytest.approx(row["after"] - row["before"], abs=1e-6)
    assert row["interval"][0] < row["difference"] < row["interval"][1]
    assert row["better"] == pytest.approx(100 * 5 / 6)
    assert [r["region"] for r in found.regions] == ["contour", "brows", "nose", "eyes", "mouth"]
    # All landmarks moved alike, so each region moved as the whole.
    assert all(r["difference"] == pytest.approx(expected, rel=1e-3) for r in found.regions)
    assert "contour" in str(found) and "difference" in str(found)
    found.save(tmp_path / "found.json")
    assert json.loads((tmp_path / "found.json").read_text())["rows"] == found.rows
    same = compare(before, before).rows[0]
    assert same["difference"] == 0 and same["interval"] == [0, 0]


def test_a_comparison_takes_the_faces_that_both_have_in_any_order(tree, tmp_path):
    before = _saved(tree, tmp_path / "a", [1, 2, 3, 4, 5, 6])
    content = json.loads(before.read_text())
    for part in ("faces", "region_faces"):
        columns = content[part]["common"]
        content[part]["common"] = {key: values[:2:-1] for key, values in columns.items()}
    after = tmp_path / "b.json"
    after.write_text(json.dumps(content))
    found = compare(before, after)
    assert found.rows[0]["faces"] == 3 and found.rows[0]["interval"] == [0, 0]
    assert found.notes == ["common: compared on the 3 faces in both"]
    del content["region_faces"]
    after.write_text(json.dumps(content))
    assert not compare(before, after).regions
    content["dataset"] = "wflw"
    after.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="of the same dataset. Got: 300w and wflw"):
        compare(before, after)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("{", "not a JSON file"),
        ("[]", "an evaluation must have 'dataset'"),
        ('{"dataset": "300w", "model": "a"}', "an evaluation must have 'faces'"),
        (
            '{"dataset": "300w", "model": "a", "faces": {"common": {"name": ["x"], "n": []}}}',
            "common: 'n' must have one entry for each face",
        ),
        (
            '{"dataset": "300w", "model": "a", "faces": {"common": {}}}',
            "common: must have the faces' names",
        ),
    ],
)
def test_a_file_that_is_no_evaluation_is_named(content, rule, tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=rule) as error:
        compare(path, path)
    assert str(path) in str(error.value)
    with pytest.raises(ValueError, match="none.json"):
        compare(tmp_path / "none.json", path)


def test_occluders_grow_where_they_are_and_the_second_joins_the_first():
    draw = occlusion._Occluders("afw/1", 0, 2)
    box = np.array([10.0, 20.0, 30.0, 40.0])
    small, large = (draw.squares(box, 2, size) for size in (0.1, 0.5))
    np.testing.assert_allclose(small[:, :2] + small[:, 2:], large[:, :2] + large[:, 2:])
    np.testing.assert_allclose(large[:, 2:] - large[:, :2], 20)
    np.testing.assert_array_equal(draw.squares(box, 1, 0.5), large[:1])
    again, other = occlusion._Occluders("afw/1", 0, 2), occlusion._Occluders("afw/2", 0, 2)
    np.testing.assert_array_equal(again.squares(box, 2, 0.5), large)
    assert (other.squares(box, 2, 0.5) != large).all()


def test_an_occlusion_sweep_starts_at_the_plain_figure_and_rises(tree, tmp_path):
    report = occlusion.occlusion_sweep(
        Centered(), "300w", tree, ["common"], sizes=(0.0, 0.3, 0.6), seed=1
    )
    assert [(r["occluders"], r["size"]) for r in report.rows] == [
        (count, size) for count in (1, 2) for size in (0.0, 0.3, 0.6)
    ]
    plain = evaluation.evaluate(Centered(), "300w", tree, ["common"]).nme("common")
    assert report.rows[0]["nme"] == report.rows[3]["nme"] == pytest.approx(plain)
    assert report.rows[0]["covered"] == 0 and np.isnan(report.rows[0]["hidden_nme"])
    for rows in (report.rows[:3], report.rows[3:]):
        assert rows[0]["covered"] < rows[1]["covered"] < rows[2]["covered"] < 100
    assert report.rows[5]["covered"] > report.rows[2]["covered"]
    assert report.rows[5]["nme"] != report.rows[2]["nme"] != plain
    assert report.rows[2]["hidden_nme"] > 0
    assert "occluders" in str(report)
    report.save(tmp_path)
    saved = json.loads((tmp_path / "occlusion.json").read_text())
    assert saved["rows"][0]["hidden_nme"] is None and len(saved["rows"]) == 6
    assert cv2.imread(str(tmp_path / "occlusion.png")).shape[0] > 300


def test_an_occluder_covers_its_share_of_pixels_and_hides_what_it_covers(tree):
    from keras_fld.data import crops

    faces = read("300w", tree, "common")
    data = crops.model_crops(faces, FaceCrop(64))
    boxes = [occlusion._crop_box(f, m) for f, m in zip(faces.faces, data.matrices, strict=True)]
    draws = [occlusion._Occluders(name, 0, 1) for name in data.names]
    squares = [np.array([[*box[:2], box[0] + box[2] / 2, box[1] + box[3]]]) for box in boxes]
    images, share = occlusion._covered(data, draws, squares, boxes)
    assert share == pytest.approx(50, abs=2)
    changed = (images != data.images).any(axis=-1)
    for here, (square,) in zip(changed, squares, strict=True):
        y, x = np.nonzero(here)
        assert x.min() >= square[0] and x.max() < square[2] and y.max() < square[3]
    hidden = occlusion._inside(data.landmarks[0], squares[0])
    assert hidden[0] and not hidden[16] and 20 < hidden.sum() < 48
    nowhere = np.full((1, 2), np.nan)
    assert not occlusion._inside(nowhere, squares[0]).any()


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"sizes": (1.5,)}, "a size must be from 0 to 1 face boxes. Got: 1.5"),
        ({"counts": (0,)}, "a number of occluders must be at least 1. Got: 0"),
    ],
)
def test_bad_sweeps_are_refused(tree, options, rule):
    with pytest.raises(ValueError, match=rule):
        occlusion.occlusion_sweep(Centered(), "300w", tree, **options)


def test_the_faces_that_a_run_held_out_are_evaluated(tree):
    _, held = read("300w", tree, "train").split(0.3)
    report = evaluation.evaluate(Oracle(held, (3, 4)), "300w", tree, held_out=0.3)
    (result,) = report.subsets
    assert result.subset == "held out" and result.names == [face.name for face in held.faces]
    expected = [500 / float(IBUG68.distance(f.landmarks, "inter_pupil")) for f in held.faces]
    np.testing.assert_allclose(result.errors["inter_pupil"], expected, rtol=1e-4)
    with pytest.raises(ValueError, match="held_out must be given without subsets. Got: common"):
        evaluation.evaluate(Oracle(held), "300w", tree, ["common"], held_out=0.3)


def test_own_faces_without_a_test_split_are_evaluated_whole_and_by_attribute(tmp_path):
    path = released.write_own(tmp_path)
    content = json.loads(path.read_text())
    for index, face in enumerate(content["faces"]):
        face |= {"split": "train", "attributes": ["left" if index % 2 else "frontal"]}
    path.write_text(json.dumps(content))
    faces = read("own", path, "train")
    report = evaluation.evaluate(Oracle(faces, (3, 4)), "own", path)
    assert [result.subset for result in report.subsets] == ["train", "frontal", "left"]
    expected = np.array([500 / np.sqrt(face.box[2] * face.box[3]) for face in faces.faces])
    for result, chosen in zip(
        report.subsets, (slice(None), slice(0, 8, 2), slice(1, 8, 2)), strict=True
    ):
        np.testing.assert_allclose(result.errors["face_size"], expected[chosen], rtol=1e-4)
        assert "inter_pupil" in result.errors


def test_left_out_photographs_are_noted_by_every_evaluation(own_tree):
    (own_tree / "helen/testset/image_0001.png").write_bytes(b"GIF89a")
    (own_tree / "lfpw/testset/image_0002.pts").write_text("oops")
    arguments = "300w", own_tree, ["common"]
    with pytest.raises(ValueError, match="image_0002.pts, line 1: expected"):
        evaluation.evaluate(Centered(), *arguments)
    read, notes = protocol.read_subsets(Centered(), *arguments, skip_bad=True)
    ((subset, faces),) = read
    assert subset == "common" and len(faces) == 5
    bad = [note for note in notes if "official" not in note]
    assert len(bad) == 1 and "image_0002.pts, line 1: expected" in bad[0]
    data, skipped = protocol.subset_crops(subset, faces, Centered.frame, skip_bad=True)
    assert len(data) == 4 and len(skipped) == 1 and "image_0001.png: not an image" in skipped[0]
    report = evaluation.evaluate(Centered(), *arguments, skip_bad=True)
    sweep = occlusion.occlusion_sweep(Centered(), *arguments, sizes=(0.3,), skip_bad=True)
    assert report.notes == sweep.notes == notes + skipped
    detected = evaluation.evaluate_detector(
        Centered(), "300w", own_tree, lambda image: [], subsets=["common"], skip_bad=True
    )
    assert detected.notes[:-1] == report.notes
    assert not any(str(own_tree) in note for note in report.notes)
