import json

import numpy as np
import pytest

from keras_fld import evaluation
from keras_fld.baselines import SDM, files, open_baseline, train_sdm
from keras_fld.baselines.descriptors import LENGTH, describe
from keras_fld.data import crops, read, synthetic
from keras_fld.data.faces import evenly
from keras_fld.geometry.frame import FaceCrop, landmark_box
from keras_fld.predict.landmarker import FaceLandmarker
from keras_fld.predict.predictor import open_model
from keras_fld.reproduce import figure1
from keras_fld.schemes import custom
from tests.data import released

FRAME = FaceCrop(48)


@pytest.fixture(scope="module")
def data(tree):
    return crops.model_crops(read("300w", tree, "train"), FRAME)


@pytest.fixture(scope="module")
def trained(data):
    """A small cascade and its error on the training faces after each stage."""
    errors = []
    model = train_sdm(
        data, radii=(0.2, 0.12), kept=8, progress=lambda stage, error: errors.append(error)
    )
    return model, errors


def _error(shapes, data):
    return np.linalg.norm(shapes - data.landmarks, axis=-1).mean()


def test_each_stage_comes_nearer_and_predicting_repeats_training(trained, data):
    model, errors = trained
    at_start = _error(model.start, data)
    assert errors[1] < errors[0] < at_start
    assert _error(model.predict(data.images), data) < 0.5 * at_start


def test_unseen_faces_come_nearer_too(trained, tree):
    model, _ = trained
    test = crops.model_crops(read("300w", tree, "common"), FRAME)
    assert _error(model.predict(test.images), test) < _error(model.start, test)


def test_the_ridge_is_that_of_the_normal_equations():
    from keras_fld.baselines.sdm import _apply, _ridge

    rng = np.random.default_rng(0)
    features, true = rng.normal(3, 2, (400, 5)), rng.normal(0, 1, (5, 2))
    targets = features @ true + 7
    weights = _ridge(features, targets, 1e-9)
    np.testing.assert_allclose(weights[:-1], true, atol=1e-4)
    np.testing.assert_allclose(weights[-1], 7, atol=1e-3)
    shrunk = _ridge(features, targets, 100.0)
    assert np.abs(shrunk[:-1]).sum() < 0.1 * np.abs(true).sum()
    # The offset is not shrunk: the mean stays.
    np.testing.assert_allclose(_apply(features, shrunk).mean(0), targets.mean(0), rtol=1e-4)


def test_descriptors_follow_their_point_and_have_length_one():
    image = synthetic.draw(0, size=96).image
    point = np.array([[50.0, 45.0]])
    found = describe(image, point, 8)
    assert found.shape == (1, 128) and np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    moved = describe(np.roll(image, (5, 3), axis=(0, 1)), point + [3, 5], 8)
    np.testing.assert_allclose(moved, found, atol=1e-3)
    assert np.abs(describe(image, point + 12, 8) - found).max() > 0.05
    assert np.isfinite(describe(np.zeros((9, 9, 3), np.uint8), [[-4, 99], [2, 2]], 8)).all()


def test_a_file_gives_the_same_model_without_pickle(trained, data, tmp_path):
    model, _ = trained
    model.save(tmp_path / "sdm.npz")
    with np.load(tmp_path / "sdm.npz", allow_pickle=False) as file:
        assert str(file["method"]) == "sdm"
    loaded = open_baseline(tmp_path / "sdm.npz")
    assert loaded.frame == FRAME and loaded.scheme.name == "ibug68"
    np.testing.assert_array_equal(loaded.predict(data.images), model.predict(data.images))
    assert isinstance(open_model(tmp_path / "sdm.npz"), SDM)
    assert loaded.predict(data.images[:0]).shape == (0, 68, 2)


def test_a_file_holds_a_scheme_of_ones_own(tmp_path):
    own = custom.from_dict(released.FIVE)
    weights = np.zeros((1, 5 * 4 + 1, 10), np.float32)
    arrays = np.full((5, 2), 31.5), np.zeros(LENGTH), np.eye(LENGTH, 4), np.array([8.0]), weights
    SDM(FRAME, own, *arrays).save(tmp_path / "sdm.npz")
    assert open_baseline(tmp_path / "sdm.npz").scheme == own
    content = dict(np.load(tmp_path / "sdm.npz")) | {"scheme": '{"name": "five"}'}
    np.savez(tmp_path / "sdm.npz", **content)
    with pytest.raises(ValueError, match="sdm.npz: landmarks of a scheme must be"):
        open_baseline(tmp_path / "sdm.npz")


def test_it_is_evaluated_and_finds_landmarks_as_every_model(trained, tree, tmp_path):
    model, _ = trained
    model.save(tmp_path / "sdm.npz")
    assert open_baseline(tmp_path / "sdm.npz").name == "sdm68"
    report = evaluation.evaluate(tmp_path / "sdm.npz", "300w", tree)
    assert report.model == "sdm.npz" and 0 < report.nme("common") < 40
    face = synthetic.draw(0, size=96)
    found = FaceLandmarker(tmp_path / "sdm.npz").detect(face.image, [landmark_box(face.landmarks)])
    assert found[0].landmarks.shape == (68, 2)


def test_damaged_files_are_named(trained, tmp_path):
    model, _ = trained
    path = tmp_path / "sdm.npz"
    with pytest.raises(ValueError, match="must end in .npz. Got: .*a.dat"):
        model.save(tmp_path / "a.dat")
    with pytest.raises(ValueError, match="no such file"):
        open_baseline(path)
    for content in (b"", b"PK\x03\x04 half a file", b"text"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="sdm.npz: not a .npz file, or a damaged one"):
            open_baseline(path)
    np.savez(path, pickled=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="sdm.npz: not a .npz file"):
        open_baseline(path)
    np.savez(path, other=1)
    with pytest.raises(ValueError, match="not a baseline of this package"):
        open_baseline(path)
    files.save(path, "sdm", FRAME, model.scheme, {"start": model.start})
    with pytest.raises(ValueError, match="the baseline is damaged"):
        open_baseline(path)
    names = ("start", "center", "basis", "radii")
    arrays = {name: getattr(model, name) for name in names} | {"weights": model.weights[:1]}
    files.save(path, "sdm", FRAME, model.scheme, arrays)
    with pytest.raises(ValueError, match="sdm.npz: weights must be finite numbers"):
        open_baseline(path)
    files.save(path, "magic", FRAME, model.scheme, {})
    with pytest.raises(ValueError, match="must be sdm or ert. Got: 'magic'"):
        open_baseline(path)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"starts": 0}, "starts must be at least 1. Got: 0"),
        ({"radii": ()}, "number of stages must be at least 1. Got: 0"),
        ({"ridge": 0}, "ridge and radii must be above 0"),
        ({"kept": 129}, "kept at most 128"),
    ],
)
def test_bad_options_are_refused(data, options, rule):
    with pytest.raises(ValueError, match=rule):
        train_sdm(data, **options)


def test_faces_without_all_landmarks_are_left_out(data):
    from dataclasses import replace

    from keras_fld.baselines.sdm import with_mirrors

    landmarks = data.landmarks.copy()
    landmarks[0, 3] = np.nan
    images, points = with_mirrors(replace(data, landmarks=landmarks))
    assert len(images) == len(points) == 2 * (len(data) - 1)
    np.testing.assert_array_equal(images[len(images) // 2], data.images[1][:, ::-1])
    back = points[len(points) // 2][data.scheme.mirror]
    np.testing.assert_allclose(FRAME.size - 1 - back[:, 0], points[0][:, 0], atol=1e-4)
    with pytest.raises(ValueError, match="every landmark annotated. Got: none"):
        with_mirrors(replace(data, landmarks=landmarks * np.nan))


def test_the_figure_has_a_column_for_each_method_and_a_row_for_each_face(trained):
    model, _ = trained
    faces = [synthetic.draw(i, size=96) for i in (0, 1, 2)]
    pairs = [(face.image, landmark_box(face.landmarks)) for face in faces]
    picture = figure1.draw_methods({"SDM": model, "SDM again": model}, pairs, size=80)
    assert picture.shape[1] == 2 * 86 + 6 and picture.shape[0] > 3 * 86
    left, right = picture[-258:, 6:86], picture[-258:, 92:172]
    np.testing.assert_array_equal(left, right)
    assert (left[:80] != left[86:166]).any()
    names = picture[: picture.shape[0] - 258]
    assert (names[:, 6:86] < 100).any() and (names[:, 92:172] < 100).any()
    # Three methods are as wide as a page, and a face fills most of its picture.
    wide = figure1.draw_methods({"a": model, "b": model, "c": model}, pairs[:1])
    assert 800 < wide.shape[1] < 900
    examples = figure1.example_faces(2)
    assert len(examples) in (2, 6) and all(len(box) == 4 for _, box in examples)
    assert figure1.draw_methods({"SDM": model}, examples, size=60).any()
    with pytest.raises(ValueError, match="at least one method and one face. Got: 1 and 0"):
        figure1.draw_methods({"SDM": model}, [])


def test_the_examples_are_the_portrait_under_four_conditions():
    portrait = pytest.importorskip("skimage.data").astronaut()
    plain, turned, dark, covered = figure1.example_faces(0)
    np.testing.assert_array_equal(plain[0], portrait)
    assert plain[1] == turned[1] == dark[1] == covered[1]
    x, y, width, height = (round(v) for v in plain[1])

    def face(pair):
        return pair[0][y : y + height, x : x + width].astype(float)

    assert (face(turned) != face(plain)).mean() > 0.9
    left, right = face(dark)[:, : width // 4].mean(), face(dark)[:, -width // 4 :].mean()
    assert right < 0.5 * left
    assert 0.1 < (face(covered) != face(plain)).any(axis=-1).mean() < 0.5


def _figure(*arguments):
    from click.testing import CliRunner

    from keras_fld.cli import cli

    return CliRunner().invoke(cli, ["baseline", "figure", *map(str, arguments)])


def test_the_figure_command_draws_methods_on_photographs(trained, tmp_path):
    import cv2

    skimage = pytest.importorskip("skimage.data")
    cv2.imwrite(str(tmp_path / "photo.png"), skimage.astronaut()[..., ::-1])
    trained[0].save(tmp_path / "sdm.npz")
    rows = ["--model", f"SDM={tmp_path / 'sdm.npz'}", "--model", "TRNet-20=trnet20_300w"]
    out = tmp_path / "figure.png"
    result = _figure(*rows, "--photo", tmp_path / "photo.png", "--size", 60, "--out", out)
    assert result.exit_code == 0, (result.output, result.exception)
    picture = cv2.imread(str(out))
    assert picture.shape[1] == 2 * 66 + 6 and 66 < picture.shape[0] < 100
    # The same face in both columns, with other landmarks.
    upper, lower = picture[-66:-6, 6:66].astype(int), picture[-66:-6, 72:132].astype(int)
    assert 0 < (abs(upper - lower) > 60).any(axis=-1).mean() < 0.5
    cv2.imwrite(str(tmp_path / "gray.png"), np.full((50, 50, 3), 90, np.uint8))
    bad = _figure(*rows, "--photo", tmp_path / "gray.png", "--out", out)
    assert "gray.png: no face was found" in str(bad.exception)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["--model", "sdm.npz", "--out", "a.png"], "--model must be NAME=MODEL.*Got: sdm.npz"),
        (["--model", "A=a", "--model", "A=b", "--out", "a.png"], "name a method once. Got: A"),
        (["--model", "A=a.npz", "--out", "a.gif"], "--out must end in .png. Got: a.gif"),
        (["--model", "A=a.npz", "--out", "a.png", "--size", "3"], "--size must be 40 to 1000"),
        (["--model", "A=none.npz", "--out", "a.png"], "none.npz: no such file"),
    ],
)
def test_the_figure_command_refuses_bad_arguments(arguments, rule):
    result = _figure(*arguments, "--drawn", 1)
    assert isinstance(result.exception, ValueError)
    with pytest.raises(ValueError, match=rule):
        raise result.exception


def test_a_limit_takes_so_many_faces_evenly():
    for total, count in ((2012, 300), (601, 300), (7, 3), (5, 9), (4, 1)):
        found = evenly(total, count)
        assert len(set(found)) == min(total, count) and found[0] == 0
        steps = np.diff(found)
        assert len(found) == 1 or (found[-1] == total - 1 and np.ptp(steps) <= 1)


def test_the_command_writes_a_model(tree, tmp_path):
    from click.testing import CliRunner

    from keras_fld.cli import cli

    out = tmp_path / "sdm.npz"
    arguments = ["baseline", "sdm", "--root", tree, "--out", out, "--size", 32, "--starts", 1]
    result = CliRunner().invoke(cli, [*map(str, arguments), "--limit", "6"])
    assert result.exit_code == 0, result.output
    assert "stage 4:" in result.output and f"wrote {out}" in result.output
    assert open_baseline(out).frame.size == 32
    told = json.loads(out.with_suffix(".json").read_text())
    assert told["command"] == (
        "keras-fld baseline sdm --root 300w --out sdm.npz --size 32 --starts 1 --limit 6"
    )
    assert told["faces"] == 6 and told["seconds"] > 0
    bad = CliRunner().invoke(cli, ["baseline", "sdm", "--root", str(tree), "--out", "sdm.dat"])
    assert "must end in .npz. Got: sdm.dat" in str(bad.exception)
    report = tmp_path / "report"
    result = CliRunner().invoke(
        cli, ["evaluate", str(out), "--root", str(tree), "--flip", "--out", str(report)]
    )
    assert result.exit_code == 0, result.output
    saved = json.loads((report / "flip" / "evaluation.json").read_text())
    assert saved["model"] == "sdm.npz, flip-averaged"


def test_a_small_file_that_unpacks_to_gigabytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LARGEST", 2**20)
    np.savez_compressed(tmp_path / "bomb.npz", a=np.zeros(2**20))
    assert (tmp_path / "bomb.npz").stat().st_size < 2**14
    with pytest.raises(ValueError, match="bomb.npz: must contain at most 1,048,576 bytes"):
        open_baseline(tmp_path / "bomb.npz")
