"""COCO keypoints, written as in COCO's documentation, are read by name."""

import json

import numpy as np
import pytest

from keras_fld.cli import cli
from keras_fld.data import read
from keras_fld.data.check import check
from tests.data import released

from click.testing import CliRunner  # isort: skip


def _change(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


def test_keypoints_come_back_in_the_schemes_order(tmp_path):
    path = released.write_coco(tmp_path, hidden=(3, 4), unset=(5, 60))
    faces = read("coco", path)
    assert faces.scheme.name == "ibug68" and len(faces) == 4 and not faces.told
    for face, drawn in zip(faces.faces, released.drawn(4, "ibug68"), strict=True):
        kept = [i for i in range(68) if i not in (5, 60)]
        np.testing.assert_array_equal(face.landmarks[kept], drawn.landmarks[kept])
        assert np.isnan(face.landmarks[[5, 60]]).all()
        assert np.flatnonzero(face.occluded).tolist() == [3, 4]
        np.testing.assert_array_equal(face.image(), drawn.image)
    assert {face.group for face in faces.faces} == {"0.png", "1.png", "2.png", "3.png"}
    found = check("coco", path)
    assert found.good and "train: 4 faces, 0 bad" in str(found)
    shifted = read("coco", path, base=1).faces[0].landmarks
    np.testing.assert_allclose(shifted + 1, faces.faces[0].landmarks, atol=1e-4)


def test_a_description_beside_the_file_names_the_points(tmp_path):
    path = released.write_coco(tmp_path)
    names = ["left eye", "right eye", "nose", "left mouth", "right mouth"]
    called = ["nose", "left eye", "shoulder", "right eye"]

    def change(content):
        content["categories"][0]["keypoints"] = called
        for annotation in content["annotations"]:
            annotation["keypoints"] = [1, 2, 2, 3, 4, 2, 5, 6, 2, 7, 8, 1]

    _change(path, change)
    with pytest.raises(ValueError, match="a scheme of the 4 points 'nose', .* must be in"):
        read("coco", path)
    (tmp_path / "annotations.scheme.json").write_text(json.dumps(released.FIVE))
    faces = read("coco", path)
    assert faces.scheme.landmark_names == tuple(names)
    expected = [[3, 4], [7, 8], [1, 2], [np.nan] * 2, [np.nan] * 2]
    np.testing.assert_array_equal(faces.faces[0].landmarks, expected)
    assert faces.faces[0].occluded.tolist() == [False, True, False, False, False]
    assert faces.notes == ["ignored points that the scheme five does not contain: 'shoulder'"]
    # A scheme that the caller gives comes first.
    scheme = {"name": "nose", "landmarks": ["nose", "left eye"]}
    np.testing.assert_array_equal(
        read("coco", path, scheme=scheme).faces[0].landmarks, [[1, 2], [3, 4]]
    )
    with pytest.raises(ValueError, match="contains none of the annotated points. Got: 'left eye'"):
        read("coco", path, scheme=19)
    with pytest.raises(ValueError, match="scheme must be one of"):
        read("coco", path, scheme="none")


def test_faces_without_points_and_photographs_that_are_missing_are_told(tmp_path):
    path = released.write_coco(tmp_path)

    def change(content):
        content["annotations"][0]["keypoints"] = [0] * 204
        content["annotations"].append({"id": 9, "image_id": 100, "category_id": 1, "bbox": []})

    _change(path, change)
    (tmp_path / "images/1.png").unlink()
    faces = read("coco", path)
    assert len(faces) == 2
    assert faces.notes == ["skipped 1 annotations without an annotated keypoint"]
    assert "1 listed images are missing, first images/1.png: no such image" in faces.told[0]


def test_photographs_are_found_beside_below_above_and_where_it_is_said(tmp_path):
    path = released.write_coco(tmp_path / "a")
    (tmp_path / "a/annotations").mkdir()
    above = path.rename(tmp_path / "a/annotations/faces.json")
    assert len(read("coco", above)) == 4
    elsewhere = (tmp_path / "a/images").rename(tmp_path / "b")
    assert len(read("coco", above, images=elsewhere)) == 4
    with pytest.raises(ValueError, match="the file needs faces with images. Got: .*no such image"):
        read("coco", above)


def test_an_export_of_cvat_is_read_as_it_is_unpacked(tmp_path):
    path = released.write_coco(tmp_path / "a")
    (tmp_path / "a/annotations").mkdir()
    above = path.rename(tmp_path / "a/annotations/person_keypoints_train.json")
    own = (tmp_path / "a/images").rename(tmp_path / "train")
    # Another subset has other photographs of the same names.
    released.write_coco(tmp_path / "a", hidden=(1,))
    other = (tmp_path / "a/images").rename(tmp_path / "validation")
    released.save_image(other / "0.png", np.zeros((9, 9, 3), np.uint8))
    (tmp_path / "a/images").mkdir()
    own.rename(tmp_path / "a/images/train")
    other.rename(tmp_path / "a/images/validation")
    faces = read("coco", above)
    assert len(faces) == 4
    np.testing.assert_array_equal(faces.faces[0].image(), released.drawn(4, "ibug68")[0].image)


def test_the_folders_in_which_a_photograph_is_missing_are_named(tmp_path):
    path = released.write_coco(tmp_path / "a")
    (tmp_path / "a/images").rename(tmp_path / "b")
    with pytest.raises(ValueError, match="no such image in a/; images= names another folder"):
        read("coco", path)


def test_the_scheme_that_a_message_proposes_can_be_used_as_it_is(tmp_path):
    path, called = released.write_coco(tmp_path), ["nose", "left eye", "right eye"]

    def change(content):
        content["categories"][0]["keypoints"] = called
        for annotation in content["annotations"]:
            annotation["keypoints"] = [1, 2, 2, 3, 4, 2, 5, 6, 2]

    _change(path, change)
    with pytest.raises(ValueError, match="mirror_pairs and eyes") as error:
        read("coco", path)
    (tmp_path / "annotations.scheme.json").write_text(str(error.value).split("eyes): ")[1])
    scheme = read("coco", path).scheme
    assert scheme.mirror.tolist() == [0, 2, 1]
    assert scheme.normalizer_indices("inter_pupil") == ([1], [2])


def test_zeros_that_are_said_to_be_visible_are_not_annotated(tmp_path):
    def change(content):
        for annotation in content["annotations"]:
            annotation["keypoints"][:3] = [0, 0, 2]

    faces = read("coco", _change(released.write_coco(tmp_path), change))
    assert all(np.isnan(face.landmarks).any() for face in faces.faces)
    assert "4 landmarks at exactly (0, 0) are read as not annotated" in faces.notes[0]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda c: c.pop("images"), "the file needs images, a list of dictionaries"),
        (lambda c: c["images"][0].pop("file_name"), "every image needs a file_name"),
        (lambda c: c["images"][0].pop("id"), "every row of images needs an id"),
        (lambda c: c["categories"][0].pop("keypoints"), "names of keypoints. Got: none"),
        (lambda c: c["categories"][0].update(keypoints=[1]), "keypoints of a category must be"),
        (lambda c: c["categories"][0].update(keypoints=["a", "a"]), "must be different names"),
        (lambda c: c["annotations"][0].update(category_id=3), "annotation 1: category_id must be"),
        (lambda c: c["annotations"][0].update(image_id=[]), "annotation 1: image_id is missing"),
        (lambda c: c["annotations"][0].update(image_id=3), "annotation 1: image_id must be that"),
        (lambda c: c["annotations"][0]["keypoints"].pop(), "must be 204 finite numbers"),
        (lambda c: c["annotations"][0]["keypoints"].__setitem__(2, 3), "v of a keypoint must be"),
        (lambda c: c["annotations"][0]["keypoints"].__setitem__(0, 1e99), "204 finite numbers"),
        (lambda c: c["images"][0].update(file_name="../a"), "must be a path inside the folder"),
        (
            lambda c: c.update(annotations=[]),
            "the file needs annotations with keypoints. Got: none",
        ),
    ],
)
def test_a_bad_file_is_named(tmp_path, change, rule):
    path = _change(released.write_coco(tmp_path), change)
    with pytest.raises(ValueError, match=rule) as error:
        read("coco", path)
    assert str(path) in str(error.value)


def test_what_is_no_file_of_coco_is_named(tmp_path):
    for content, rule in (("[1]", "must contain an object"), ("{", "not a JSON file")):
        (tmp_path / "a.json").write_text(content)
        with pytest.raises(ValueError, match=f"a.json: .*{rule}"):
            read("coco", tmp_path / "a.json")
    with pytest.raises(ValueError, match="must be a .json file"):
        read("coco", tmp_path)
    with pytest.raises(ValueError, match="base must be one of 0, 0.5, 1"):
        read("coco", tmp_path / "a.json", base=2)


def test_the_command_line_passes_options_of_a_reader(tmp_path):
    path = released.write_coco(tmp_path)
    command = ["datasets", "check", "coco", str(path)]
    for options in (["base=0.5"], ["base=1", "scheme=ibug68"], ["scheme=68", "unset=keep"]):
        given = [word for option in options for word in ("--option", option)]
        result = CliRunner().invoke(cli, [*command, *given])
        assert result.exit_code == 0, result.output
    for option, rule in (
        ("base", "must be NAME=VALUE"),
        ("root=x", "must be NAME=VALUE"),
        ("x=1", "the coco dataset has no option 'x'"),
    ):
        result = CliRunner().invoke(cli, [*command, "--option", option])
        assert result.exit_code != 0 and rule in result.output + str(result.exception)


def test_prepared_and_evaluated_faces_take_a_readers_options_too(tmp_path):
    path = released.write_coco(tmp_path)
    out = tmp_path / "out"
    arguments = ["--out", str(out), "--size", "32", "--processes", "1", "--option", "base=1"]
    result = CliRunner().invoke(cli, ["prepare", "coco", str(path), *arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    assert json.loads((out / "manifest.json").read_text())["options"] == {"base": 1}
    expected = read("coco", path, base=1).faces[0].landmarks
    np.testing.assert_array_equal(read("coco", out, base=1).faces[0].landmarks, expected)
    table = ["evaluate", "trnet20_free", "--dataset", "coco", "--root", str(path), "--json"]
    errors = []
    for base in (0, 1):
        result = CliRunner().invoke(cli, [*table, "--option", f"base={base}"])
        assert result.exit_code == 0, (result.output, result.exception)
        (column,) = json.loads(result.stdout)["faces"].values()
        errors.append(column["inter_pupil"])
    assert errors[0] != errors[1]
