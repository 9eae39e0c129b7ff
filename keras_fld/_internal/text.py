"""Text files as people's programs write them, in whatever encoding."""

import codecs
from pathlib import Path

from keras_fld._internal.files import FileError, reason

# The longer ones first: UTF-32's mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Windows' Western encoding, then Latin-1, which has a character for every byte.
_WESTERN = ("cp1252", "latin-1")


def read_text(path: str | Path) -> str:
    """Reads a text file; see `decode`.

    Raises:
        ValueError: the file cannot be read, or is no text.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise FileError(path, reason(error)) from error
    try:
        return decode(data)
    except ValueError as error:
        raise FileError(path, str(error)) from error


def decode(data: bytes) -> str:
    """The text of a file's bytes, with its line ends as they are.

    A byte-order mark decides. Without one it is UTF-8, or UTF-16 where every other byte is zero, as
    of text in Latin letters, or else Windows' Western encoding.

    Raises:
        ValueError: the bytes are no text.

    Examples:
        >>> decode(b"\\xff\\xfea\\x00")
        'a'
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], encoding)
    if b"\0" in data:
        encoding = "utf-16-be" if data[:1] == b"\0" else "utf-16-le"
        if len(data) % 2 or any(data[(encoding == "utf-16-le") : 2000 : 2]):
            raise ValueError(
                "the file must be plain text. Got: bytes of zero, as binary files have"
            )
        return _strictly(data, encoding)
    for encoding in ("utf-8", *_WESTERN):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise AssertionError("Latin-1 has a character for every byte")


def _strictly(data, encoding):
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        rule = f"the file begins as {encoding.upper()}, but is damaged at byte {error.start}"
        raise ValueError(rule) from error
