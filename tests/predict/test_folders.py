"""Folders of inputs: photographs by content, ignored files, and subfolders."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_fld.predict.folders import check_outside, notes, result_names
from keras_fld.predict.inputs import Source, sources

PIXELS = np.full((40, 30, 3), 90, np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Photographs with names of all kinds, other files, and a subfolder with the same."""
    root = tmp_path / "photos"
    for place in (root, root / "anna", root / ".hidden"):
        place.mkdir()
        for kind, name in ((".jpg", "a.jfif"), (".png", "b"), (".webp", "c.jpg"), (".ppm", "d.x")):
            (place / name).write_bytes(cv2.imencode(kind, PIXELS)[1].tobytes())
        (place / "damaged.png").write_bytes(b"no image")
        (place / "film.mp4").write_bytes(b"")
        (place / "notes.txt").write_text("P1 is a word, and BM too")
        (place / "._a.jpg").write_bytes(b"\0\5\x16\7")
    return root


def test_photographs_are_taken_by_their_content(folder):
    found = sources(folder)
    names = [(source.path.name, source.kind) for source in found]
    assert names == [
        ("a.jfif", "image"),
        ("b", "image"),
        ("c.jpg", "image"),
        ("d.x", "image"),
        ("damaged.png", "image"),
        ("film.mp4", "video"),
    ]
    sentence = "left out 1 file that is not an image or video: notes.txt"
    assert notes(folder, found) == [sentence]
    assert notes(folder / "a.jfif", found) == []


def test_folders_below_are_read_on_request_and_keep_their_names(folder):
    found = sources(folder, recursive=True)
    assert len(found) == 12 and not any(".hidden" in str(source.path) for source in found)
    assert "left out 2 files that are not images or videos: anna/notes.txt, notes.txt" in notes(
        folder, found, recursive=True
    )
    names = result_names(found, [folder], recursive=True)
    assert names[:2] == ["a", "anna/a"] or names[:2] == ["anna/a", "anna/b"]
    assert sorted(names) == sorted(
        [f"{place}{name}" for place in ("", "anna/") for name in ("a", "b", "c", "d", "damaged")]
        + ["film", "anna/film"]
    )


def test_results_of_folders_stay_outside_of_them(folder, tmp_path):
    check_outside(tmp_path / "out", [folder])
    check_outside(folder / "out", [folder / "b"])
    for out in (folder, folder / "out", folder / "anna/x/.."):
        with pytest.raises(ValueError, match="must lie outside the input folder"):
            check_outside(out, [folder])


def test_without_folders_names_are_those_of_the_inputs():
    found = [Source(Path("a/b.jpg"), "image"), Source(Path("c.jpg"), "image")]
    assert result_names(found, ["a/b.jpg", "c.jpg"]) == ["b", "c"]
    assert result_names(found, ["a/b.jpg", "c.jpg"], recursive=True) == ["b", "c"]


def test_a_folder_without_any_is_an_error(tmp_path):
    (tmp_path / "a.txt").write_text("nothing")
    with pytest.raises(ValueError, match="the folder contains no image or video"):
        sources(tmp_path, recursive=True)
