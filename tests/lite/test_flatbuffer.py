import subprocess
import sys

import pytest

from keras_fld import zoo
from keras_fld.lite import flatbuffer
from keras_fld.predict import metadata

FILES = {
    **{name: zoo.lite_file(name).read_bytes() for name in zoo.names()},
    "int8_qat": zoo.qat_content("trnet20_300w"),
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
