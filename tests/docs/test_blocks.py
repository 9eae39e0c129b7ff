"""The code of documents and notebooks compiles and names what exists; that of the guides runs."""

import ast
import json
import pkgutil
import re
import shutil

import cv2
import numpy as np
import pytest

import keras_fld
from tests.docs.documents import DOCUMENTS, ROOT, name, python_blocks

TEXTS = {name(document): document.read_text("utf-8") for document in DOCUMENTS}
BLOCKS = [(document, block) for document, text in TEXTS.items() for block in python_blocks(text)]
CELLS = [
    (path.stem, "".join(cell["source"]))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
    for cell in json.loads(path.read_text("utf-8"))["cells"]
    if cell["cell_type"] == "code"
]


def missing(block):
    """The names that a block takes from keras_fld and that it lacks."""
    names = []
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute):
            names.append(re.sub(r"^fld\.", "keras_fld.", ast.unparse(node)))
    names = [name for name in names if re.fullmatch(r"keras_fld(\.\w+)+", name)]
    return [name for name in dict.fromkeys(names) if not exists(name)]


def exists(name):
    try:
        pkgutil.resolve_name(name)
    except (AttributeError, ImportError):
        return False
    return True


@pytest.mark.parametrize(("document", "block"), BLOCKS + CELLS)
def test_every_name_of_a_block_exists(document, block):
    assert missing(block) == []


def test_a_name_that_does_not_exist_is_noticed():
    code = "import keras_fld as fld\nfld.loses.ENME(alpha=fld.losses.WING)"
    assert "keras_fld.loses.ENME" in missing(code) and "keras_fld.losses.WING" in missing(code)
    assert "keras_fld.losses" not in missing(code)
    assert missing("from keras_fld.analysis import head_pose, head_pise") == [
        "keras_fld.analysis.head_pise"
    ]


@pytest.fixture(scope="module")
def astronaut():
    return pytest.importorskip("skimage.data").astronaut()


@pytest.fixture
def scope(astronaut, tree, tmp_path, monkeypatch):
    """A folder with photographs, a video and face.tflite, and names that blocks begin with."""
    pytest.importorskip("tensorflow")
    monkeypatch.chdir(tmp_path)
    for photo in ("photo.jpg", "a.jpg", "b.jpg"):
        cv2.imwrite(photo, astronaut[..., ::-1])
    size = astronaut.shape[1::-1]
    video = cv2.VideoWriter("clip.mp4", cv2.VideoWriter_fourcc(*"mp4v"), 30, size)
    for _ in range(3):
        video.write(astronaut[..., ::-1])
    video.release()
    shutil.copy(keras_fld.zoo.lite_file("trnet20_300w"), "face.tflite")
    (face,) = keras_fld.FaceLandmarker("face.tflite").detect(astronaut)
    return {
        "fld": keras_fld,
        "cv2": cv2,
        "root": tree,
        "image": astronaut,
        "box": face.box,
        "landmarks": face.landmarks,
        "usual": face.landmarks,
        "points_from_1": np.ones((68, 2)),
        "interpreter": Integers(),
        "frames": [(index / 30, astronaut) for index in range(3)],
    }


class Integers:
    """An interpreter with an output of integers."""

    def get_output_details(self):
        return [{"index": 3, "quantization": (0.25, -128)}]

    def get_tensor(self, index):
        return np.full((1, 68, 2), -120, np.int8)


def quick(block):
    """A block with less training."""
    block = block.replace("epochs=60", "epochs=1, verbose=0")
    block = block.replace('load("synthetic",', 'load("synthetic", count=16,')
    return block.replace("fld.refine(model, train", "fld.refine(model, train, rounds=1, verbose=0")


# Documents whose blocks run, each from its first to its last.
RUN = sorted({document for document, _ in BLOCKS if document.startswith(("README", "docs/"))})


@pytest.mark.parametrize("document", RUN)
def test_the_blocks_of_a_document_run_one_after_the_other(eagerly, document, scope):
    started = dict(scope)
    # docs/index.md begins as the README does.
    known = {block for of, block in BLOCKS if of == "README.md" != document}
    for block in (block for of, block in BLOCKS if of == document and block not in known):
        # What one block calls `landmarks` or `face` is not what another begins with.
        scope.update({name: started[name] for name in ("landmarks", "box", "image")})
        exec(compile(quick(block), document, "exec"), scope)


def test_the_landmarks_of_the_first_blocks_are_those_of_the_face(scope):
    truth, (_, _, width, _) = scope["landmarks"], scope["box"]
    blocks = [block for document, block in BLOCKS if document == "README.md"]
    block = next(block for block in blocks if "from_preset" in block)
    exec(block, scope)
    found = scope["faces"][0].landmarks
    assert np.linalg.norm(found - truth, axis=1).mean() < 0.05 * width
