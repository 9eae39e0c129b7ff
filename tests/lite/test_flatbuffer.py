import subprocess
import sys

import pytest

from keras_fld import zoo
from keras_fld.lite import flatbuffer
from keras_fld.predict import metadata

FILES = {
    **{name: zoo.lite_file(name).read_bytes() for name in zoo.names()},
    "face_score": zoo.score_file().read_bytes(),
}


@pytest.mark.parametrize("name", FILES)
def test_reading_and_writing_keep_every_byte(name):
    model, _ = flatbuffer._open(FILES[name])
    assert flatbuffer._bytes(model) == FILES[name]
    changed = flatbuffer.add_buffer(FILES[name], "other", b"text")
    assert changed != FILES[name] and metadata.read(changed) == metadata.read(FILES[name])


def test_files_are_read_and_written_without_tensorflow():
    code = (
        "import sys\n"
        "from keras_fld import zoo\n"
        "from keras_fld.lite import flatbuffer\n"
        "content = zoo.score_file().read_bytes()\n"
        "assert flatbuffer.tidy(content, 'score') == content\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_sum_of_the_graph_is_of_what_computes():
    content = FILES["trnet20_300w"]
    sums = [flatbuffer.graph_sha256(x) for x in FILES.values()]
    assert len(set(sums)) == len(FILES)
    for same in (
        flatbuffer.add_buffer(content, "other", b"text"),
        flatbuffer.tidy(content, "points"),
        content.replace(b"serving_default", b"serving_another"),
    ):
        assert same != content
        assert flatbuffer.graph_sha256(same) == sums[0]


@pytest.mark.parametrize("part", ["weight", "scale", "operation"])
def test_the_sum_changes_with_any_part_of_the_graph(part):
    content = FILES["trnet20_300w"]
    model, graph = flatbuffer._open(content)
    tensor = next(t for t in graph.tensors if model.buffers[t.buffer].data is not None)
    if part == "weight":
        data = bytes(model.buffers[tensor.buffer].data)
        model.buffers[tensor.buffer].data = bytes([data[0] ^ 1]) + data[1:]
    elif part == "scale":
        scaled = next(t for t in graph.tensors if t.quantization.scale is not None)
        scaled.quantization.scale = scaled.quantization.scale * 1.001
    else:
        graph.operators.pop()
    assert flatbuffer.graph_sha256(flatbuffer._bytes(model)) != flatbuffer.graph_sha256(content)
