import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from keras_fld.cli import cli
from keras_fld.data import read
from keras_fld.data.check import check
from keras_fld.data.prepared.writing import Part, prepare
from keras_fld.data.readers.pts import read_pts, write_pts
from keras_fld.geometry.frame import FaceCrop
from tests.conftest import TRAINING, count_faces, write_tree
from tests.data import released


def command(*arguments):
    return CliRunner().invoke(cli, ["datasets", *map(str, arguments)])


def test_the_real_faces_are_good_and_what_is_missing_is_told(real_300w, tmp_path):
    result = command("check", "300w", real_300w, "--json", "--sheet", tmp_path / "sheet.png")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    splits = {part["split"]: part for part in found["splits"]}
    train, helen = (count_faces(real_300w, *names) for names in (TRAINING, ["helen/trainset"]))
    assert train > 0
    assert (splits["train"]["faces"], splits["train"]["official"]) == (train, 3148)
    assert (splits["common"]["faces"], splits["common"]["official"]) == (554, 554)
    assert (splits["challenge"]["faces"], splits["challenge"]["official"]) == (0, 135)
    line = f"helen/trainset has {helen} of the official 2000 faces"
    assert (line in splits["train"]["missing"]) == (helen < 2000)
    assert not any(part["bad"] for part in found["splits"])
    assert cv2.imread(str(tmp_path / "sheet.png")).shape == (2 * 20 + 4 * 128, 8 * 128, 3)


def test_a_small_tree_is_good(tree):
    found = check("300w", tree)
    assert found.good and not found.duplicates
    assert [(p.split, p.faces) for p in found.parts] == [
        ("train", 16),
        ("common", 6),
        ("challenge", 0),
        ("full", 6),
    ]
    assert "train: 16 of 3148 official faces, 0 bad" in str(found)
    assert str(tree) not in str(found)


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        (lambda stem: stem.with_suffix(".png").write_bytes(b"GIF89a"), "not an image"),
        (lambda stem: stem.with_suffix(".pts").write_text("oops"), "expected 'version:'"),
        (
            lambda stem: write_pts(stem.with_suffix(".pts"), _points(stem) + 500),
            "the face box lies outside the image",
        ),
        (
            lambda stem: write_pts(stem.with_suffix(".pts"), 4 * _points(stem) - 96),
            "landmarks lie outside the image",
        ),
    ],
)
def test_what_is_bad_is_named_and_fails(own_tree, damage, rule):
    damage(own_tree / "afw/image_0002")
    found = check("300w", own_tree)
    assert not found.good and found.parts[0].faces == 15
    (sentence,) = found.parts[0].bad
    assert rule in sentence and "afw/image_0002" in sentence and str(own_tree) not in sentence
    result = command("check", "300w", own_tree)
    assert result.exit_code == 2 and "FAILED" in result.output


def _points(stem):
    return read_pts(stem.with_suffix(".pts"))


def test_points_outside_and_duplicates_are_told(own_tree):
    stem = own_tree / "afw/image_0002"
    points = _points(stem)
    points[8] = 40, 95.5 + 7
    write_pts(stem.with_suffix(".pts"), points)
    for suffix in (".png", ".pts"):
        shutil.copy(
            own_tree / f"afw/image_0003{suffix}", own_tree / f"lfpw/testset/image_0099{suffix}"
        )
    found = check("300w", own_tree)
    part = found.parts[0]
    assert found.good and part.outside == 1
    assert part.worst == (pytest.approx(7, abs=1e-3), "afw/image_0002")
    (sentence,) = found.duplicates
    assert sentence == "common lfpw/testset/image_0099 is train afw/image_0003"


def test_more_faces_than_the_release_has_are_bad(tmp_path, monkeypatch):
    from keras_fld.data import catalog

    monkeypatch.setitem(catalog.DATASETS["300w"].official, "train", 3)
    found = check("300w", write_tree(tmp_path / "300w", {"afw": 4}))
    assert not found.good and "4 faces, more than the official 3" in found.parts[0].bad


def test_a_folder_without_anything_is_not_good(tmp_path):
    result = command("check", "300w", tmp_path)
    assert result.exit_code == 2 and "0 of 3148 official faces" in result.output
    assert "no faces of 300w found" in result.output
    with pytest.raises(ValueError, match="must be a .csv or .json file"):
        check("own", tmp_path)
    with pytest.raises(ValueError, match="no such folder"):
        check("300w", tmp_path / "none")
    with pytest.raises(ValueError, match="dataset must be one of"):
        check("400w", tmp_path)
    with pytest.raises(ValueError, match="needs its folder"):
        check("wflw")


def test_a_damaged_annotation_file_is_bad(tmp_path):
    released.write_aflw(
        tmp_path, ["0/a.png"], released.drawn(1, "aflw19"), np.ones((1, 19)), order=[0]
    )
    assert check("aflw", tmp_path).parts[0].faces == 1
    path = tmp_path / "AFLWinfo_release.mat"
    path.write_bytes(path.read_bytes()[:900])
    found = check("aflw", tmp_path)
    assert not found.good and "AFLWinfo_release.mat: not a readable" in found.parts[0].bad[0]


def test_your_own_faces_are_checked(tmp_path):
    found = check("own", released.write_own(tmp_path))
    assert found.good and [(p.split, p.faces) for p in found.parts] == [("train", 5), ("test", 3)]
    found.save_sheet(tmp_path / "sheet.png")
    found.save(tmp_path / "check.json")
    assert json.loads((tmp_path / "check.json").read_text())["good"] is True


def test_the_list_names_every_card_and_the_official_counts():
    repository = Path(__file__).parents[2]
    result = command("list", "--json")
    assert result.exit_code == 0
    for name, found in json.loads(result.stdout).items():
        card = (repository / found["card"]).read_text("utf-8")
        for count in found["splits"].values():
            assert f"{count:,}" in card or str(count) in card, (name, count)
        assert found["normalizer"] in card, name
    assert "wflw" in command("list").output


def test_a_folder_of_nothing_but_bad_faces_says_why(own_tree, tmp_path):
    for photograph in own_tree.rglob("*.png"):
        photograph.unlink()
    found = check("300w", own_tree)
    assert not found.good and "no image with this name" in found.parts[0].bad[0]
    assert "no faces of" not in str(found)
    (tmp_path / "file").write_text("")
    result = command("check", "300w", tmp_path / "file")
    assert result.exit_code != 0 and "the 300w dataset must be a folder. Got: a file" in str(
        result.exception
    )


def test_prepared_faces_are_not_what_is_checked(tree, tmp_path):
    prepare("300w", [Part("train", read("300w", tree), wide=True)], tmp_path / "out", FaceCrop(16))
    with pytest.raises(ValueError, match="out: already prepared"):
        check("300w", tmp_path / "out")
