"""Photographs next to their annotations: names of every kind, hidden and ignored files."""

import shutil

import numpy as np
import pytest

from keras_fld._internal.folders import visible_files
from keras_fld.data import read
from keras_fld.data.check import check
from keras_fld.data.readers.beside import Beside
from keras_fld.data.readers.pts import write_pts
from tests.data import released


@pytest.fixture
def face():
    return released.drawn(1, "ibug68", size=96)[0]


def _pair(folder, image, annotation, face, kind=".png"):
    """A photograph and its points with names of all kinds."""
    released.save_image(folder / f"new{kind}", face.image)
    (folder / f"new{kind}").rename(folder / image)
    write_pts(folder / annotation, face.landmarks)


@pytest.mark.parametrize(
    ("image", "annotation", "kind"),
    [
        ("a.JPEG", "a.pts", ".jpg"),
        ("a.bmp", "a.pts", ".bmp"),
        ("a.TIF", "a.pts", ".tif"),
        ("a.jfif", "a.pts", ".jpg"),
        ("a.webp", "a.pts", ".webp"),
        ("a", "a.pts", ".png"),
        ("a.txt", "a.pts", ".png"),
        ("a.jpg", "a.jpg.pts", ".jpg"),
        ("a.jpg", "a.face2.pts", ".jpg"),
        ("a.jpg", "a.jpg.face12.pts", ".jpg"),
        ("a.face2.jpg", "a.face2.pts", ".jpg"),
        ("a.PNG", "a.PTS", ".png"),
        ("a b#%:é\n.png", "a b#%:é\n.pts", ".png"),
        ("x" * 240 + ".png", "x" * 240 + ".pts", ".png"),
    ],
)
def test_a_photograph_of_every_name_is_found(tmp_path, face, image, annotation, kind):
    _pair(tmp_path, image, annotation, face, kind)
    (found,) = read("pts", tmp_path).faces
    assert found.source.name == image and found.image().shape == (96, 96, 3)
    np.testing.assert_allclose(found.landmarks, face.landmarks, atol=1e-4)


def test_faces_of_one_photograph_are_one_group(tmp_path, face):
    _pair(tmp_path, "anna_01.jpg", "anna_01.pts", face, ".jpg")
    write_pts(tmp_path / "anna_01.face2.pts", face.landmarks + 1)
    faces = read("pts", tmp_path)
    assert [face.name for face in faces.faces] == ["anna_01.face2", "anna_01"]
    assert {face.group for face in faces.faces} == {"anna"} and not faces.notes


def test_hidden_files_are_no_annotations(own_tree):
    """macOS creates a companion of each file in a folder on a foreign disk."""
    for path in [*own_tree.rglob("*.png"), *own_tree.rglob("*.pts")]:
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    (own_tree / "afw/.hidden").mkdir()
    shutil.copy(own_tree / "afw/image_0001.pts", own_tree / "afw/.hidden")
    found = check("300w", own_tree)
    assert found.good and [part.faces for part in found.parts] == [16, 6, 0, 6]
    assert len(read("pts", own_tree / "afw", recursive=True)) == 8


def test_what_is_left_out_is_said(tmp_path, face):
    _pair(tmp_path, "a.png", "a.pts", face)
    released.save_image(tmp_path / "lone.png", face.image)
    released.save_image(tmp_path / "a.jpg", face.image)
    for name in ("read me.txt", "list.csv", "b.doc", "z"):
        (tmp_path / name).write_text("nothing")
    faces = read("pts", tmp_path)
    assert faces.faces[0].source.name == "a.jpg"
    assert faces.notes == [
        "left out 4 files that are not images or .pts files: b.doc, list.csv, read me.txt, ...",
        "1 image has no .pts file",
        "1 .pts file has several images; only one is used, such as a.jpg, not a.png",
    ]
    assert all(note in str(check("pts", tmp_path)) for note in faces.notes)


def test_folders_below_are_read_on_request(tmp_path, face):
    _pair(tmp_path, "a.png", "a.pts", face)
    (tmp_path / "more/deep").mkdir(parents=True)
    _pair(tmp_path / "more/deep", "a.png", "a.pts", face)
    assert [face.name for face in read("pts", tmp_path).faces] == ["a"]
    faces = read("pts", tmp_path, recursive=True)
    assert [face.name for face in faces.faces] == ["a", "more/deep/a"]
    assert [face.group for face in faces.faces] == ["a", "more/deep/a"]


def test_names_and_photographs_of_a_folder(tmp_path, face):
    _pair(tmp_path, "a.jpg", "a.face2.pts", face, ".jpg")
    files = Beside(tmp_path, ".pts")
    (path,) = files.annotations
    assert files.photograph_name(path) == "a" and files.photograph(path).name == "a.jpg"
    assert [file.name for file in visible_files(tmp_path)] == ["a.face2.pts", "a.jpg"]
    assert visible_files(tmp_path / "none") == [] and Beside(tmp_path / "none", ".x").notes == []
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(ValueError, match="a.face2.pts: no image"):
        Beside(tmp_path, ".pts").photograph(path)
