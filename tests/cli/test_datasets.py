"""The dataset cards that `keras-fld datasets` lists."""

import json
from pathlib import Path

from click.testing import CliRunner

from keras_fld.cli import cli

ROOT = Path(__file__).parents[2]


def cards(folder, monkeypatch):
    """The path of each dataset's card, as printed in a folder."""
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(cli, ["datasets", "list", "--json"], catch_exceptions=False)
    return {name: dataset["card"] for name, dataset in json.loads(result.stdout).items()}


def test_each_card_is_where_the_list_says(tmp_path, monkeypatch):
    for folder in (ROOT, tmp_path):
        for name, card in cards(folder, monkeypatch).items():
            assert Path(card).read_text("utf-8").startswith("# "), name


def test_a_card_is_named_from_the_working_folder(monkeypatch):
    assert Path(cards(ROOT, monkeypatch)["300w"]) == Path("datasets/300w/README.md")


def test_check_names_the_card_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["datasets", "check", "300w", "."])
    assert str(ROOT / "datasets" / "300w" / "README.md") in result.output
