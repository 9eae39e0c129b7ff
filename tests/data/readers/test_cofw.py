import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_fld.data import read
from keras_fld.geometry.frame import landmark_box
from tests.data import released

pytest.importorskip("h5py")
OCCLUDED = np.eye(29, dtype=bool)[[3, 7, 28]]


@pytest.fixture(scope="module")
def faces():
    return released.drawn(3, "cofw29")


@pytest.fixture
def root(tmp_path, faces):
    released.write_cofw(tmp_path / "COFW_train_color.mat", "Tr", faces, (1,), OCCLUDED)
    released.write_cofw(tmp_path / "COFW_test.mat", "T", faces[:2], (0, 1))
    return tmp_path


def test_points_flags_and_pictures_come_back_exactly(root, faces):
    found = read("cofw", root, "train")
    for face, drawn, flags in zip(found.faces, faces, OCCLUDED, strict=True):
        np.testing.assert_allclose(face.landmarks, drawn.landmarks, atol=1e-5)
        np.testing.assert_array_equal(face.occluded, flags)
        np.testing.assert_allclose(face.box, landmark_box(drawn.landmarks), rtol=1e-5)
    np.testing.assert_array_equal(found.faces[0].image(), faces[0].image)
    gray = found.faces[1].image()
    np.testing.assert_array_equal(gray, np.repeat(faces[1].image[..., 1:2], 3, axis=2))
    assert found.missing == ["COFW_train_color.mat has 3 of the official 1345 faces"]
    assert found.normalizers[0] == "inter_ocular"


def test_the_files_are_one_based_and_options_say_otherwise(root, faces):
    off = read("cofw", root, "train", base=0).faces[0].landmarks
    np.testing.assert_allclose(off, faces[0].landmarks + 1, atol=1e-5)
    released_box = read("cofw", root, "train", boxes="released").faces[2].box
    np.testing.assert_array_equal(released_box, [6, 5, 40, 41])
    with pytest.raises(ValueError, match="base must be one of 0, 1. Got: 2"):
        read("cofw", root, "train", base=2)


def test_the_gray_file_is_taken_where_there_is_no_color_one(root, faces):
    found = read("cofw", root, "test")
    np.testing.assert_array_equal(found.faces[1].image()[..., 2], faces[1].image[..., 1])
    with pytest.raises(ValueError, match="the test split needs COFW_test_color.mat. Got"):
        read("cofw", root, "test", color="color")


def test_a_bad_row_is_named_or_skipped(root):
    import h5py

    path = root / "COFW_train_color.mat"
    with h5py.File(path, "r+") as file:
        file["phisTr"][60, 1] = 0.5
    with pytest.raises(ValueError, match="face 2: an occlusion flag must be 0 or 1") as error:
        read("cofw", root, "train")
    assert str(path) in str(error.value)
    found = read("cofw", root, "train", skip_bad=True)
    assert len(found) == 2 and len(found.skipped) == 1


def test_a_file_that_leads_to_another_is_refused(root, faces):
    import h5py

    secret = root / "elsewhere.h5"
    with h5py.File(secret, "w") as file:
        file["phisTr"] = np.zeros((87, 3))
    path = root / "COFW_train_color.mat"
    with h5py.File(path, "r+") as file:
        del file["phisTr"]
        file["phisTr"] = h5py.ExternalLink(str(secret), "phisTr")
    with pytest.raises(ValueError, match="phisTr is missing"):
        read("cofw", root, "train")
    with h5py.File(path, "r+") as file:
        del file["phisTr"]
        file.create_dataset("phisTr", (87, 3), "u1", external=[(str(secret), 0, 261)])
    with pytest.raises(ValueError, match="phisTr must be an array in the file itself"):
        read("cofw", root, "train")


@pytest.mark.parametrize("shape", [(86, 3), (3,), (87, 2), (87, 3, 1)])
def test_wrong_shapes_are_named(root, shape):
    import h5py

    with h5py.File(root / "COFW_train_color.mat", "r+") as file:
        del file["phisTr"]
        file["phisTr"] = np.zeros(shape)
    with pytest.raises(ValueError, match="phisTr .*Got: "):
        read("cofw", root, "train")


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("cofw") / "COFW_test_color.mat"
    released.write_cofw(path, "T", released.drawn(2, "cofw29", size=48))
    return path.read_bytes()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_gives_faces_or_an_error_that_names_the_file(content, tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged_cofw" / "COFW_test_color.mat"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(damage(content, data))
    try:
        for face in read("cofw", path.parent, "test").faces:
            assert face.image().dtype == np.uint8 and face.image().ndim == 3
            assert face.landmarks.shape == (29, 2)
    except ValueError as error:
        assert str(path.parent) in str(error)


def damage(content, data):
    """Truncates the content, or flips some of its bits."""
    places = st.integers(0, len(content) - 1)
    if data.draw(st.booleans()):
        return content[: data.draw(places)]
    damaged = bytearray(content)
    for place in data.draw(st.lists(places, min_size=1, max_size=8)):
        damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    return bytes(damaged)
