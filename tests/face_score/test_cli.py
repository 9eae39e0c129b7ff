"""`keras-fld score train` on a small tree of generated faces."""

import json

import pytest
from click.testing import CliRunner

from keras_fld.cli import cli
from keras_fld.predict import metadata
from keras_fld.predict.lite_model import ScoreModel


def run(*arguments):
    return CliRunner().invoke(cli, ["score", "train", *map(str, arguments)])


def test_it_trains_and_writes_a_file_that_scores(tree, tmp_path, monkeypatch):
    pytest.importorskip("tensorflow")
    from keras_fld.face_score import training

    monkeypatch.setattr(training, "DRAWN", 4)
    monkeypatch.setattr(training, "HELD_OUT", 0.3)
    short = ["--steps", 3, "--batch-size", 8, "--quiet"]
    result = run("--root", tree, "--out", tmp_path, *short)
    assert result.exit_code == 0, (result.output, result.exception)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"face_score.keras", "face_score.tflite", "score.json"}
    report = json.loads((tmp_path / "score.json").read_text())
    assert sum(report["faces"].values()) + sum(report["held_out"].values()) == 16 + 4
    assert set(report["validation"]) == {"false_positives", "faces", "half_covered"}
    assert all(0 <= rate <= 0.2 for rate in report["validation"]["false_positives"].values())
    model = ScoreModel(tmp_path / "face_score.tflite")
    crops, labels = small_samples(tree).draw(0, 10)
    assert model.predict(crops).shape == (10,)
    assert metadata.read(tmp_path / "face_score.tflite")["mode"] == "int8"
    assert "taken for a face: away" in result.output


def small_samples(tree):
    from keras_fld.data import catalog
    from keras_fld.data.crops import training_crops
    from keras_fld.face_score.samples import Samples
    from keras_fld.face_score.scenes import scenes
    from keras_fld.geometry.frame import FaceCrop

    faces = catalog.read("300w", tree)
    return Samples([training_crops(faces, FaceCrop())], scenes(faces), [1.0])


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ((), "the 300w dataset needs its folder as root"),
        (("--root", "TREE", "--also", "mtfl"), "--also must be NAME=FOLDER. Got: mtfl"),
        (("--root", "TREE", "--also", "faces=x"), "dataset must be one of 300w, .*Got: 'faces'"),
        (("--dataset", "synthetic-19"), "trained on faces with ibug68, wflw98 or mtfl5 landmarks"),
        (("--root", "none"), "none: no such folder"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(tree, tmp_path, monkeypatch, arguments, rule):
    from keras_fld.data.synthetic import reader

    monkeypatch.setitem(reader.SIZES, "train", 4)
    arguments = [str(tree) if word == "TREE" else word for word in arguments]
    result = run(*arguments, "--out", tmp_path / "o", "--quiet")
    assert result.exit_code and not (tmp_path / "o").exists()
    with pytest.raises(ValueError, match=rule):
        raise result.exception
