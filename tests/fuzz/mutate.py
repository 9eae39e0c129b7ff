"""Changing good files a little, by chance: what fuzzing does, without its search for new paths."""

# Numbers and texts that readers trip over.
_TOKENS = (
    b"\x00",
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\x00\x00\x00\x80",
    b"NaN",
    b"Infinity",
    b"-1",
    b"1e999",
    b"9" * 40,
    b"null",
    b"true",
    b"[]",
    b"{}",
    b'""',
    b'"..\\u0000"',
    b"../../a",
    b"\xe2\x80\xae",
    b"\n",
    b",",
)


def mutated(content, others, rng):
    """A changed copy.

    Args:
        content: bytes.
        others: contents that parts may be taken from.
        rng: a `numpy.random.Generator`.

    Returns:
        bytes.
    """
    data = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(0, len(data) + 1))
        many = int(rng.integers(1, 17))
        kind = rng.integers(0, 7)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1 and data:
            data[at % len(data)] = int(rng.integers(0, 256))
        elif kind == 2:
            data[at : at + many] = b""
        elif kind == 3:
            data[at:at] = data[at : at + many]
        elif kind == 4:
            data[at : at + many * int(rng.integers(0, 2))] = _TOKENS[rng.integers(len(_TOKENS))]
        elif kind == 5:
            other = others[rng.integers(len(others))]
            start = int(rng.integers(0, len(other) + 1))
            data[at:at] = other[start : start + many]
        else:
            del data[at:]
    return bytes(data)
