import numpy as np
import pytest

from keras_fld.data import read
from tests.data import released

HEADER = "file,pose," + ",".join(
    f"{point}_{axis}"
    for point in ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
    for axis in "xy"
)


@pytest.fixture
def faces():
    return released.drawn(2, "ibug68")


@pytest.fixture
def root(tmp_path, faces):
    """The release's list of training faces, 1-based with backslashes."""
    lines = []
    for i, face in enumerate(faces):
        released.save_image(tmp_path / f"lfw_5590/{i}.png", face.image)
        points = " ".join(f"{v + 1:.6f}" for v in released.five(face).T.ravel())
        lines.append(f" lfw_5590\\{i}.png {points} 1 2 2 {3 + i}")
    (tmp_path / "training.txt").write_text("\n".join(lines) + "\n\n")
    return tmp_path


def test_points_and_pixels_of_the_release_come_back_exactly(root, faces):
    found = read("mtfl", root)
    for face, drawn in zip(found.faces, faces, strict=True):
        np.testing.assert_allclose(face.landmarks, released.five(drawn), atol=1e-4)
        np.testing.assert_array_equal(face.image(), drawn.image)
    assert [face.attributes for face in found.faces] == [{"frontal"}, {"right"}]
    assert found.missing == ["train has 2 of the official 10000 faces"]
    assert found.scheme.mirror.tolist() == [1, 0, 2, 4, 3]
    taken = read("mtfl", root, base=0).faces[0].landmarks
    np.testing.assert_allclose(taken, released.five(faces[0]) + 1, atol=1e-4)


def test_the_table_is_zero_based(tmp_path, faces):
    released.save_image(tmp_path / "a.png", faces[0].image)
    row = ",".join(f"{v:.6f}" for v in released.five(faces[0]).ravel())
    (tmp_path / "points.csv").write_text(f"{HEADER}\na.png,1,{row}\n")
    found = read("mtfl", tmp_path)
    np.testing.assert_allclose(found.faces[0].landmarks, released.five(faces[0]), atol=1e-4)
    assert found.faces[0].attributes == {"left profile"}


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("lfw_5590\\0.png 1 2 3", "training.txt, line 1: a line must have an image"),
        ("lfw_5590\\0.png " + "x " * 14, "coordinates and pose must be numbers"),
        ("lfw_5590\\0.png " + "7 " * 13 + "9", "the pose 1 to 5"),
        ("lfw_5590\\0.png nan " + "7 " * 12 + "3", "coordinates must be finite"),
        ("..\\0.png " + "7 " * 13 + "3", "must be a path inside"),
    ],
)
def test_bad_lines_are_named(root, line, rule):
    path = root / "training.txt"
    path.write_text(line + "\n" + path.read_text())
    with pytest.raises(ValueError, match=rule):
        read("mtfl", root)
    assert len(read("mtfl", root, skip_bad=True)) == 2


def test_absent_lists_and_images_are_named(root):
    with pytest.raises(ValueError, match="the test split needs testing.txt"):
        read("mtfl", root, "test")
    for image in (root / "lfw_5590").iterdir():
        image.unlink()
    with pytest.raises(ValueError, match="the train split needs images.*no such image"):
        read("mtfl", root)


def test_a_table_without_a_column_is_refused(tmp_path):
    (tmp_path / "points.csv").write_text("file,pose\n")
    with pytest.raises(ValueError, match="the header needs a column 'left_eye_x'"):
        read("mtfl", tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("training.txt", b"a.png \0\xff\xfe 1 2 3\n"),
        ("points.csv", f"{HEADER}\n\0\xff.png\n".encode("latin-1")),
        ("points.csv", f'{HEADER}\n"a".png,3\n'.encode()),
        ("points.csv", f"{HEADER}\n{'9' * 200_000},3\n".encode()),
    ],
    ids=["binary list", "binary table", "broken quote", "endless cell"],
)
def test_lists_that_are_no_plain_text_are_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name}: the (list|file) must be plain text"):
        read("mtfl", tmp_path)
