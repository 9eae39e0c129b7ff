"""The smallest flatbuffer that says about itself what a converted model says."""

import json

import flatbuffers

# Field numbers of tflite's schema.fbs, as in `keras_fld.predict.metadata`.
_BUFFERS, _METADATA, _FIELDS = 4, 6, 8

ABOUT = {
    "version": "0.1.0",
    "mode": "int8",
    "input": {"size": 64, "margin": 1.1},
    "scheme": "ibug68",
}


def seeds():
    return [build(ABOUT), build(None)]


def build(about):
    """Bytes of a `.tflite` file with two buffers, and metadata unless `about` is None."""
    builder = flatbuffers.Builder()
    buffers = []
    for data in (b"", json.dumps(about).encode()):
        vector = builder.CreateByteVector(data)
        builder.StartObject(1)
        builder.PrependUOffsetTRelativeSlot(0, vector, 0)
        buffers.append(builder.EndObject())
    entries = []
    for name, buffer in (("min_runtime_version", 0), ("keras_fld", 1)):
        name = builder.CreateString(name)
        builder.StartObject(2)
        builder.PrependUOffsetTRelativeSlot(0, name, 0)
        builder.PrependUint32Slot(1, buffer, 0)
        entries.append(builder.EndObject())
    vectors = [_vector(builder, tables) for tables in (buffers, entries)]
    builder.StartObject(_FIELDS)
    builder.PrependUint32Slot(0, 3, 0)
    builder.PrependUOffsetTRelativeSlot(_BUFFERS, vectors[0], 0)
    if about is not None:
        builder.PrependUOffsetTRelativeSlot(_METADATA, vectors[1], 0)
    builder.Finish(builder.EndObject(), b"TFL3")
    return bytes(builder.Output())


def _vector(builder, tables):
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return builder.EndVector()
