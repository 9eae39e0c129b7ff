"""Sentences on missing or skipped files name them relative to the dataset's folder."""

import json

import numpy as np
import pytest

from keras_fld.data import crops, read
from keras_fld.data.check import check
from keras_fld.data.prepared.reading import read_prepared
from keras_fld.data.prepared.writing import Part, prepare
from keras_fld.geometry.frame import FaceCrop
from tests.conftest import write_tree
from tests.data import released

FRAME = FaceCrop(16)


def _300w(root):
    return write_tree(root, {"afw": 4})


def _aflw(root):
    names = [f"0/{i}.png" for i in range(4)]
    released.write_aflw(root, names, released.drawn(4, "aflw19"), np.ones((4, 19)), range(4))
    return root


def _wflw(root):
    released.write_wflw(root, "train", released.drawn(4, "wflw98"), [(0,) * 6] * 4)
    return root


def _mtfl(root):
    lines = []
    for i, face in enumerate(released.drawn(4, "ibug68")):
        released.save_image(root / f"a/{i}.png", face.image)
        points = " ".join(f"{v:.3f}" for v in released.five(face).T.ravel() + 1)
        lines.append(f"a\\{i}.png {points} 1 2 2 3\n")
    (root / "training.txt").write_text("".join(lines))
    return root


def _own(root):
    return released.write_own(root, count=5, tests=1)


WRITERS = {"300w": _300w, "aflw": _aflw, "wflw": _wflw, "mtfl": _mtfl, "own": _own}


@pytest.fixture(params=WRITERS)
def damaged(request, tmp_path):
    """Four faces in a dataset's format: one photograph is damaged, one missing, one a link out."""
    if request.param == "aflw":
        pytest.importorskip("scipy")
    root = tmp_path / "faces"
    place = WRITERS[request.param](root)
    photographs = sorted(p for p in root.rglob("*.png"))
    photographs[0].write_bytes(b"no image")
    photographs[1].unlink()
    photographs[2].replace(tmp_path / "outside.png")
    photographs[2].symlink_to(tmp_path / "outside.png")
    names = [str(photograph.relative_to(root)) for photograph in photographs[:3]]
    return request.param, place, names


def test_sentences_name_files_in_the_dataset_and_errors_the_whole_path(damaged, tmp_path):
    dataset, root, (unreadable, gone, link) = damaged
    with pytest.raises(ValueError) as error:
        crops.model_crops(read(dataset, root), FRAME)
    assert str(tmp_path) in str(error.value)
    faces = read(dataset, root, skip_bad=True)
    data = crops.model_crops(faces, FRAME, skip_bad=True)
    assert len(data) == 1
    said = faces.absent + faces.skipped + data.skipped
    assert f"{unreadable}: not an image that can be read (8 bytes)" in data.skipped
    assert f"{link}: a symbolic link must not lead out of its folder" in faces.skipped
    assert any(gone.removesuffix(".png") in sentence for sentence in said)
    found = str(check(dataset, root))
    assert all(sentence in found for sentence in said)
    manifest = prepare(
        dataset, [Part("train", faces, False)], tmp_path / "prepared", FRAME, skip_bad=True
    )
    prepared = read_prepared(tmp_path / "prepared")
    assert prepared.absent + prepared.skipped == said
    for text in (*said, found, json.dumps(manifest)):
        assert str(tmp_path) not in text


def test_a_folder_of_nothing_but_bad_faces_is_told_without_its_place(damaged, tmp_path):
    dataset, root, _ = damaged
    for photograph in (tmp_path / "faces").rglob("*.png"):
        photograph.unlink()
        photograph.symlink_to(tmp_path / "outside.png")
    with pytest.raises(ValueError, match=r"none of \d faces could be read. First: ") as error:
        read(dataset, root, skip_bad=True)
    assert str(error.value).startswith(f"{root}: ")
    found = check(dataset, root)
    assert found.parts[0].bad[0].startswith("none of ") and str(tmp_path) not in str(found)


def test_a_file_that_cannot_be_opened_is_named_once(tmp_path):
    pytest.importorskip("h5py")
    (tmp_path / "COFW_train_color.mat").write_bytes(b"\x89HDF\r\n\x1a\n" * 200)
    found = check("cofw", tmp_path)
    assert found.parts[0].bad[0].startswith("COFW_train_color.mat: not a readable MATLAB 7.3 file")
    assert str(tmp_path) not in str(found)
