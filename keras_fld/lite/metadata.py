"""What a `.tflite` file says about itself, as one JSON buffer in its metadata table.

An app that has the file needs nothing else: which crop to cut, and what the landmarks are.
"""

import json
import struct

import flatbuffers.number_types
import flatbuffers.table

NAME = "keras_fld"

# Field numbers of tflite's schema.fbs: Model.buffers, Model.metadata, Metadata.name,
# Metadata.buffer, Buffer.data.
_MODEL_BUFFERS, _MODEL_METADATA, _METADATA_NAME, _METADATA_BUFFER, _BUFFER_DATA = 4, 6, 0, 1, 0


def write(content, metadata):
    """Adds the metadata to a TFLite model.

    Args:
        content: bytes of the model.
        metadata: a JSON-serialisable dictionary.

    Returns:
        bytes of the model with it.
    """
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = json.dumps(metadata).encode()
    model.buffers.append(buffer)
    entry.name, entry.buffer = NAME, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def read(content):
    """Reads the metadata of a TFLite model, without TensorFlow.

    Args:
        content: bytes of the model.

    Returns:
        The dictionary, or None when the model has none of this package.

    Raises:
        ValueError: the bytes are not a TFLite model, or the metadata is damaged.
    """
    if content[4:8] != b"TFL3":
        raise ValueError("not a TFLite model (identifier TFL3 missing)")
    try:
        root = flatbuffers.table.Table(content, struct.unpack_from("<I", content)[0])
        for entry in _tables(root, _MODEL_METADATA):
            if _bytes(entry, _METADATA_NAME) == NAME.encode():
                offset = entry.Offset(4 + 2 * _METADATA_BUFFER)
                index = (
                    entry.Get(flatbuffers.number_types.Uint32Flags, entry.Pos + offset)
                    if offset
                    else 0
                )
                return json.loads(_bytes(_tables(root, _MODEL_BUFFERS)[index], _BUFFER_DATA))
    except (struct.error, IndexError, TypeError, ValueError) as error:
        raise ValueError(f"the TFLite model is damaged ({error})") from error
    return None


def _tables(parent, field):
    """The tables of a vector field."""
    offset = parent.Offset(4 + 2 * field)
    if not offset:
        return []
    start = parent.Vector(offset)
    return [
        flatbuffers.table.Table(parent.Bytes, parent.Indirect(start + 4 * i))
        for i in range(parent.VectorLen(offset))
    ]


def _bytes(parent, field):
    """The bytes of a string or byte-vector field."""
    offset = parent.Offset(4 + 2 * field)
    if not offset:
        return b""
    start = parent.Vector(offset)
    return bytes(parent.Bytes[start : start + parent.VectorLen(offset)])
