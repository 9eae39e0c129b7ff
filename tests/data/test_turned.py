"""Every reader rotates photographs upright by their tag, as `predict` does."""

import json
from dataclasses import replace

import numpy as np
import pytest

from keras_fld._internal.images import as_rgb
from keras_fld.data import crops, read
from keras_fld.data.check import check
from keras_fld.data.photographs import training_photographs
from keras_fld.data.prepared.reading import read_prepared
from keras_fld.data.prepared.writing import Part, prepare
from keras_fld.data.readers.pts import write_pts
from keras_fld.geometry.frame import FaceCrop
from tests.data import released, turned

FRAME = FaceCrop(32)


def _own(root, faces):
    records = []
    for tag, face in enumerate(faces, start=1):
        (root / f"{tag}.jpg").write_bytes(turned.jpeg(face.image, tag))
        records.append({"image": f"{tag}.jpg", "points": face.landmarks.tolist()})
    (root / "faces.json").write_text(json.dumps({"scheme": "ibug68", "faces": records}))
    return root / "faces.json"


def _pts(root, faces):
    root.mkdir(parents=True, exist_ok=True)
    for tag, face in enumerate(faces, start=1):
        (root / f"{tag}.jpg").write_bytes(turned.jpeg(face.image, tag))
        write_pts(root / f"{tag}.pts", face.landmarks)
    return root


def _300w(root, faces):
    _pts(root / "afw", faces)
    return root


@pytest.fixture(scope="module")
def drawn():
    """Pictures that are not square, so a rotation changes their shape."""
    faces = released.drawn(8, "ibug68", size=96)
    return [replace(face, image=face.image[:, :90].copy()) for face in faces]


@pytest.fixture(scope="module", params=[("own", _own), ("pts", _pts), ("300w", _300w)])
def turned_faces(request, drawn, tmp_path_factory):
    name, write = request.param
    root = write(tmp_path_factory.mktemp(name), drawn)
    return name, root, read(name, root)


def _expected(faces, drawn, cut_frame):
    """Crops of the upright pictures themselves."""
    return [
        crops.cut_face(face, picture.image, cut_frame)
        for face, picture in zip(faces.faces, drawn, strict=True)
    ]


def test_crops_are_those_of_the_upright_pictures(turned_faces, drawn):
    _, _, faces = turned_faces
    for found, expected in zip(
        crops.model_crops(faces, FRAME).images, _expected(faces, drawn, FRAME), strict=True
    ):
        assert np.abs(found.astype(int) - expected).mean() < 2
    on_demand = training_photographs(faces, FRAME)
    wide = _expected(faces, drawn, crops.wide_frame(FRAME))
    for index, expected in enumerate(wide):
        assert np.abs(on_demand.images[index].astype(int) - expected).mean() < 2
    for face, picture in zip(faces.faces, drawn, strict=True):
        np.testing.assert_array_equal(face.image(), as_rgb(face.source))
        assert face.image().shape == picture.image.shape


def test_prepared_crops_are_too(turned_faces, drawn, tmp_path):
    name, _, faces = turned_faces
    prepare(name, [Part("train", faces, wide=True)], tmp_path / "out", FRAME)
    prepared = read_prepared(tmp_path / "out")
    for face, expected in zip(prepared.faces, _expected(faces, drawn, FRAME), strict=True):
        assert np.abs(face.source.cut(FRAME, FRAME).astype(int) - expected).mean() < 2


def test_check_tells_of_the_tags(turned_faces):
    name, root, _ = turned_faces
    found = check(name, root)
    part = next(part for part in found.parts if part.faces)
    assert found.good and part.turned == 7 and part.outside == 0
    assert "photographs with a rotation tag: 7; they are read upright" in str(found)
    assert found.as_dict()["splits"][0]["rotation_tags"] == 7


def test_points_of_the_stored_pixels_are_told_with_the_tag(tmp_path):
    face = released.drawn(1, "ibug68", size=96)[0]
    image = np.zeros((96, 400, 3), np.uint8)
    image[:, :96] = face.image
    (tmp_path / "a.jpg").write_bytes(turned.jpeg(image, 6))
    points = np.column_stack([face.landmarks[:, 1], 399 - face.landmarks[:, 0]])
    record = {"image": "a.jpg", "points": points.tolist()}
    (tmp_path / "a.json").write_text(json.dumps({"scheme": "ibug68", "faces": [record]}))
    found = check("own", tmp_path / "a.json")
    assert not found.good and "rotated by its tag" in found.parts[0].bad[0]
