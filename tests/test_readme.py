"""The README's Python runs as it stands, on a small tree of generated faces."""

import re
from pathlib import Path

import cv2
import pytest

pytest.importorskip("tensorflow")

README = Path(__file__).parents[1] / "README.md"


def test_the_ten_lines_run(tree, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    photo = pytest.importorskip("skimage.data").astronaut()
    cv2.imwrite("photo.jpg", photo[..., ::-1])
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 2
    code = "\n".join(blocks).replace("epochs=60", "epochs=1, verbose=0")
    code = code.replace("fld.refine(model, train)", "fld.refine(model, train, rounds=1, verbose=0)")
    scope = {"root": tree}
    exec(code, scope)
    assert scope["faces"][0].landmarks.shape == (68, 2)
    assert "common      inter_pupil" in capsys.readouterr().out
