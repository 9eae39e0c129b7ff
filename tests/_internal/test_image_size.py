"""Small files that declare large images: refused from the header."""

import struct

import cv2
import numpy as np
import pytest

from keras_fld._internal.image_size import declared_size
from keras_fld._internal.images import as_rgb, read_image, read_reduced

HEADERS = {
    "a.pam": b"P7\nWIDTH 50000\nHEIGHT 50001\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n",
    "a.pfm": b"PF\n50000 50001\n-1.0\n",
    "a.hdr": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 50001 +X 50000\n",
    "a.sr": struct.pack(">8L", 0x59A66A95, 50000, 50001, 24, 0, 1, 0, 0),
    "a.gif": b"GIF89a" + struct.pack("<HH", 50000, 50001),
    "a.ppm": b"P6 50000 50001 255\n",
}


def data(content):
    return np.frombuffer(content, np.uint8)


@pytest.mark.parametrize("name", HEADERS)
def test_formats_with_small_headers(tmp_path, monkeypatch, name):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    assert declared_size(data(HEADERS[name])) == (50000, 50001)
    (tmp_path / name).write_bytes(HEADERS[name] + bytes(100))
    for reader in (read_image, as_rgb, lambda path: read_reduced(path, 0.1)):
        with pytest.raises(ValueError, match=f"{name}: an image must have .* Got: 50000x50001"):
            reader(tmp_path / name)


@pytest.mark.parametrize(
    "suffix", [".pam", ".pfm", ".hdr", ".ras", ".ppm", ".png", ".jpg", ".webp"]
)
def test_the_size_is_that_of_the_decoded_image(suffix):
    image = np.zeros((21, 34, 3), np.float32 if suffix in (".pfm", ".hdr") else np.uint8)
    done, content = cv2.imencode(suffix, image)
    assert done
    assert declared_size(content.ravel()) == (34, 21)


@pytest.mark.parametrize(
    "content", [b"", b"P7\n", b"PF\n12", b"#?RADIANCE\n", b"\x59\xa6\x6a\x95", b"GIF"]
)
def test_half_a_header_has_no_size(content):
    assert declared_size(data(content)) in (None, (0, 0))


def test_the_largest_gif_is_no_unknown_format():
    assert declared_size(data(b"GIF89a" + b"\xff" * 40)) == (65535, 65535)


def test_the_caller_s_limit_holds_for_files_arrays_and_images_of_pillow(tmp_path, monkeypatch):
    Image = pytest.importorskip("PIL.Image")
    image = np.zeros((20, 30, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    given = [tmp_path / "a.png", image, Image.open(tmp_path / "a.png")]
    for value in given:
        assert as_rgb(value, max_pixels=600).shape == (20, 30, 3)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("decoded"))
    for value in given:
        with pytest.raises(ValueError, match="at most 599 pixels. Got: 30x20"):
            as_rgb(value, max_pixels=599)


def test_a_file_too_long_for_its_pixels_is_not_even_read(tmp_path, monkeypatch):
    path = tmp_path / "long.png"
    with path.open("wb") as file:
        file.truncate(2**26 + 8 * 600 + 1)  # sparse
    monkeypatch.setattr(np, "fromfile", lambda *_: pytest.fail("read"))
    with pytest.raises(ValueError, match="long.png: an image file of at most 600 pixels must have"):
        read_image(path, max_pixels=600)


def test_an_animation_is_its_first_picture(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    pictures = [Image.new("RGB", (30, 20), (90 * k, 20, 30)) for k in range(3)]
    for suffix, options in ((".gif", {}), (".webp", {"lossless": True})):
        path = tmp_path / f"a{suffix}"
        pictures[0].save(path, save_all=True, append_images=pictures[1:], **options)
        np.testing.assert_allclose(read_image(path), np.asarray(pictures[0]), atol=2)


def test_a_jpeg_with_many_long_segments_before_its_picture(tmp_path):
    done, content = cv2.imencode(".jpg", np.zeros((20, 30, 3), np.uint8))
    segment = b"\xff\xe1\xff\xffExif\0\0" + bytes(65527)
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8" + segment * 100 + content.tobytes()[2:])
    assert read_image(path).shape == (20, 30, 3)
