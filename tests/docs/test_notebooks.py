"""Every notebook runs from top to bottom, leaves no file behind, and is stored with its outputs."""

import re

import pytest

pytest.importorskip("nbclient", reason="notebooks need: pip install nbclient ipykernel")
pytest.importorskip("ipykernel", reason="notebooks need: pip install nbclient ipykernel")
nbformat = pytest.importorskip("nbformat", reason="notebooks need: pip install nbformat")
pytest.importorskip("matplotlib")

from tests.docs.notebooks import NOTEBOOKS, execute, outputs, pictures, texts  # noqa: E402

every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# This one runs without TensorFlow; the names in the others' code are checked by `test_blocks`.
QUICK = "05_use"
# Where a machine keeps its files, and what only one who runs a notebook should see.
FOREIGN = re.compile(r"(?<![\w.])/(home|root|work|tmp|usr|opt|var|Users|mnt)/|[A-Z]:\\\\|Warning\b")


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 7


@every
def test_it_is_stored_with_its_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    assert pictures(notebook), "a reader sees the figures without running it"
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1)), "run once from top to bottom"
    assert path.stat().st_size < 400_000


@every
def test_its_outputs_are_those_of_any_machine(path):
    notebook = nbformat.read(path, as_version=4)
    for output in outputs(notebook):
        assert output.output_type != "error" and output.get("name") != "stderr", output
    for text in texts(notebook):
        assert not FOREIGN.search(text), FOREIGN.search(text)
    assert not FOREIGN.search("".join(cell.source for cell in notebook.cells))


@every
def test_it_says_how_to_open_it(path):
    first = nbformat.read(path, as_version=4).cells[0].source
    assert f"jupyter lab {path.name}" in first and "pip install" in first


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[pytest.mark.nightly] * (path.stem != QUICK), id=path.stem)
        for path in NOTEBOOKS
    ],
)
def test_it_runs_and_leaves_no_file(path, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.delenv("MPLBACKEND", raising=False)  # a notebook shows its figures in itself
    assert pictures(execute(path, tmp_path))
    assert not list(tmp_path.iterdir())
