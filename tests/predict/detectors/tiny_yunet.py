"""A stand-in for YuNet: an ONNX file with YuNet's outputs that always detects the same face.

Wire format: protobuf; field numbers are those of onnx.proto.
"""

import numpy as np

SIDE = 64  # side of the only supported input


def _varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _number(field, value):
    return _varint(field << 3) + _varint(value)


def _bytes(field, value):
    value = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _tensor(name, array):
    kind = {"float32": 1, "int64": 7}[array.dtype.name]
    dims = b"".join(_number(1, side) for side in array.shape)
    return dims + _number(2, kind) + _bytes(8, name) + _bytes(9, array.tobytes())


def _node(kind, inputs, output):
    names = b"".join(_bytes(1, name) for name in inputs)
    return names + _bytes(2, output) + _bytes(3, output) + _bytes(4, kind)


def _value(name, shape):
    dims = b"".join(_bytes(1, _number(1, side)) for side in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, dims)))


def write(path, points, names=("cls", "obj", "bbox", "kps")):
    """Writes the file.

    Args:
        path: the `.onnx` file.
        points: (5, 2) pixels of the face's points in a 64x64 image.
        names: names of the outputs.
    """
    graph = [_bytes(1, _node("GlobalAveragePool", ["input"], "mean"))]
    outputs, cell = [], 3 * (SIDE // 8) + 3  # the cell at (24, 24) of the stride of 8
    for stride in (8, 16, 32):
        cells = (SIDE // stride) ** 2
        for name, width in zip(names, (1, 1, 4, 10), strict=True):
            values = np.zeros((cells, width), np.float32)
            if stride == 8 and width == 10:
                values[cell] = (np.asarray(points) / 8 - 3).ravel()
            elif stride == 8 and width == 1:
                values[cell] = 1
            name = f"{name}_{stride}"
            weights = np.zeros((values.size, 3, 1, 1), np.float32)
            for tensor in (
                _tensor(f"{name}_w", weights),
                _tensor(f"{name}_b", values.ravel()),
                _tensor(f"{name}_s", np.array([1, cells, width], np.int64)),
            ):
                graph.append(_bytes(5, tensor))
            conv = _node("Conv", ["mean", f"{name}_w", f"{name}_b"], f"{name}_c")
            graph.append(_bytes(1, conv))
            graph.append(_bytes(1, _node("Reshape", [f"{name}_c", f"{name}_s"], name)))
            outputs.append(_bytes(12, _value(name, (1, cells, width))))
    graph += [_bytes(11, _value("input", (1, 3, SIDE, SIDE))), *outputs, _bytes(2, "tiny")]
    opset = _bytes(8, _number(2, 13))
    path.write_bytes(_number(1, 8) + _bytes(7, b"".join(graph)) + opset)
    return path
