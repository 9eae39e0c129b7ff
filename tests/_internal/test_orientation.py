"""A rotation tag is followed in every format, alike in whole and in reduced reading."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from keras_fld._internal.images import has_rotation_tag, read_image, read_reduced
from keras_fld._internal.orientation import has_tag, orientation, turn, turn_matrix
from keras_fld.data import synthetic
from tests.data import turned

TAGS = range(1, 9)


@pytest.fixture(scope="module")
def image():
    return np.ascontiguousarray(synthetic.draw(0, size=96).image[:91, :73])


@pytest.mark.parametrize("tag", TAGS)
def test_a_jpeg_is_read_as_opencv_shows_it(tmp_path, image, tag):
    path = tmp_path / "photo.jpg"
    path.write_bytes(turned.jpeg(image, tag))
    found = read_image(path)
    assert found.shape == image.shape
    assert np.abs(found.astype(int) - image).mean() < 1
    np.testing.assert_array_equal(found, cv2.imread(str(path))[..., ::-1])
    assert has_rotation_tag(path) == (tag != 1)


@pytest.mark.parametrize("tag", TAGS)
def test_a_png_is_too(tmp_path, image, tag):
    stored = np.ascontiguousarray(turned.STORED[tag](image)[..., ::-1])
    content = cv2.imencode(".png", stored)[1].tobytes()
    chunk = b"eXIf" + turned.exif(tag)
    chunk = struct.pack(">L", len(chunk) - 4) + chunk + struct.pack(">L", zlib.crc32(chunk))
    (tmp_path / "a.png").write_bytes(content[:33] + chunk + content[33:])
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), image)
    assert has_rotation_tag(tmp_path / "a.png") == (tag != 1)


@pytest.mark.parametrize("kind", ["WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("tag", TAGS)
def test_other_formats_are_read_as_pillow_shows_them(tmp_path, image, kind, tag):
    library, shown = pytest.importorskip("PIL.Image"), pytest.importorskip("PIL.ImageOps")
    path = tmp_path / "photo"
    about = library.Exif()
    about[0x112] = tag
    stored = library.fromarray(np.ascontiguousarray(turned.STORED[tag](image)))
    library.init()
    if kind not in library.SAVE:
        pytest.skip(f"this Pillow writes no {kind}")
    stored.save(path, kind, exif=about, quality=95)
    try:
        found = read_image(path)
    except ValueError:
        if kind == "AVIF":
            pytest.skip("this OpenCV reads no AVIF")
        raise
    expected = np.asarray(shown.exif_transpose(library.open(path)).convert("RGB"))
    assert found.shape == expected.shape == image.shape
    assert np.abs(found.astype(int) - expected).mean() < 4
    assert has_rotation_tag(path) == (tag != 1)


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize(("scale", "factor"), [(0.6, 1), (0.5, 2), (0.2, 4), (0.1, 8)])
def test_a_reduced_photograph_is_upright_and_its_matrix_too(tmp_path, tag, scale, factor):
    """Sides that no factor divides: the last pixels of what is stored are averages of fewer."""
    image = np.zeros((643, 805, 3), np.uint8)
    center = (417.3, 250.8)
    place = tuple(np.round(np.multiply(center, 256)).astype(int).tolist())
    cv2.circle(image, place, 90 * 256, (255, 255, 255), -1, cv2.LINE_AA, shift=8)
    (tmp_path / "disc.jpg").write_bytes(turned.jpeg(image, tag))
    found, to_photo = read_reduced(tmp_path / "disc.jpg", scale)
    assert to_photo[0, 0] == to_photo[1, 1] == factor and to_photo[0, 1] == to_photo[1, 0] == 0
    weight = found[..., 1].astype(float)
    y, x = np.mgrid[: found.shape[0], : found.shape[1]]
    middle = np.array([(weight * x).sum(), (weight * y).sum(), weight.sum()]) / weight.sum()
    np.testing.assert_allclose(to_photo @ middle, center, atol=0.05)


@pytest.mark.parametrize("tag", TAGS)
def test_the_matrix_of_a_turn_takes_each_pixel_where_turn_does(tag):
    stored = np.arange(12).reshape(3, 4)
    shown = turn(stored, tag)
    for (y, x), value in np.ndenumerate(stored):
        there = turn_matrix(tag, 4, 3) @ [x, y, 1]
        assert shown[int(there[1]), int(there[0])] == value


@pytest.mark.parametrize("tag", [0, 9, 65535])
def test_a_tag_of_no_meaning_turns_nothing(tag):
    content = turned.jpeg(np.zeros((8, 9, 3), np.uint8), 6)
    damaged = content.replace(turned.exif(6), turned.exif(tag))
    assert orientation(damaged) == 1 and not has_tag(damaged)


@pytest.mark.parametrize("head", [b"", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", b"\x89PNG\r\n\x1a\n"])
def test_a_damaged_header_has_no_tag(head):
    rng = np.random.default_rng(0)
    for size in range(40):
        assert orientation(head + rng.bytes(size)) in TAGS
    assert orientation(b"\0\0\0\x1cftypavif" + b"\0\0\0\x09irot") == 1
