import csv
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_fld import schemes
from keras_fld.data import read
from keras_fld.geometry.frame import landmark_box
from keras_fld.schemes import registry
from tests.data import released


@pytest.fixture(scope="module", params=["json", "csv"])
def path(request, tmp_path_factory):
    return released.write_own(tmp_path_factory.mktemp("own"), kind=request.param)


@pytest.mark.parametrize("split", ["train", "test"])
def test_points_and_pixels_come_back_exactly(path, split):
    drawn = released.drawn(8, "ibug68")
    drawn = drawn[:5] if split == "train" else drawn[5:]
    found = read("own", path, split)
    for face, original in zip(found.faces, drawn, strict=True):
        np.testing.assert_allclose(face.landmarks, released.five(original), atol=1e-3)
        np.testing.assert_array_equal(face.image(), original.image)
        np.testing.assert_allclose(face.box, landmark_box(face.landmarks))


def test_the_scheme_is_that_of_the_file(path):
    scheme = read("own", path, "train").scheme
    assert scheme.mirror.tolist() == [1, 0, 2, 4, 3]
    assert scheme.normalizers == {"inter_pupil": ((0,), (1,))}
    assert scheme.patches == {"upper": (0, 1), "lower": (2, 3, 4)} and scheme.lines == ((3, 4),)
    with pytest.raises(ValueError, match="Got: 'five'"):  # reading changes nothing elsewhere
        schemes.get("five")


def _json(folder, change, scheme=released.FIVE):
    image = folder / "a.png"
    released.save_image(image, np.zeros((20, 20, 3), np.uint8))
    face = {"image": "a.png", "points": [[1, 2], [3, 4], None, [5.5, 6], [7, 8]]} | change
    (folder / "faces.json").write_text(json.dumps({"scheme": scheme, "faces": [face]}))
    return folder / "faces.json"


def test_what_a_face_may_say_beside_its_points(tmp_path):
    path = _json(
        tmp_path,
        {
            "box": [0, 1, 10, 11],
            "group": "anna",
            "occluded": [True, False, False, False, True],
            "attributes": ["night"],
            "distances": {"head": 40},
        },
    )
    found = read("own", path, "train")
    (face,) = found.faces
    assert np.flatnonzero(np.isnan(face.landmarks).any(axis=1)).tolist() == [2]
    assert face.box.tolist() == [0, 1, 10, 11] and face.group == "anna"
    assert face.occluded.tolist() == [True, False, False, False, True]
    assert found.attributes == ("night",) and face.distances == {
        "head": 40,
        "face_size": pytest.approx(110**0.5),
    }
    assert found.normalizers == ["inter_pupil", "head", "face_size"]


def test_a_scheme_of_the_package_is_named(tmp_path):
    points = released.drawn(1, "ibug68")[0].landmarks.tolist()
    path = _json(tmp_path, {"points": points}, scheme="ibug68")
    assert read("own", path, "train").scheme is schemes.IBUG68


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"image": "b.png"}, "no such image"),
        ({"image": "../a.png"}, "must be a path inside"),
        ({"image": 3}, "image must be a file name. Got: 3"),
        ({"points": [[1, 2]]}, "points must be 5 pairs or null. Got: 1"),
        ({"points": [[1, 2]] * 4 + [[1]]}, "a point must be 2 finite numbers"),
        ({"points": [[1, 2]] * 4 + [["x", 1]]}, "a point must be 2 finite numbers"),
        ({"points": [[1, 2]] * 4 + [[1e9, 1]]}, "within 1,000,000 pixels"),
        ({"points": [[1, 2]] * 5}, "at least two different annotated landmarks"),
        ({"points": [None] * 5}, "at least two different annotated landmarks"),
        ({"box": [1, 2, 3, -4]}, "a box must be x, y, width, height with a positive size"),
        ({"box": [1, 2, 3]}, "box must be 4 finite numbers"),
        ({"split": "val"}, "split must be one of train, test. Got: 'val'"),
        ({"occluded": [1, 0, 0, 0, 0]}, "occluded must be a list of 5 booleans"),
        ({"attributes": "night"}, "attributes must be a list"),
        ({"distances": {"head": 0}}, "a distance must be above 0 pixels"),
        ({"point": []}, "a face's keys must be among .* Got: 'point'"),
    ],
)
def test_a_bad_face_is_named_or_skipped(tmp_path, change, rule):
    path = _json(tmp_path, change)
    with pytest.raises(ValueError, match=rule) as error:
        read("own", path, "train")
    assert f"{path}, face 1" in str(error.value)
    with pytest.raises(ValueError, match=f"none of 1 faces could be read. First: .*{rule}"):
        read("own", path, "train", skip_bad=True)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"name": ""}, "a scheme's name must be printable text"),
        ({"name": "ibug68"}, "must not be that of one of the package's schemes. Got: 'ibug68'"),
        ({"landmarks": ["a", "a"]}, "must be different names"),
        ({"landmarks": 0}, "must be different names"),
        ({"mirror_pairs": [["left eye", "ear"]]}, "no such landmark name or index. Got: 'ear'"),
        ({"mirror_pairs": [[0, 1], [1, 2]]}, "pairs that share no landmark"),
        ({"mirror_pairs": [[0, 1, 2]]}, "pairs that share no landmark"),
        ({"eyes": [["left eye"]]}, "eyes of a scheme must be two lists"),
        ({"patches": {"all": [0, 1]}}, "patches of a scheme must cover every landmark once"),
        ({"normalizers": []}, None),
        ({"normalizers": [1]}, "normalizers of a scheme must be a dictionary"),
        ({"lines": [[True, 1]]}, "no such landmark name or index. Got: True"),
        ({"color": 1}, "a scheme's keys must be among"),
    ],
)
def test_a_bad_scheme_is_named(tmp_path, change, rule):
    path = _json(tmp_path, {}, scheme=released.FIVE | change)
    if rule is None:
        assert len(read("own", path, "train")) == 1
        return
    with pytest.raises(ValueError, match=rule) as error:
        read("own", path, "train")
    assert str(path) in str(error.value)


def test_a_scheme_survives_its_dictionary():
    for scheme in (*schemes.SCHEMES.values(), schemes.custom.from_dict(released.FIVE)):
        again = schemes.custom.from_dict(json.loads(json.dumps(schemes.custom.to_dict(scheme))))
        assert again == scheme
    assert registry.reference(schemes.WFLW98) == "wflw98"
    assert schemes.get(registry.reference(scheme)) == scheme


def test_a_csv_has_empty_cells_boxes_and_flags(tmp_path):
    path = released.write_own(tmp_path, kind="csv")
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    rows[0] += ["box_x", "box_y", "box_width", "box_height", "nose_occluded", "group"]
    rows[1] += ["1", "2", "30", "40", "1", "anna"]
    rows[1][6:8] = "", ""
    for row in rows[2:]:
        row += [""] * 6
    path.write_text("\ufeff" + "\r\n".join(",".join(row) for row in rows), "utf-8")
    first, second = read("own", path, "train").faces[:2]
    assert first.box.tolist() == [1, 2, 30, 40] and first.group == "anna"
    assert np.isnan(first.landmarks[2]).all() and not np.isnan(first.landmarks[3]).any()
    assert first.occluded.tolist() == [False, False, True, False, False]
    assert second.occluded is None and second.group == "photos/1.png"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda text: text.replace("nose_x", "nose"), "needs a column 'nose_x'"),
        (lambda text: text.replace("split", "splat"), "unknown or repeated column 'splat'"),
        (lambda text: text.replace("photos/1.png,train,", "photos/1.png,train,,"), "line 3"),
        (lambda text: text.replace("photos/1.png,train", "photos/1.png,val"), "line 3: split"),
        (lambda text: text.replace("photos/1.png,train,", "photos/1.png,train,x"), "line 3: a po"),
        (lambda text: text.replace("photos/1.png,train,", 'photos/1.png,train,"'), "readable"),
        (lambda text: "", "needs a column 'image'"),
    ],
)
def test_a_bad_csv_is_named(tmp_path, change, rule):
    path = released.write_own(tmp_path, kind="csv")
    path.write_text(change(path.read_text()))
    with pytest.raises(ValueError, match=rule) as error:
        read("own", path, "train")
    assert str(path) in str(error.value)


def test_files_that_are_no_annotation_are_named(tmp_path):
    with pytest.raises(ValueError, match="must be a .csv or .json file"):
        read("own", tmp_path, "train")
    (tmp_path / "a.json").write_text("[" * 100_000)
    (tmp_path / "b.json").write_text("[1]")
    (tmp_path / "c.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "d.csv").write_text("image\n")
    for name, rule in (
        ("a.json", "not a readable"),
        ("b.json", "the file must contain"),
        ("c.json", "the file begins as UTF-16-LE, but is damaged"),
        ("d.csv", "the scheme must be in d.scheme.json"),
    ):
        with pytest.raises(ValueError, match=rule) as error:
            read("own", tmp_path / name, "train")
        assert str(tmp_path / name) in str(error.value)


def test_a_table_without_a_scheme_is_told_one_that_fits_its_columns(tmp_path):
    head = "image,box_x,box_y,box_width,box_height,left eye_x,left eye_y,right eye_x,right eye_y"
    (tmp_path / "a.csv").write_text(f"{head}\na.png,0,0,9,9,1,2,5,2\n")
    released.save_image(tmp_path / "a.png", np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(ValueError, match="must be in a.scheme.json, next to the table. From") as e:
        read("own", tmp_path / "a.csv", "train")
    (tmp_path / "a.scheme.json").write_text(str(e.value).split("eyes): ")[1])
    faces = read("own", tmp_path / "a.csv", "train")
    assert faces.scheme.landmark_names == ("left eye", "right eye")
    assert faces.scheme.mirror.tolist() == [1, 0]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damage_gives_faces_or_an_error_that_names_the_file(path, data):
    good = path.read_text()
    place, drop = data.draw(st.integers(0, len(good))), data.draw(st.integers(0, 30))
    odd = st.sampled_from(["1e999", "9" * 400, "NaN", "null", "../", '"', "{", "\0", "\r"])
    insert = data.draw(st.one_of(st.text(max_size=4), odd))
    damaged = path.with_stem("damaged")
    if path.suffix == ".csv":
        damaged.with_suffix(".scheme.json").write_text(json.dumps(released.FIVE))
    damaged.write_bytes((good[:place] + insert + good[place + drop :]).encode("utf-8", "replace"))
    try:
        faces = read("own", damaged, "train").faces
    except ValueError as error:
        assert str(damaged.parent) in str(error)
        return
    for face in faces:
        assert not np.isinf(face.landmarks).any() and np.isfinite(face.box).all()
