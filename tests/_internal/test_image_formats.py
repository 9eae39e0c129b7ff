"""Formats are known by their content; what OpenCV cannot read says what would help."""

import cv2
import numpy as np
import pytest

from keras_fld._internal.image_formats import FORMATS, format_of, in_order, is_image, left_out
from keras_fld._internal.images import read_image

PIXELS = np.full((140, 130, 3), 90, np.uint8)
HEADS = {
    "GIF": b"GIF89a\x10\0\x10\0",
    "AVIF": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf",
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "JPEG XL": b"\xff\x0a\xfa\x7f",
    "OpenEXR": b"\x76\x2f\x31\x01\2\0\0\0",
    "Photoshop document": b"8BPS\0\1",
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "Radiance HDR": b"#?RADIANCE\n",
    "Netpbm": b"P5\n# made by hand\n3 3\n255\n",
    "Sun raster": b"\x59\xa6\x6a\x95\0\0",
}


@pytest.mark.parametrize(
    ("suffix", "name"),
    [(".jpg", "JPEG"), (".png", "PNG"), (".bmp", "BMP"), (".tif", "TIFF"), (".webp", "WebP")]
    + [(".ppm", "Netpbm"), (".jp2", "JPEG 2000"), (".ras", "Sun raster")],
)
def test_what_opencv_writes_is_known_and_read_under_any_name(tmp_path, suffix, name):
    content = cv2.imencode(suffix, PIXELS)[1].tobytes()
    known = format_of(content)
    assert known.name == name and suffix in known.suffixes
    for other in ("photo", "photo.txt", "photo.gif", "PHOTO.PNG"):
        (tmp_path / other).write_bytes(content)
        assert is_image(tmp_path / other) and read_image(tmp_path / other).shape == (140, 130, 3)


@pytest.mark.parametrize(("name", "head"), HEADS.items())
def test_a_file_that_cannot_be_decoded_says_what_it_is_and_what_helps(tmp_path, name, head):
    (tmp_path / "a.jpg").write_bytes(head)
    known = format_of(head)
    assert known.name == name
    with pytest.raises(ValueError, match="a.jpg: not an image that can be read") as error:
        read_image(tmp_path / "a.jpg")
    assert f"a damaged {name}" in str(error.value) or str(error.value).endswith(
        f"a {name}; {known.help}"
    )


def test_a_photograph_of_an_iphone_says_how_to_convert_it(tmp_path):
    (tmp_path / "IMG_1.HEIC").write_bytes(HEADS["HEIC"])
    with pytest.raises(ValueError, match="a HEIC; OpenCV has no decoder for it: convert it to"):
        read_image(tmp_path / "IMG_1.HEIC")


@pytest.mark.parametrize(
    "content",
    [b"", b"B", b"BM are two letters", b"P1 is a word", b"RIFF\0\0\0\0AVI LIST", b"\0\5\x16\7"]
    + [b"\0\0\0\x18ftypisom\0\0\0\0isommp42", b"image,split\n", b"<svg>", b"PK\3\4"],
)
def test_what_is_no_image_is_known_too(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert format_of(content) is None and not is_image(tmp_path / "file")


def test_a_damaged_photograph_is_still_to_be_read(tmp_path):
    (tmp_path / "a.JPG").write_bytes(b"nothing")
    assert is_image(tmp_path / "a.JPG")
    assert is_image(tmp_path / "none")


def test_photographs_come_first_in_the_table(tmp_path):
    names = ["a.gif", "a", "a.png", "a.JPG", "a.webp"]
    ordered = sorted((tmp_path / name for name in names), key=in_order)
    assert [path.name for path in ordered] == ["a.JPG", "a.png", "a.webp", "a.gif", "a"]
    every = [suffix for known in FORMATS for suffix in known.suffixes]
    assert len(set(every)) == len(every)


def test_what_is_left_out_is_one_sentence():
    assert left_out([], "an image", "images") == []
    (sentence,) = left_out(["d\n", "c", "b", "a"], "an image", "images")
    assert sentence == "left out 4 files that are not images: a, b, c, ..."
