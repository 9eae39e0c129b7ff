"""Reads and writes TFRecord files of `tf.train.Example` messages without TensorFlow.

A record consists of its length (8 bytes, little-endian), a checksum of the length, the data, and a
checksum of the data. A checksum is a masked CRC-32C (4 bytes). The data is a protocol buffer

    Example { Features features = 1; }      Features { map<string, Feature> feature = 1; }
    Feature { BytesList = 1 | FloatList = 2 | Int64List = 3; }

as described in TensorFlow's `tfrecord.rst` and `example.proto`.
"""

import struct

import google_crc32c
import numpy as np

from keras_fld._internal.files import FileError

_HEADER = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")


def write_record(file, data):
    """Writes one record.

    Args:
        file: a binary file, or another object with `write`.
        data: bytes.
    """
    length = struct.pack("<Q", len(data))
    file.write(length + _CHECKSUM.pack(_masked_crc(length)))
    file.write(data)
    file.write(_CHECKSUM.pack(_masked_crc(data)))


def read_records(content, path):
    """Yields the data of every record, after verifying both checksums.

    Args:
        content: content of the file as bytes, or a memory map of it.
        path: path of the file, for error messages.

    Yields:
        A memoryview of each record's data.

    Raises:
        ValueError: the file is truncated or damaged.
    """
    view, at, number = memoryview(content), 0, 0
    while at < len(view):
        place = f"record {number} at byte {at}"
        if at + _HEADER.size > len(view):
            raise FileError(path, "the file is truncated", place)
        length, checksum = _HEADER.unpack_from(view, at)
        if checksum != _masked_crc(view[at : at + 8].tobytes()):
            raise FileError(path, "damaged: the checksum of its length is wrong", place)
        start = at + _HEADER.size
        at = start + length + _CHECKSUM.size
        if at > len(view):
            raise FileError(path, "the file is truncated", place)
        data = view[start : start + length]
        if _CHECKSUM.unpack_from(view, start + length)[0] != _masked_crc(data.tobytes()):
            raise FileError(path, "damaged: the checksum of its data is wrong", place)
        yield data
        number += 1


def encode_example(features):
    """Encodes a `tf.train.Example`.

    Args:
        features: dictionary from name to bytes, or to an array of floats or non-negative integers.

    Returns:
        bytes, which are the same for the same features in the same order.

    Examples:
        >>> encode_example({"a": b"x"}).hex()
        '0a0c0a0a0a016112050a030a0178'
    """
    entries = []
    for name, value in features.items():
        if isinstance(value, bytes):
            feature = _field(1, _field(1, value))
        elif np.asarray(value).dtype.kind == "f":
            feature = _field(2, _field(1, np.asarray(value, "<f4").tobytes()))
        else:
            numbers = b"".join(_varint(int(number)) for number in np.ravel(value))
            feature = _field(3, _field(1, numbers))
        entries.append(_field(1, _field(1, name.encode()) + _field(2, feature)))
    return _field(1, b"".join(entries))


def decode_example(data):
    """Decodes a `tf.train.Example`, the inverse of `encode_example`.

    Args:
        data: memoryview or bytes of the message.

    Returns:
        A dictionary from name to a memoryview of the data, a float32 array or an int64 array.

    Raises:
        ValueError: the data is not such a message.
    """
    try:
        return dict(_feature(entry) for _, part in _fields(data) for _, entry in _fields(part))
    except (IndexError, KeyError, UnicodeDecodeError) as error:
        raise ValueError("not a tf.train.Example of this package") from error


def _feature(entry):
    parts = dict(_fields(entry))
    name = bytes(parts[1]).decode()
    ((kind, values),) = dict(_fields(parts[2])).items() or [(0, b"")]
    values = [value for _, value in _fields(values)]
    if kind == 1 and len(values) == 1:
        return name, values[0]
    if kind == 2 and len(values) <= 1:
        return name, np.frombuffer(values[0] if values else b"", "<f4")
    if kind == 3 and len(values) <= 1:
        return name, np.array(list(_varints(values[0] if values else b"")), np.int64)
    raise ValueError(f"feature {name!r} must be one value or one packed list")


def _masked_crc(data):
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _varint(number):
    if number < 0:
        raise ValueError(f"an integer of a record must be at least 0. Got: {number}")
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(number, data):
    """A length-delimited field."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _fields(data):
    """Yields numbers and contents of a message's fields, which must all be length-delimited."""
    view, at = memoryview(data), 0
    while at < len(view):
        key, at = _read_varint(view, at)
        length, at = _read_varint(view, at)
        if key & 7 != 2 or at + length > len(view):
            raise ValueError("not a tf.train.Example of this package")
        yield key >> 3, view[at : at + length]
        at += length


def _varints(view):
    at = 0
    while at < len(view):
        number, at = _read_varint(view, at)
        yield number


def _read_varint(view, at):
    number = shift = 0
    while True:
        byte = view[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            break
        if shift > 56:  # more than nine groups of 7 bits do not fit in int64
            raise ValueError("an integer of a record must be below 2**63")
    return number, at
