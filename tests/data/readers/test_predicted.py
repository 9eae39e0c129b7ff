"""Results of `predict` for a photograph are read back as annotations."""

from types import SimpleNamespace

import numpy as np
import pytest

from keras_fld import schemes
from keras_fld.data import read
from keras_fld.predict.output import write_image
from tests.data import released


def _detected(faces):
    return [
        SimpleNamespace(
            box=np.array([1.0, 2, 30, 40]),
            angle=0.1,
            score=0.9,
            landmarks=face.landmarks.astype(float),
            scheme=schemes.get(len(face.landmarks)),
        )
        for face in faces
    ]


@pytest.fixture(params=["ibug68", "cofw29"])
def faces(request):
    return released.drawn(2, request.param)


def _predict(folder, faces, kind=".bmp", name="photo"):
    released.save_image(folder / f"{name}{kind}", faces[0].image)
    picture = faces[0].image
    given = f"somewhere else/{name}{kind}"
    write_image(folder / name, ("json", "pts", "csv"), given, picture, _detected(faces))


def test_json_csv_and_pts_are_read_back_alike(tmp_path, faces):
    _predict(tmp_path, faces)
    from_json, from_csv = (read("own", tmp_path / f"photo.{s}") for s in ("json", "csv"))
    from_pts = read("pts", tmp_path, scheme=len(faces[0].landmarks))
    assert from_json.scheme == from_csv.scheme == from_pts.scheme
    for found in (from_json.faces, from_csv.faces, from_pts.faces[::-1]):
        assert len(found) == 2 and {face.source.name for face in found} == {"photo.bmp"}
        for face, drawn in zip(found, faces, strict=True):
            np.testing.assert_allclose(face.landmarks, drawn.landmarks, atol=6e-4)
        assert len({face.group for face in found}) == 1


def test_a_photograph_below_the_folder_stays_where_it_is_named(tmp_path, faces):
    _predict(tmp_path, faces)
    released.save_image(tmp_path / "somewhere else/photo.bmp", faces[1].image)
    found = read("own", tmp_path / "photo.json").faces[0]
    assert found.source.parent.name == "somewhere else"


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("a.json", '{"image": "a.png", "faces": []}', "no face was found"),
        ("a.json", '{"image": 3, "faces": [{}]}', "image must be a file name. Got: 3"),
        ("a.json", '{"image": "a.png", "faces": [3]}', "faces must be a list of dictionaries"),
        ("a.json", '{"image": "a.png", "faces": [{"landmarks": [[1, 2]]}]}', "has 1 landmarks"),
        ("a.json", '{"image": "a.png", "faces": [{}], "scheme": "x"}', "scheme must be one of"),
        ("a.csv", "frame,time,id,score,x,y,width,height,x0\n", "header must be that of predict"),
        ("a.csv", "frame,time,id,score,x,y,width,height,x0,y0\n", "has 1 landmarks"),
    ],
)
def test_what_is_no_such_file_is_named(tmp_path, name, content, rule):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=f"{name}: .*{rule}"):
        read("own", tmp_path / name)


def test_a_video_has_no_photographs_and_bad_numbers_are_named(tmp_path, faces):
    _predict(tmp_path, faces)
    path = tmp_path / "photo.csv"
    head, first, _ = path.read_text().splitlines()
    for row, rule in (
        ("7" + first[1:], "a video's faces have no photograph. Got: frame '7'"),
        (first.rpartition(",")[0] + ",x", "line 2: every landmark must be two numbers"),
        (first.rpartition(",")[0], "line 2: every landmark must be two numbers"),
    ):
        path.write_text(f"{head}\n{row}\n")
        with pytest.raises(ValueError, match=rule):
            read("own", path)
