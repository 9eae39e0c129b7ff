"""The files of a release agree: version and date in the package, CHANGELOG.md and CITATION.cff."""

import datetime
import re
import tomllib
from pathlib import Path

import pytest

import keras_fld

ROOT = Path(__file__).parents[2]
CHANGELOG, CITATION, RELEASING = (
    (ROOT / name).read_text("utf-8") for name in ("CHANGELOG.md", "CITATION.cff", "RELEASING.md")
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def releases():
    """(version, date) of each release in CHANGELOG.md, the newest first."""
    return re.findall(r"^## (\d+\.\d+\.\d+) - (\d{4}-\d{2}-\d{2})$", CHANGELOG, re.MULTILINE)


def cited(key):
    """The value of a top-level key of CITATION.cff."""
    return re.search(rf'^{key}: "?(.*?)"?$', CITATION, re.MULTILINE).group(1)


def test_unreleased_changes_stand_above_the_releases():
    headings = re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)
    assert headings[0] == "Unreleased" and len(headings) == 1 + len(releases()) > 1
    dates = [datetime.date.fromisoformat(date) for _, date in releases()]
    assert dates == sorted(dates, reverse=True)


def test_the_package_is_the_newest_release():
    version, date = releases()[0]
    # pyproject.toml takes its version from the package, so there is no second one.
    module, _, name = PROJECT["tool"]["setuptools"]["dynamic"]["version"]["attr"].rpartition(".")
    assert PROJECT["project"]["dynamic"] == ["version"] and "version" not in PROJECT["project"]
    text = (ROOT / (module.replace(".", "/") + ".py")).read_text("utf-8")
    assert re.search(rf'^{name} = "(.*)"$', text, re.MULTILINE).group(1) == version
    assert keras_fld.__version__ == cited("version") == version
    assert cited("date-released") == date


@pytest.mark.parametrize(
    "key", ["cff-version", "message", "type", "title", "license", "version", "date-released"]
)
def test_the_citation_is_complete(key):
    assert cited(key)
    assert "authors:" in CITATION and "preferred-citation:" in CITATION
    assert cited("license") in PROJECT["project"]["license"]


def test_the_steps_name_every_file_that_has_the_version():
    for name in ("CHANGELOG.md", "CITATION.cff", "keras_fld/_internal/version.py"):
        assert name in RELEASING and (ROOT / name).is_file()
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert f"Python {oldest}" in RELEASING, "the versions of Python that were tried"
