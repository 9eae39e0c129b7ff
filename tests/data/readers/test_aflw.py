import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_fld.data import crops, read
from keras_fld.data.readers import aflw
from keras_fld.geometry.frame import FaceCrop, transform
from tests.data import released
from tests.data.readers.test_cofw import damage

savemat = pytest.importorskip("scipy.io").savemat
NAMES = ["0/image1.png", "0/image2.png", "2/image1.png", "3/image 4.png"]
VISIBLE = np.ones((4, 19), bool)
VISIBLE[2, [4, 9]] = VISIBLE[1] = False
VISIBLE[1, 0] = VISIBLE[1, 18] = True


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Four faces, of which the first two in the file's order are the training faces."""
    monkeypatch.setattr(aflw, "TRAINING", 2)
    released.write_aflw(tmp_path, NAMES, released.drawn(4, "aflw19"), VISIBLE, [2, 1, 3, 0])
    return tmp_path


def test_points_boxes_and_order_come_back_exactly(root):
    train, full = read("aflw", root, "train"), read("aflw", root, "full")
    assert [face.group for face in train.faces] == ["2/image1.png", "0/image2.png"]
    assert [face.group for face in full.faces] == ["3/image 4.png", "0/image1.png"]
    drawn = released.drawn(4, "aflw19")
    for face, row in zip(full.faces, (3, 0), strict=True):
        np.testing.assert_allclose(face.landmarks, drawn[row].landmarks, atol=1e-5)
        np.testing.assert_array_equal(face.image(), drawn[row].image)
        np.testing.assert_array_equal(face.box, [8, 9, 10 + row, 10 + row])
        assert face.distances == {"face_box": 10 + row}
    assert full.normalizers[0] == "face_box"
    assert "train has 2 of the official 20000 faces" in train.missing


def test_hidden_landmarks_are_left_out_or_kept(root):
    drawn = released.drawn(4, "aflw19")[2].landmarks
    face = read("aflw", root, "train").faces[0]
    assert np.flatnonzero(np.isnan(face.landmarks).any(axis=1)).tolist() == [4, 9]
    np.testing.assert_array_equal(face.occluded, ~VISIBLE[2])
    kept = read("aflw", root, "train", hidden="keep").faces[0]
    np.testing.assert_allclose(kept.landmarks, drawn, atol=1e-5)
    np.testing.assert_array_equal(kept.occluded, ~VISIBLE[2])
    with pytest.raises(ValueError, match="hidden must be one of leave_out, keep. Got: 'drop'"):
        read("aflw", root, "train", hidden="drop")
    with pytest.raises(ValueError, match="the 300w dataset has no option 'hidden'"):
        read("300w", root, "train", hidden="keep")


def test_frontal_faces_show_every_landmark(root):
    assert len(read("aflw", root, "frontal")) == 2
    hidden = VISIBLE.copy()
    hidden[3, 5] = False
    released.write_aflw(root, NAMES, released.drawn(4, "aflw19"), hidden, [2, 1, 3, 0])
    assert [face.name for face in read("aflw", root, "frontal").faces] == ["0/image1.png 1"]


def test_the_file_is_zero_based_unless_it_is_said_otherwise(root):
    plain, shifted = (read("aflw", root, "full", base=base).faces[0] for base in (0, 1))
    np.testing.assert_allclose(shifted.landmarks, plain.landmarks - 1, atol=1e-5)
    np.testing.assert_array_equal(shifted.box, plain.box - [1, 1, 0, 0])


def test_the_box_width_is_the_same_in_every_crop(root):
    frame = FaceCrop(64, margin=1.25)
    data = crops.model_crops(read("aflw", root, "full"), frame)
    for face, matrix in zip(read("aflw", root, "full").faces, data.matrices, strict=True):
        left, right = transform([face.box[:2], face.box[:2] + [face.box[2], 0]], matrix)
        assert right[0] - left[0] == pytest.approx(frame.size / frame.margin)


def test_absent_photographs_are_counted(root):
    (root / "data/flickr/2/image1.png").unlink()
    train = read("aflw", root, "train")
    assert len(train) == 1 and "train: 1 listed images are missing" in train.told[0]
    (root / "data/flickr/0/image2.png").unlink()
    with pytest.raises(ValueError, match="the train split needs images in data/flickr"):
        read("aflw", root, "train")


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("../../secret.png", "must be a path inside"),
        ("/etc/passwd", "must be a path inside"),
        ("0/\n.png", "must be a path inside"),
    ],
)
def test_names_that_lead_out_are_refused(root, name, rule):
    faces = released.drawn(4, "aflw19")
    variables = released.aflw_variables([name, *NAMES[1:]], faces, VISIBLE, [2, 1, 3, 0])
    savemat(root / aflw.INFO, variables)
    with pytest.raises(ValueError, match=rule) as error:
        read("aflw", root, "full")
    assert f"{aflw.INFO}, row 1" in str(error.value)
    assert len(read("aflw", root, "full", skip_bad=True).skipped) == 1


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"data": np.zeros((4, 36))}, r"data must have shape \(4, 38\). Got: \(4, 36\)"),
        ({"bbox": np.zeros((4, 4))}, "row 4: the box must have a size"),
        ({"ra": np.array([[1, 1, 2, 3]])}, "ra must be a permutation of the rows 1 to 4"),
        ({"ra": np.array([[1.5, 1, 2, 3]])}, "ra must be whole numbers"),
        ({"nameList": np.zeros((4, 1))}, "a cell must be a text"),
        ({"nameList": "abc"}, "wrong type|must have shape"),
        ({"data": "abc"}, "wrong type"),
        ({"data": np.full((4, 38), np.inf)}, "row 4: a landmark must be two numbers"),
    ],
)
def test_wrong_variables_are_named(root, change, rule):
    faces = released.drawn(4, "aflw19")
    variables = released.aflw_variables(NAMES, faces, VISIBLE, [2, 1, 3, 0]) | change
    savemat(root / aflw.INFO, variables)
    with pytest.raises(ValueError, match=rule) as error:
        read("aflw", root, "full")
    assert str(root / aflw.INFO) in str(error.value)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "u2"])
def test_variables_of_every_number_type_are_read(tmp_path, compressed, dtype):
    from keras_fld.data.readers.matlab5 import load, strings

    table = np.arange(12).reshape(3, 4).astype(dtype)
    texts = np.array([["a"], ["long name.jpg"], ["\u00e9\u00fc"]], object)
    savemat(
        tmp_path / "a.mat",
        {"other": {"x": 1}, "table": table, "texts": texts},
        do_compression=compressed,
    )
    found = load(tmp_path / "a.mat", ("table", "texts"))
    np.testing.assert_array_equal(found["table"], table)
    assert strings(found["texts"]) == ["a", "long name.jpg", "\u00e9\u00fc"]
    with pytest.raises(ValueError, match="the variable absent is missing"):
        load(tmp_path / "a.mat", ("absent",))


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "compressed"])
def content(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("aflw")
    faces = released.drawn(4, "aflw19", size=48)
    variables = released.aflw_variables(NAMES, faces, VISIBLE, [2, 1, 3, 0])
    savemat(folder / aflw.INFO, variables, do_compression=request.param)
    for name, face in zip(NAMES, faces, strict=True):
        released.save_image(folder / "data/flickr" / name, face.image)
    return folder, (folder / aflw.INFO).read_bytes()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damage_gives_faces_or_an_error_that_names_the_file(content, data):
    folder, good = content
    (folder / aflw.INFO).write_bytes(damage(good, data))
    try:
        faces = read("aflw", folder, "train").faces
    except ValueError as error:
        assert str(folder) in str(error)
        return
    for face in faces:
        assert face.landmarks.shape == (19, 2) and not np.isinf(face.landmarks).any()
        assert np.isfinite(face.box).all() and face.distances["face_box"] > 0
