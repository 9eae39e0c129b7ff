"""Photographs with unusual names, in all commands that read annotations."""

import json
import os

import cv2
import pytest
from click.testing import CliRunner

from keras_fld.cli import cli
from keras_fld.data import read
from keras_fld.data.readers.pts import write_pts
from tests.data import released

# As bytes: Latin-1, a newline, characters special to shells and URLs, and a long name.
STEMS = (b"m\xfcller", b"a\nb", b"50% #1: 'x' (2)", b"caf\xc3\xa9", b"-x", b"x" * 245)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX systems")


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "photos"
    root.mkdir()
    for stem, face in zip(STEMS, released.drawn(len(STEMS), "ibug68", size=64), strict=True):
        name = os.fsdecode(stem)
        content = cv2.imencode(".png", face.image[..., ::-1])[1].tobytes()
        (root / f"{name}.png").write_bytes(content)
        write_pts(root / f"{name}.pts", face.landmarks)
    return root


def _run(*words):
    result = CliRunner().invoke(cli, [*map(str, words)])
    assert result.exit_code == 0, (result.output, result.exception)
    return result


def _own(root):
    records = []
    for face in read("pts", root).faces:
        if "\n" not in face.source.name:
            points = face.landmarks.tolist()
            records.append({"image": face.source.name, "points": points, "group": "\ud800"})
    path = root / "faces.json"
    path.write_text(json.dumps({"scheme": "ibug68", "faces": records}))
    return path


def test_every_command_reads_them(folder, tmp_path):
    for dataset, root in (("pts", folder), ("own", _own(folder))):
        _run("datasets", "check", dataset, root, "--sheet", tmp_path / "sheet.png")
        out = tmp_path / f"{dataset}_prepared"
        _run("prepare", dataset, root, "--out", out, "--size", 32, "--processes", 1)
        count = len(read(dataset, root))
        assert len(read(dataset, out)) == count >= len(STEMS) - 1
        reported = tmp_path / f"{dataset}_report"
        table = ("evaluate", "trnet20_free", "--dataset", dataset, "--root", root)
        _run(*table, "--out", reported, "--occlusion")
        found = json.loads((reported / "evaluation.json").read_text())
        names = next(iter(found["faces"].values()))["name"]
        assert names == [face.name for face in read(dataset, root).faces]


def test_faces_are_divided_by_such_names(folder):
    rest, held = read("pts", folder).split(0.4)
    assert len(rest) + len(held) == len(STEMS)


def test_a_line_end_in_an_annotation_is_one_line(folder):
    path = folder / "faces.json"
    record = {"image": "a\nb.png", "points": [[1, 2]] * 68}
    path.write_text(json.dumps({"scheme": "ibug68", "faces": [record]}))
    result = CliRunner().invoke(cli, ["datasets", "check", "own", str(path)])
    assert result.exit_code == 2 and "must be a path inside the folder. Got: 'a\\nb.png'" in (
        result.output
    )


def test_a_bad_file_of_such_a_name_is_one_line(folder):
    (folder / os.fsdecode(b"a\nb.pts")).write_text("oops")
    (folder / os.fsdecode(b"m\xfcller.png")).write_bytes(b"")
    result = CliRunner().invoke(cli, ["datasets", "check", "pts", str(folder)])
    lines = [line for line in result.output.splitlines() if line.startswith("  bad: ")]
    assert len(lines) == 2
    assert lines[0].startswith("  bad: a\\nb.pts, line 1: ")
    assert lines[1].startswith("  bad: m\\udcfcller.png: not an image")
