import json

import cv2
import pytest
from click.testing import CliRunner

from keras_fld.cli import cli


def test_the_demo_trains_evaluates_converts_and_draws(eagerly, tree, tmp_path):
    out = tmp_path / "demo"
    command = ["demo", "--faces", str(tree), "--out", str(out), "--epochs", "1", "--quiet"]
    result = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].startswith("before training: NME") and "on 300w common" in lines[0]
    for name in ("float32", "int8"):
        (line,) = (line for line in lines if line.startswith(name))
        size = (out / f"model_{name}.tflite").stat().st_size
        assert line.split()[1] == f"{size:,}"
    assert cv2.imread(str(out / "overlay.png")) is not None
    for file in out.glob("*.json"):
        json.loads(file.read_text("utf-8"))
    assert (out / "run" / "model.keras").is_file() and (out / "ced.png").is_file()


@pytest.mark.parametrize("epochs", ["0", "-1"])
def test_a_demo_without_training_is_refused(tmp_path, epochs):
    command = ["demo", "--out", str(tmp_path / "demo"), "--epochs", epochs]
    result = CliRunner().invoke(cli, command)
    assert f"epochs must be at least 1. Got: {epochs}" in str(result.exception)
    assert not (tmp_path / "demo").exists()
