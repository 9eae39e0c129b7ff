import json

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("dlib", reason="needs dlib: pip install 'keras-fld[baselines]'")

from keras_fld import evaluation  # noqa: E402
from keras_fld.baselines import files, open_baseline  # noqa: E402
from keras_fld.baselines.ert import train_ert  # noqa: E402
from keras_fld.cli import cli  # noqa: E402
from keras_fld.data import crops, read  # noqa: E402
from keras_fld.geometry.frame import FaceCrop

SMALL = {"cascade_depth": 3, "num_trees_per_cascade_level": 30, "oversampling_amount": 5}


@pytest.fixture(scope="module")
def data(tree):
    return crops.model_crops(read("300w", tree, "train"), FaceCrop(96))


@pytest.fixture(scope="module")
def trained(data):
    return train_ert(data, SMALL)


def test_training_learns_its_faces(trained, data):
    mean = data.landmarks.mean(axis=0)
    before, after = (
        np.linalg.norm(shape - data.landmarks, axis=-1).mean()
        for shape in (mean, trained.predict(data.images))
    )
    assert after < 0.6 * before, (before, after)


def test_a_file_gives_the_same_model_and_is_evaluated(trained, data, tree, tmp_path):
    trained.save(tmp_path / "ert.npz")
    loaded = open_baseline(tmp_path / "ert.npz")
    np.testing.assert_array_equal(loaded.predict(data.images), trained.predict(data.images))
    report = evaluation.evaluate(tmp_path / "ert.npz", "300w", tree)
    assert 0 < report.nme("common") < 60
    same = evaluation.evaluate(trained, "300w", tree)
    assert same.model == "ert68" and same.nme("common") == report.nme("common")


def test_the_command_trains_and_tells_how(tree, tmp_path):
    file = tmp_path / "small.npz"
    options = ["--size", "96", "--trees", "5", "--oversampling", "2", "--quiet"]
    command = ["baseline", "ert", "--root", str(tree), "--out", str(file), *options]
    result = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    about = json.loads(file.with_suffix(".json").read_text("utf-8"))
    assert about["faces"] == 16 and "--trees 5" in about["command"]
    assert open_baseline(file).num_landmarks == 68


def test_what_is_no_shape_predictor_is_refused(trained, tmp_path):
    path = tmp_path / "ert.npz"
    files.save(path, "ert", trained.frame, trained.scheme, {"trees": np.zeros(9, np.uint8)})
    with pytest.raises(ValueError, match="ert.npz: not a dlib shape predictor"):
        open_baseline(path)


def test_an_unknown_option_is_refused(data):
    with pytest.raises(ValueError, match="dlib's training has no option 'leaves'"):
        train_ert(data, {"leaves": 3})
