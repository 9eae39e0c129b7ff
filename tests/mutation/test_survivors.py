"""The explained survivors against the code, without the mutants, which `make mutation` runs."""

import tomllib

import pytest

from tests.mutation.survivors import ROOT, SURVIVORS, explained

EXPLAINED = explained()


def test_each_survivor_is_explained_once():
    entries = tomllib.loads(SURVIVORS.read_text("utf-8"))["survivor"]
    assert len(entries) == sum(map(len, EXPLAINED.values()))
    for entry in entries:
        assert entry.keys() == {"module", "line", "mutant", "why"}
        assert entry["why"].endswith(".") and entry["line"] != entry["mutant"]


@pytest.mark.parametrize("module", EXPLAINED)
def test_the_line_of_each_survivor_is_still_there(module):
    lines = {line.strip() for line in (ROOT / module).read_text("utf-8").splitlines()}
    assert {line for line, _ in EXPLAINED[module]} <= lines


def test_every_group_names_modules_and_tests_that_are_there():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mutation"]
    for group in settings["groups"]:
        for pattern in [*group["modules"], *group["tests"]]:
            assert list(ROOT.glob(pattern)), pattern
