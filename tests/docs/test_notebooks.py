"""Every notebook runs from top to bottom, in a folder of its own, and is kept without outputs."""

from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# This one runs without TensorFlow; the names in the others' code are checked by `test_blocks`.
QUICK = "05_use"


@pytest.fixture
def nbformat():
    return pytest.importorskip("nbformat", reason="notebooks need: pip install nbclient ipykernel")


def test_there_are_notebooks():
    assert NOTEBOOKS


@every
def test_it_is_kept_without_outputs(path, nbformat):
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[pytest.mark.nightly] * (path.stem != QUICK), id=path.stem)
        for path in NOTEBOOKS
    ],
)
def test_it_runs(path, nbformat, tmp_path, monkeypatch):
    reason = "notebooks need: pip install nbclient ipykernel"
    nbclient = pytest.importorskip("nbclient", reason=reason)
    pytest.importorskip("ipykernel", reason=reason)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.delenv("MPLBACKEND", raising=False)  # a notebook shows its figures in itself
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources=resources
    ).execute()
    figures = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert figures
