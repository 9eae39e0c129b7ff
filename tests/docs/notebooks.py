"""Runs the notebooks and stores their outputs: `python -m tests.docs.notebooks [NAME...]`.

Each runs in a temporary folder. Pictures are stored with 128 colors or as JPEG, which
keeps the files small.
"""

import base64
import io
import sys
import tempfile
from pathlib import Path

import nbclient
import nbformat
from PIL import Image

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def execute(path, folder):
    """Returns the notebook, executed in a folder."""
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
    ).execute()
    return notebook


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def texts(notebook):
    """What the outputs say, without their pictures."""
    for output in outputs(notebook):
        yield output.get("text", "")
        yield from output.get("traceback", ())
        yield from (v for k, v in output.get("data", {}).items() if not k.startswith("image/"))


def pictures(notebook):
    """The data of the outputs that are pictures."""
    found = (output.get("data", {}) for output in outputs(notebook))
    return [data for data in found if "image/png" in data or "image/jpeg" in data]


def _reduce(data):
    """Replaces a PNG by one of 128 colors or, where that is smaller, a JPEG."""
    picture = Image.open(io.BytesIO(base64.b64decode(data.pop("image/png")))).convert("RGB")
    # No notebook shows a picture wider than this.
    picture.thumbnail((1000, 4000), Image.Resampling.LANCZOS)
    drawing, photograph = io.BytesIO(), io.BytesIO()
    picture.quantize(128).save(drawing, "PNG", optimize=True)
    picture.save(photograph, "JPEG", quality=62, optimize=True)
    smaller = min(("image/png", drawing), ("image/jpeg", photograph), key=lambda x: x[1].tell())
    data[smaller[0]] = base64.b64encode(smaller[1].getvalue()).decode()


def main(names):
    for path in NOTEBOOKS:
        if names and path.stem not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            notebook = execute(path, folder)
        for data in pictures(notebook):
            _reduce(data)
        # What TensorFlow's libraries report about this machine is of no use to a reader.
        for cell in notebook.cells:
            if "outputs" in cell:
                cell.outputs = [x for x in cell.outputs if x.get("name") != "stderr"]
        notebook.metadata["language_info"] = {"name": "python"}
        nbformat.write(notebook, path)
        print(f"{path.name}: {path.stat().st_size:,} bytes", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
