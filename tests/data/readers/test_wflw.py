import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_fld.data import read
from keras_fld.data.readers import wflw
from tests.data import released

FLAGS = [(0, 0, 0, 0, 0, 0), (1, 0, 0, 0, 0, 1), (0, 1, 1, 0, 0, 1)]


@pytest.fixture(scope="module")
def faces():
    return released.drawn(3, "wflw98")


@pytest.fixture
def root(tmp_path, faces):
    released.write_wflw(tmp_path, "train", faces[:2], FLAGS[:2])
    released.write_wflw(tmp_path, "test", faces, FLAGS)
    return tmp_path


def test_points_and_pixels_come_back_exactly(root, faces):
    found = read("wflw", root, "test")
    for face, drawn in zip(found.faces, faces, strict=True):
        np.testing.assert_allclose(face.landmarks, drawn.landmarks, atol=1e-5)
        np.testing.assert_array_equal(face.image(), drawn.image)
    assert found.faces[1].group == "1--Event/test_1.png"
    assert found.missing == ["test has 3 of the official 2500 faces"]
    assert found.normalizers[0] == "inter_ocular"


def test_the_lists_are_zero_based_unless_it_is_said_otherwise(root, faces):
    shifted = read("wflw", root, "test", base=1).faces[0].landmarks
    np.testing.assert_allclose(shifted, faces[0].landmarks - 1, atol=1e-5)


def test_attributes_are_subsets_of_the_test_faces(root):
    assert read("wflw", root, "test").attributes == tuple(wflw.ATTRIBUTES)
    assert read("wflw", root, "test").faces[2].attributes == {"expression", "illumination", "blur"}
    assert [face.name for face in read("wflw", root, "blur").faces] == [
        "test/2 1--Event/test_1.png",
        "test/3 2--Event/test_2.png",
    ]
    assert len(read("wflw", root, "pose")) == 1
    with pytest.raises(ValueError, match="the makeup split needs images .*no line of the split"):
        read("wflw", root, "makeup")


def test_absent_photographs_are_counted(root):
    (root / wflw.IMAGES / "1--Event/test_1.png").unlink()
    found = read("wflw", root, "test")
    assert len(found) == 2 and "1 listed images are missing" in found.told[0]
    with pytest.raises(ValueError, match="the train split needs WFLW_annotations"):
        read("wflw", root / wflw.IMAGES, "train")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda line: line.replace(" 3 4 50 60 ", " 3 4 50 "), "must have 207 words. Got: 206"),
        (lambda line: "nose" + line[line.index(" ") :], "all words but the last"),
        (lambda line: "nan" + line[line.index(" ") :], "coordinates must be finite"),
        (lambda line: line.replace(" 0 0 0 0 0 0 ", " 0 0 0 0 0 2 "), "attributes 0 or 1"),
        (lambda line: line.replace("0--Event", "../../0--Event"), "must be a path inside"),
        (lambda line: line.replace("0--Event", "/0--Event"), "must be a path inside"),
        (lambda line: line.replace("0--Event", "C:\\0--Event"), "must be a path inside"),
        (lambda line: line.replace("0--Event/", "0--Event\\..\\..\\..\\"), "a path inside"),
    ],
)
def test_a_bad_line_is_named_or_skipped(root, change, rule):
    path = root / wflw.LISTS / "list_98pt_rect_attr_test.txt"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([change(lines[0]), *lines[1:]]))
    with pytest.raises(ValueError, match=rule) as error:
        read("wflw", root, "test")
    assert f"{path}, line 1" in str(error.value)
    found = read("wflw", root, "test", skip_bad=True)
    assert len(found) == 2 and len(found.skipped) == 1


def test_a_symbolic_link_out_of_the_folder_is_refused(root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.png"
    image = root / wflw.IMAGES / "0--Event/test_0.png"
    image.replace(outside)
    image.symlink_to(outside)
    with pytest.raises(ValueError, match="a symbolic link must not lead out"):
        read("wflw", root, "test")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_gives_faces_or_an_error_that_names_the_file(tmp_path_factory, faces, data):
    root = tmp_path_factory.getbasetemp() / "damaged_wflw"
    if not root.exists():
        released.write_wflw(root, "test", faces, FLAGS)
    path = root / wflw.LISTS / "list_98pt_rect_attr_test.txt"
    good = "\n".join(
        released.wflw_line(face, flags, f"{i}--Event/test_{i}.png")
        for i, (face, flags) in enumerate(zip(faces, FLAGS, strict=True))
    )
    place, drop = data.draw(st.integers(0, len(good))), data.draw(st.integers(0, 40))
    insert = data.draw(st.one_of(st.text(max_size=4), st.sampled_from(["1e999", "\0", "../", "-"])))
    path.write_bytes((good[:place] + insert + good[place + drop :]).encode("utf-8", "replace"))
    try:
        found = read("wflw", root, "test").faces
    except ValueError as error:
        assert str(root) in str(error)
        return
    assert all(np.isfinite(face.landmarks).all() for face in found)
