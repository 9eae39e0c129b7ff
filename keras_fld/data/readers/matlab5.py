"""A safe reader of MATLAB 5 files, for arrays of numbers and cell arrays of text.

scipy's reader crashes on some damaged files. This one is plain Python and checks every length. The
format is described in MATLAB's "MAT-File Format": a header of 128 bytes, then elements, which have
a type, a number of bytes, and data padded to 8 bytes. Elements may be compressed.
"""

import math
import struct
import zlib

import numpy as np

from keras_fld._internal.files import FileError, reason

_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8"}
_NUMBERS |= {12: "i8", 13: "u8"}
_TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_MATRIX, _COMPRESSED = 14, 15
_CELL, _CHARACTERS, _NUMERIC = 1, 4, range(6, 16)
# Largest array in bytes that is read; compressed data can expand to any size.
LARGEST = 2**28


def load(path, names):
    """Reads variables of a MATLAB 5 file.

    Args:
        path: the file.
        names: names of the variables.

    Returns:
        A dictionary of arrays in MATLAB's order. A cell array is an array of objects, with text as
        `str`.

    Raises:
        ValueError: the file is damaged or of another version, or a variable is missing.

    Examples:
        >>> load(Path("AFLWinfo_release.mat"), ("data",))["data"].shape
        (24386, 38)
    """
    try:
        content = path.read_bytes()
        found = _variables(content, names)
    except OSError as error:
        raise FileError(path, reason(error)) from error
    except (ValueError, struct.error, zlib.error) as error:
        raise FileError(path, f"not a readable MATLAB 5 file ({error})") from error
    for name in names:
        if name not in found:
            raise FileError(path, f"the variable {name} is missing")
    return found


def _variables(content, names):
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
    if order is None or struct.unpack_from(f"{order}H", content, 124)[0] != 0x0100:
        raise ValueError("the header is not that of version 5")
    found = {}
    for kind, data in _elements(memoryview(content)[128:], order):
        if kind == _COMPRESSED:
            stream = zlib.decompressobj()
            data = stream.decompress(data, LARGEST)
            if not stream.eof:
                raise ValueError("a compressed variable is truncated or too large")
            kind, data = next(_elements(memoryview(data), order), (None, b""))
        if kind == _MATRIX:
            name, values = _matrix(data, order, names)
            if name in names:
                found[name] = values
    return found


def _elements(data, order):
    """Yields the (type, data) of each element in a sequence."""
    place = 0
    while place < len(data):
        kind, size = struct.unpack_from(f"{order}II", data, place)
        start, padded = place + 8, True
        if kind >> 16:  # a small element has type and size in one word, and data in the next
            kind, size, start, padded = kind & 0xFFFF, kind >> 16, place + 4, False
            if size > 4:
                raise ValueError("a small element must have at most 4 bytes")
        if start + size > len(data):
            raise ValueError(f"it ends {start + size - len(data)} bytes too early")
        yield kind, data[start : start + size]
        place = start + size
        if not padded:
            place = start + 4
        elif kind != _COMPRESSED:
            place += -size % 8


def _matrix(data, order, names=None):
    """Returns name and values of a matrix; values are None if the name is not requested."""
    if not len(data):
        return "", np.empty((0, 0))
    parts = _elements(data, order)

    def part():
        kind, content = next(parts, (None, b""))
        return kind, bytes(content)

    kind = struct.unpack_from(f"{order}I", part()[1])[0] & 0xFF
    dimensions = np.frombuffer(part()[1], f"{order}i4").tolist()
    name = part()[1].decode("latin-1")
    if names is not None and name not in names:
        return name, None
    if len(dimensions) != 2 or min(dimensions) < 0:
        raise ValueError(f"{name or 'a cell'} must be a table. Got: dimensions {dimensions}")
    count = math.prod(dimensions)
    if kind == _CELL and names is not None:  # cells within cells are not supported
        cells = [_matrix(content, order)[1] for kind, content in parts if kind == _MATRIX]
        values = np.empty(len(cells), object)
        values[:] = cells
    elif kind == _CHARACTERS:
        stored, content = part()
        encoding = _TEXTS.get(stored)
        if encoding is None:
            raise ValueError(f"{name or 'a cell'} contains characters of an unknown type")
        wide = encoding in ("utf-16", "utf-32")
        text = content.decode(encoding + {"<": "-le", ">": "-be"}[order] * wide)
        if dimensions[0] == 1 or not count:
            return name, text
        values = np.array(list(text), object)
    elif kind in _NUMERIC:
        stored, content = part()
        if stored not in _NUMBERS:
            raise ValueError(f"{name or 'a cell'} contains numbers of an unknown type")
        values = np.frombuffer(content, order + _NUMBERS[stored])
    else:
        raise ValueError(f"{name or 'a cell'} has an unsupported type")
    if len(values) != count:
        raise ValueError(f"{name or 'a cell'} must have {count} values. Got: {len(values)}")
    return name, values.reshape(dimensions, order="F")


def strings(cells):
    """Returns the text of a cell array, or the rows of a table of characters.

    Raises:
        ValueError: a cell is not text.
    """
    if isinstance(cells, str):
        return [cells.strip()]
    for cell in cells.ravel():
        if not isinstance(cell, str):
            raise ValueError(f"a cell must be a text. Got: {type(cell).__name__}")
    if all(len(cell) == 1 for cell in cells.ravel()):
        return ["".join(row).strip() for row in cells]
    return [cell.strip() for cell in cells.ravel()]
