import codecs

import pytest

from keras_fld._internal.text import decode, read_text

TEXT = "müller; é, 1,5\r\nend\n"


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("utf-32-le", codecs.BOM_UTF32_LE),
        ("utf-32-be", codecs.BOM_UTF32_BE),
        ("latin-1", b""),
    ],
)
def test_text_comes_back_from_every_encoding(tmp_path, encoding, mark):
    (tmp_path / "a.txt").write_bytes(mark + TEXT.encode(encoding))
    assert read_text(tmp_path / "a.txt") == TEXT


def test_every_byte_but_zero_is_some_character():
    assert decode(b"\x80 \x81") == "\x80 \x81" and decode(b"\x80") == "\u20ac"
    assert decode(b"") == ""


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"\x89PNG\0\0", "must be plain text. Got: bytes of zero"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "must be plain text"),
        (b"\xff\xfea", "begins as UTF-16-LE, but is damaged at byte 0"),
        (b"\xef\xbb\xbf\xff", "begins as UTF-8, but is damaged at byte 0"),
    ],
)
def test_what_is_no_text_is_named(tmp_path, content, rule):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(ValueError, match=f"a.txt: .*{rule}"):
        read_text(tmp_path / "a.txt")
    with pytest.raises(ValueError, match="none.txt: No such file"):
        read_text(tmp_path / "none.txt")
