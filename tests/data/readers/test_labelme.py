"""labelme files, as written by version 5, are read by label."""

import base64
import json
import pickle

import numpy as np
import pytest

from keras_fld.data import read
from keras_fld.data.check import check
from tests.data import released

NAMES = released.FIVE["landmarks"]


def _write(folder, content, name="a.json"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content))
    return folder


def _five(index=0):
    return dict(zip(NAMES, released.five(released.drawn(2, "ibug68")[index]), strict=True))


def test_points_by_number_come_back(tmp_path):
    root = released.write_labelme(tmp_path)
    (root / "other.json").write_text('{"another": "program"}')
    (root / "._0.json").write_bytes(b"\0\5\x16\7")
    faces = read("labelme", root)
    assert faces.scheme.name == "ibug68" and len(faces) == 4 and not faces.told
    for face, drawn in zip(faces.faces, released.drawn(4, "ibug68"), strict=True):
        np.testing.assert_array_equal(face.landmarks, drawn.landmarks)
        np.testing.assert_array_equal(face.image(), drawn.image)
    assert check("labelme", root).good
    (face,) = read("labelme", root / "2.json").faces
    np.testing.assert_array_equal(face.landmarks, faces.faces[2].landmarks)
    shifted = read("labelme", root, base=0.5).faces[0].landmarks
    np.testing.assert_allclose(shifted + 0.5, faces.faces[0].landmarks, atol=1e-4)


def test_points_by_name_of_two_faces_in_one_photograph(tmp_path):
    points = [_five(0), _five(1)]
    del points[1]["nose"]
    content = released.labelme_content("sub\\a.png", points, (0, 1))
    box = {"label": "face", "points": [[1, 2], [3, 4]], "shape_type": "rectangle"}
    content["shapes"].append(box)
    root = _write(tmp_path / "f", content)
    released.save_image(root / "a.png", released.drawn(1, "ibug68")[0].image)
    with pytest.raises(ValueError, match="a scheme of the 5 points .* must be in scheme.json"):
        read("labelme", root)
    (root / "scheme.json").write_text(json.dumps(released.FIVE))
    faces = read("labelme", root).faces
    assert len(faces) == 2 and len({face.group for face in faces}) == 1
    np.testing.assert_allclose(faces[0].landmarks, list(points[0].values()), atol=1e-4)
    assert np.isnan(faces[1].landmarks[2]).all() and np.isnan(faces[1].landmarks).sum() == 2
    assert len(read("labelme", root, scheme=released.FIVE)) == 2


def test_labels_that_the_scheme_has_not_are_told(tmp_path):
    content = released.labelme_content("a.png", [{**_five(), "noze": (1, 2)}])
    root = _write(tmp_path, content)
    (root / "scheme.json").write_text(json.dumps(released.FIVE))
    released.save_image(root / "a.png", released.drawn(1, "ibug68")[0].image)
    assert read("labelme", root).notes == [
        "ignored points that the scheme five does not contain: 'noze'"
    ]


def test_points_at_zero_in_several_files_are_not_annotated(tmp_path):
    root = released.write_labelme(tmp_path)
    for path in root.glob("*.json"):
        content = json.loads(path.read_text())
        content["shapes"][7]["points"] = [[0, 0]]
        path.write_text(json.dumps(content))
    faces = read("labelme", root)
    assert all(np.isnan(face.landmarks[7]).all() for face in faces.faces)
    assert "4 landmarks at exactly (0, 0)" in faces.notes[0]
    kept = read("labelme", root, unset="keep").faces
    assert all(face.landmarks[7].tolist() == [0, 0] for face in kept)


def test_a_photograph_inside_of_the_file_is_read(tmp_path):
    drawn = released.drawn(1, "ibug68")[0]
    released.save_image(tmp_path / "a.png", drawn.image)
    data = base64.b64encode((tmp_path / "a.png").read_bytes()).decode()
    root = _write(tmp_path / "f", released.labelme_content("b.png", [_five()], imageData=data))
    (face,) = read("labelme", root, scheme=released.FIVE).faces
    np.testing.assert_array_equal(face.image(), drawn.image)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(face)).image(), drawn.image)
    for damaged in ("?", base64.b64encode(b"no image").decode()):
        _write(root, released.labelme_content("b.png", [_five()], imageData=damaged))
        (face,) = read("labelme", root, scheme=released.FIVE).faces
        with pytest.raises(ValueError, match="a.json: "):
            face.image()


def test_photographs_of_another_folder_are_read_where_it_is_inside(tmp_path):
    drawn = released.drawn(1, "ibug68")[0]
    released.save_image(tmp_path / "photos/a.png", drawn.image)
    _write(tmp_path / "labels", released.labelme_content("..\\photos\\a.png", [_five()]))
    (face,) = read("labelme", tmp_path, recursive=True, scheme=released.FIVE).faces
    np.testing.assert_array_equal(face.image(), drawn.image)
    with pytest.raises(ValueError, match="labelme files with their images are needed. Got:"):
        read("labelme", tmp_path / "labels", scheme=released.FIVE)


def test_folders_below_are_read_on_request(tmp_path):
    released.write_labelme(tmp_path, 2)
    (tmp_path / "more").mkdir()
    released.write_labelme(tmp_path / "more", 3)
    assert len(read("labelme", tmp_path)) == 2
    names = [face.name for face in read("labelme", tmp_path, recursive=True).faces]
    assert names == ["0 1", "1 1", "more/0 1", "more/1 1", "more/2 1"]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda c: c.update(shapes=3), "a labelme file must contain"),
        (lambda c: c.update(imagePath=None), "imagePath must be a file name. Got: None"),
        (lambda c: c["shapes"].append(3), "shape 6 must be a dictionary"),
        (lambda c: c["shapes"][0].update(label=3), "shape 1 needs a text as label"),
        (lambda c: c["shapes"][0].update(group_id=[]), "as group_id"),
        (lambda c: c["shapes"][0].update(points=[[1, 2], [3, 4]]), "shape 1 must be one point"),
        (lambda c: c["shapes"][0].update(points=[[1, "x"]]), "shape 1 must be one point"),
        (lambda c: c["shapes"][0].update(label="nose"), "each label once.* Got: 'nose' twice"),
    ],
)
def test_a_bad_file_is_named_or_left_out(tmp_path, change, rule):
    root = released.write_labelme(tmp_path, 2)
    points = {str(index): point for index, point in enumerate(_five().values())}
    content = released.labelme_content("0.png", [dict(zip(NAMES, points.values(), strict=True))])
    change(content)
    _write(root, content, "z.json")
    with pytest.raises(ValueError, match=rule) as error:
        read("labelme", root, scheme=68 if "twice" not in rule else None)
    assert "z.json" in str(error.value)
    faces = read("labelme", root, skip_bad=True, scheme=68)
    assert len(faces) == 2 and len(faces.skipped) == 1 and "z.json" in faces.skipped[0]


def test_a_folder_without_any_is_absent(tmp_path):
    with pytest.raises(ValueError, match="labelme files with points are needed. Got: none"):
        read("labelme", tmp_path)
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(ValueError, match="a.json: a labelme file must contain"):
        read("labelme", tmp_path / "a.json")
    with pytest.raises(ValueError, match="no such file"):
        read("labelme", tmp_path / "none")
