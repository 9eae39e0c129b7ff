"""`keras-fld label`: faces labeled by a model, for training another one."""

from click.testing import CliRunner

from keras_fld.cli import cli
from keras_fld.data.prepared.reading import read_prepared
from keras_fld.data.synthetic import reader
from keras_fld.schemes import IBUG68


def run(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_label_writes_prepared_faces_in_the_models_scheme(tree, tmp_path):
    out = tmp_path / "labeled"
    command = ("label", "trnet20_300w", "pts", tree / "lfpw/trainset", "--out", out)
    command += ("--views", 2, "--quiet")
    result = run(*command, "--tolerance", 0.5)
    assert result.exit_code == 0, result.output
    assert f"wrote {out}: 8 of 8 faces; mean distance of label and annotation: " in result.output
    found = read_prepared(out)
    assert len(found) == 8 and found.scheme == IBUG68
    # Repeating the command changes nothing; other options are refused.
    assert run(*command, "--tolerance", 0.5).exit_code == 0
    assert "another preparation" not in result.output
    assert "with another options" in str(run(*command, "--tolerance", 0.4).exception)


def test_label_refuses_schemes_that_it_cannot_convert(tmp_path, monkeypatch):
    monkeypatch.setitem(reader.SIZES, "train", 4)
    result = run("label", "trnet20_300w", "synthetic-98", "", "--out", tmp_path / "out")
    assert "conversion must be one of" in str(result.exception)
    assert not (tmp_path / "out").exists()
