import struct
import time
import zlib

import cv2
import numpy as np
import pytest

from keras_fld._internal.images import as_rgb, read_image, read_reduced
from keras_fld.data import synthetic

READERS = (read_image, as_rgb, lambda path: read_reduced(path, 0.1))


def declaring(suffix, width, height):
    """A small file whose header says that it is an image of another size."""
    content = bytearray(cv2.imencode(suffix, np.full((40, 40, 3), 90, np.uint8))[1].tobytes())
    if suffix == ".png":
        content[16:24] = struct.pack(">LL", width, height)
        content[29:33] = struct.pack(">L", zlib.crc32(content[12:29]))
    elif suffix == ".bmp":
        content[18:26] = struct.pack("<ll", width, height)
    elif suffix == ".jpg":
        place = content.index(b"\xff\xc0") + 5
        content[place : place + 4] = struct.pack(">HH", height, width)
    elif suffix == ".ppm":
        content[:] = content.replace(b"40 40", b"%d %d" % (width, height), 1)
    elif suffix == ".gif":
        content[:10] = b"GIF89a" + struct.pack("<HH", width, height)
    return bytes(content)


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_pixels_come_back_in_rgb(tmp_path, suffix):
    image = synthetic.draw(0).image
    path = tmp_path / f"face{suffix}"
    cv2.imwrite(str(path), image[..., ::-1])
    np.testing.assert_array_equal(read_image(path), image)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.95])
def test_half_an_image_is_one_named_error_and_nothing_is_printed(tmp_path, capfd, suffix, share):
    content = cv2.imencode(suffix, synthetic.draw(0).image)[1].tobytes()
    path = tmp_path / f"half{suffix}"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="not an image that can be read") as error:
        read_image(path)
    assert str(path) in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_a_gray_image_has_three_channels_and_a_folder_is_no_image(tmp_path):
    cv2.imwrite(str(tmp_path / "gray.png"), np.full((4, 5), 9, np.uint8))
    assert read_image(tmp_path / "gray.png").shape == (4, 5, 3)
    with pytest.raises(ValueError, match="Is a directory"):
        read_image(tmp_path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".ppm", ".gif"])
@pytest.mark.parametrize("size", [(30000, 30000), (25001, 10000), (32767, 1), (1, 32767)])
def test_an_image_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch, suffix, size):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    path = tmp_path / f"bomb{suffix}"
    path.write_bytes(declaring(suffix, *size))
    rule = "an image must have sides of at most 32766 pixels and at most 250,000,000 pixels"
    for reader in READERS:
        with pytest.raises(ValueError, match=f"{rule}. Got: {size[0]}x{size[1]}") as error:
            reader(path)
        assert str(error.value).startswith(f"{path}: ")


def test_a_gif_of_sides_beyond_signed_numbers_is_refused_too(tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    path = tmp_path / "bomb.gif"
    path.write_bytes(declaring(".gif", 40000, 20000))
    with pytest.raises(ValueError, match="Got: 40000x20000"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
def test_the_declared_size_is_held_against_the_limit_and_no_more(tmp_path, monkeypatch, suffix):
    asked = []
    monkeypatch.setattr(cv2, "imdecode", lambda *_: asked.append(1))
    path = tmp_path / f"large{suffix}"
    path.write_bytes(declaring(suffix, 10000, 10000))
    with pytest.raises(ValueError, match="not an image that can be read"):
        read_image(path)
    assert asked


def test_a_size_of_endless_digits_takes_no_time(tmp_path):
    (tmp_path / "a.ppm").write_bytes(b"P6 " + b"1" * 500_000)
    start = time.process_time()
    with pytest.raises(ValueError, match="a.ppm: not an image that can be read"):
        read_image(tmp_path / "a.ppm")
    assert time.process_time() - start < 2  # imagesize alone would take seven


@pytest.mark.parametrize("suffix", [".tif", ".webp", ".ppm", ".jp2", ".hdr"])
def test_other_formats_are_read_as_before(tmp_path, suffix):
    image = synthetic.draw(0, size=64).image
    dtype = np.float32 if suffix == ".hdr" else np.uint8
    done, data = cv2.imencode(suffix, image[..., ::-1].astype(dtype))
    assert done
    (tmp_path / f"a{suffix}").write_bytes(data)
    assert read_image(tmp_path / f"a{suffix}").shape == image.shape
