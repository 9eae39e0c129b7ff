import json
import re

import numpy as np
import pytest
from click.testing import CliRunner

from keras_fld import models
from keras_fld.cli import cli
from keras_fld.evaluation import protocol
from keras_fld.lite.parity_check import parity
from keras_fld.predict.predictor import open_model


class Shifted:
    """The model, with one landmark of every face off by a known distance."""

    name = "shifted"

    def __init__(self, model, landmark, offset):
        self._model = open_model(model)
        self.frame, self.scheme = self._model.frame, self._model.scheme
        self.num_landmarks = self._model.num_landmarks
        self._landmark, self._offset = landmark, offset

    def predict(self, images):
        landmarks = np.array(self._model.predict(images))
        landmarks[:, self._landmark] += self._offset
        return landmarks


@pytest.fixture(scope="module")
def saved(small_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("parity") / "model.keras"
    small_model.save(path)
    return path


def run(*arguments):
    return CliRunner().invoke(cli, [str(x) for x in arguments])


def test_a_known_shift_is_found_where_it_is(small_model, tree):
    report = parity(Shifted(small_model, 30, (0.3, 0.4)), small_model, "300w", tree)
    expected = [0.5 if i == 30 else 0 for i in range(68)]
    np.testing.assert_allclose([x["max"] for x in report.landmarks], expected, atol=1e-5)
    assert report.summary["mean"] == pytest.approx(0.5 / 68, abs=1e-6)
    assert report.summary["rms"] == pytest.approx(0.5 / 68**0.5, abs=1e-5)
    assert len(report.faces) == len(set(report.faces)) == 6
    assert [row["normalizer"] for row in report.rows][:2] == ["inter_pupil", "inter_ocular"]
    assert all(row["difference"] == row["nme"] - row["nme_reference"] for row in report.rows)
    same = parity(small_model, small_model, "300w", tree)
    assert same.summary["max"] == 0 and same.rows[0]["difference"] == 0


def test_faces_that_are_predicted_in_parts_are_all_compared(small_model, tree, monkeypatch):
    whole = parity(Shifted(small_model, 30, (0.3, 0.4)), small_model, "300w", tree)
    monkeypatch.setattr(protocol, "_AT_ONCE", 4)  # fewer than the faces of a subset
    parts = parity(Shifted(small_model, 30, (0.3, 0.4)), small_model, "300w", tree)
    np.testing.assert_allclose(parts.predictions, whole.predictions, atol=1e-4)
    assert [row["nme"] for row in parts.rows] == pytest.approx([row["nme"] for row in whole.rows])


def test_the_worst_faces_come_first(small_model, tree, files):
    report = parity(files["int8_full"], small_model, "300w", tree)
    order = np.square(report.distances).mean(axis=1)[report.worst]
    assert (np.diff(order) <= 0).all() and order[0] > 0


def test_the_command_writes_a_page_that_opens_offline(saved, files, tree, tmp_path):
    arguments = (files["int8"], "--reference", saved, "--root", tree, "--out", tmp_path)
    result = run("parity", *arguments)
    assert result.exit_code == 0, result.output
    assert "6 faces, distance in pixels of the 32-pixel crop" in result.output
    report = json.loads((tmp_path / "parity.json").read_text())
    assert 0 < report["pixels"]["rms"] < 0.3 and len(report["landmarks"]) == 68
    assert len(report["worst"]) == 6 and report["rows"][0]["subset"] == "common"
    page = (tmp_path / "parity.html").read_text("utf-8")
    assert page.count("data:image/jpeg;base64,") == 6 and page.count("<circle") == 2 * 68
    assert not re.search(r"(src|href)=.?(http|/|file)", page), "nothing is loaded from elsewhere"
    assert str(tmp_path) not in page and str(tree) not in page


def test_models_of_other_crops_are_refused(files, tree):
    other = models.TRNet20(input_size=48, width=0.25)
    with pytest.raises(ValueError, match="must have the same crop .* Got: .*size=32.*size=48"):
        parity(files["int8"], other, "300w", tree)


def test_export_writes_the_modes_and_a_table(saved, tree, tmp_path):
    chosen = ["dynamic", "int8"]
    names = [word for mode in chosen for word in ("--mode", mode)]
    result = run("export", saved, *names, "--out", tmp_path, "--root", tree)
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "export.json").read_text())
    assert [row["mode"] for row in report["files"]] == chosen
    for row in report["files"]:
        assert row["bytes"] == (tmp_path / row["file"]).stat().st_size
        assert row["p50_ms"] > 0
        assert row["nme"]["common"] == pytest.approx(report["keras"]["nme"]["common"], abs=1)
        assert re.search(rf"^{row['mode']} +{row['bytes']:,} ", result.output, re.M)
    assert len(list(tmp_path.iterdir())) == len(chosen) + 1


def test_export_without_test_faces_still_writes_the_files(saved, tree, tmp_path):
    for folder in ("afw",):
        (tmp_path / "300w").mkdir()
        (tmp_path / "300w" / folder).symlink_to(tree / folder)
    arguments = ("--mode", "dynamic", "--root", tmp_path / "300w")
    result = run("export", saved, "--out", tmp_path / "out", *arguments)
    assert result.exit_code == 0, result.output
    assert "not evaluated" in result.output and (tmp_path / "out/model_dynamic.tflite").exists()


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ((), "either --all or one or more --mode must be given"),
        (("--all", "--mode", "int8"), "either --all or one or more --mode must be given"),
        (("--mode", "int4"), "mode must be one of float32, float16, dynamic, int8, int8_full"),
    ],
)
def test_export_names_wrong_arguments(saved, tmp_path, arguments, rule):
    result = run("export", saved, "--out", tmp_path / "out", *arguments)
    assert isinstance(result.exception, ValueError) and rule in str(result.exception)
    assert not (tmp_path / "out").exists()
