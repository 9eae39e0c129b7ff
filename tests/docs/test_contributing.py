"""CONTRIBUTING.md names files that exist, every folder of the tree, and the layers."""

import re
import tomllib

import pytest

from tests.docs.documents import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def named(text):
    """The paths of the repository that a text names in code; NAME stands for a new file's name."""
    spans = re.findall(r"`([^`\s]+)`", text)
    made = {line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").splitlines()}
    tops = {path.name for path in ROOT.iterdir()} - made  # of `build/`, what has been built varies
    return {span for span in spans if span.split("/")[0] in tops and "NAME" not in span}


@pytest.mark.parametrize("path", sorted(named(TEXT)))
def test_every_path_exists(path):
    assert (ROOT / path).exists()


def test_paths_are_found_in_a_text():
    assert named("`README.md`, `make test`, `tests/none.py`, `NAME`, `datasets/NAME/x`") == {
        "README.md",
        "tests/none.py",
    }


def test_the_map_has_every_folder_and_module_at_the_top():
    package = ROOT / "keras_fld"
    top = {path.parent for path in package.glob("*/*.py")}
    names = {f"keras_fld/{path.name}/" for path in top}
    names |= {f"keras_fld/{path.name}" for path in package.glob("[a-z]*.py")}
    assert names - named(TEXT) == set()


def test_the_layers_are_those_of_the_contract():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (contract,) = (contract for contract in contracts if contract["type"] == "layers")
    layers = "".join(f"    {layer.replace(' : ', ', ')}\n" for layer in contract["layers"])
    assert layers in TEXT


CHANGES = ["loss", "dataset", "detector", "output format", "quantization mode", "recipe option"]
CHANGES += ["augmentation", "CLI flag", "tracker rule", "page button", "metric", "preset"]


@pytest.mark.parametrize("change", CHANGES)
def test_each_kind_of_change_has_a_walk_that_names_files(change):
    (walk,) = re.findall(rf"^### An? {change}\n(.*?)(?=^#|\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert named(walk)
