"""The examples of all docstrings run and print what they say.

An example without a printed result only has to run. Examples use the names and files of `scope` and
`folder`, and the names of their module.
"""

import ast
import doctest
import importlib
import shutil
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

import keras_fld
from keras_fld import data, models, predict, schemes
from keras_fld._internal import images
from keras_fld.analysis import pose
from keras_fld.baselines import opening, sdm
from keras_fld.data import feed, pipeline
from keras_fld.data.crops import model_crops, training_crops
from keras_fld.data.prepared import writing
from keras_fld.evaluation import worst
from keras_fld.models import saving
from keras_fld.predict import inputs, media, metadata
from keras_fld.reports import run_folder
from keras_fld.schemes import registry
from tests.data import released
from tests.docs.documents import ROOT

PACKAGE = ROOT / "keras_fld"

# Examples that cannot run in a test, with the reason.
OUTLINE = "shows the form only: the names are the caller's"
RELEASE = "needs the released files"
LONG = "trains or measures for long; the tests of its module run it"
NOT_RUN = {
    "_internal.extras.explained": "needs an environment without h5py",
    "_internal.interrupts.unbroken": OUTLINE,
    "_internal.pool.Pool": OUTLINE,
    "_internal.processor.instruction_set": "depends on the processor",
    "_internal.threads.in_threads": OUTLINE,
    "_internal.threads._OneOpenCVThread": OUTLINE,
    "baselines.ert.ERT": "needs dlib, and trains for long",
    "baselines.ert.train_ert": "needs dlib, and trains for long",
    "data.readers.aflw.read": RELEASE,
    "data.readers.cofw.read": RELEASE,
    "data.readers.london.read": RELEASE,
    "data.readers.matlab5.load": RELEASE,
    "data.readers.mtfl.read": RELEASE,
    "data.readers.wflw.read": RELEASE,
    "data.synthetic.recast.recast": RELEASE,
    "face_score.samples.Samples": OUTLINE,
    "face_score.scenes.non_face": OUTLINE,
    "face_score.training.train": LONG,
    "lite.conversion.convert": LONG,
    "lite.exporting.export": LONG,
    "lite.tfmot.compress.compress": LONG,
    "lite.tfmot.qat.qat": LONG,
    "lite.tfmot.report.compare_files": LONG,
    "lite.tfmot.to_tf_keras.to_tf_keras": LONG,
    "models.refined.refine": LONG,
    "predict.described_file.DescribedFile": "needs a file of another tool",
    "predict.detectors.yunet.YuNetDetector": "needs YuNet's file",
    "predict.media.camera.Camera": "needs a camera",
    "reports.run_page.page": LONG,
    "reproduce.steps.Errors": OUTLINE,
    "training.bad_batch.StopAtBadBatch": OUTLINE,
    "training.checkpoints.Checkpoint": LONG,
    "training.checkpoints.restore": OUTLINE,
    "training.checkpoints.restore_newest": OUTLINE,
    "training.distributed.join": LONG,
    "training.pseudo_labels.relabel": RELEASE,
    "training.run.train": LONG,
    "web.server.make_server": "serves until it is stopped",
}


def names_of(tree, prefix=""):
    """Yields the name and the docstring of each function and class with an example."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            text = ast.get_docstring(node)
            if text and ">>>" in text:
                yield prefix + node.name, text
            if isinstance(node, ast.ClassDef):
                yield from names_of(node, f"{prefix}{node.name}.")


def examples():
    """Yields the module, the name and the docstring of every example in the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for name, text in names_of(ast.parse(path.read_text("utf-8"))):
            yield module, name, text


EXAMPLES = {
    f"{module}.{name}".removeprefix("keras_fld."): (module, text)
    for module, name, text in examples()
}


class Printed(doctest.OutputChecker):
    """Compares what an example prints; without an expected result, anything is right."""

    def check_output(self, want, got, optionflags):
        return not want or super().check_output(want, got, optionflags)


def run(name, scope):
    """Runs an example; returns the report of its failures, which is empty if there are none."""
    module, text = EXAMPLES[name]
    if "landmarker" in scope:
        scope["tracker"] = keras_fld.FaceTracker(scope["landmarker"])
    names = {**scope, **vars(importlib.import_module(module))}
    test = doctest.DocTestParser().get_doctest(text, names, name, None, 0)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
    report = []
    doctest.DocTestRunner(Printed(), verbose=False, optionflags=flags).run(test, out=report.append)
    return "".join(report)


@pytest.fixture(scope="module")
def folder(tree, tmp_path_factory):
    """The files that examples name."""
    folder = tmp_path_factory.mktemp("examples")
    astronaut = pytest.importorskip("skimage.data").astronaut()
    for photo in ("photo.jpg", "a.jpg", "b.jpg", "photos/a.jpg"):
        (folder / photo).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / photo), astronaut[..., ::-1])
    (folder / "photos" / "notes.txt").write_text("")
    size = astronaut.shape[1::-1]
    video = cv2.VideoWriter(str(folder / "clip.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 30, size)
    for _ in range(3):
        video.write(astronaut[..., ::-1])
    video.release()
    shutil.copytree(tree, folder / "300w")
    lite = folder / "face.tflite"
    keras_fld.lite.convert(small_model(), lite, "float32")
    for name in ("int8.tflite", "float32.tflite", "model_float32.tflite"):
        shutil.copy(lite, folder / name)
    (folder / "face.json").write_text(described())
    finished = ROOT / "results" / "300w_trnet20_enme"
    (folder / "run").mkdir()
    for name in ("recipe.json", "log.csv"):
        shutil.copy(finished / name, folder / "run" / name)
    shutil.copy(finished / "model" / "evaluation.json", folder / "run" / "evaluation.json")
    for name in ("plain", "refined"):
        (folder / name).mkdir()
        shutil.copy(folder / "run" / "evaluation.json", folder / name)
    saving.save(small_model(), folder / "run" / "model.keras")
    shutil.copy(folder / "run" / "model.keras", folder / "model.keras")
    released.write_own(folder / "faces", kind="csv")
    released.write_coco(folder / "faces")
    (folder / "labelme").mkdir()
    released.write_labelme(folder / "labelme")
    small = model_crops(data.read("300w", folder / "300w", "common"), data.FaceCrop())
    sdm.train_sdm(small, radii=(8,), starts=1).save(folder / "sdm.npz")
    train = data.read("300w", folder / "300w", "train")
    writing.prepare("300w", [writing.Part("train", train, wide=True)], folder / "300w_prepared")
    return folder


def described():
    """The description that the module `predict.description` shows."""
    text = importlib.import_module("keras_fld.predict.description").__doc__
    return text[text.index("{") : text.rindex("}") + 1]


def small_model():
    model = models.TRNet20(68, width=0.25)
    # Eagerly, because compiling takes longer than the few steps of an example.
    model.compile("adamw", loss=keras_fld.losses.ENME(), run_eagerly=True)
    return model


@pytest.fixture(scope="module")
def scope(folder):
    """The names that examples begin with."""
    faces = data.read("300w", folder / "300w", "train")
    cut = model_crops(faces, data.FaceCrop())
    crops, crop_landmarks = cut.images[:10], cut.landmarks[0]
    image = images.read_image(folder / "photo.jpg")
    landmarker = keras_fld.FaceLandmarker(folder / "face.tflite")
    (face,) = landmarker.detect(image)
    points = np.stack([face.landmarks] * 2)
    plain = data.load("300w", folder / "300w", "common", augment=False)
    return {
        "AFLW19": schemes.AFLW19,
        "COFW29": schemes.COFW29,
        "IBUG68": schemes.IBUG68,
        "Source": inputs.Source,
        "TRNet20": models.TRNet20,
        "VideoFile": media.VideoFile,
        "data": plain,
        "feed": feed,
        "gallery": worst.gallery,
        "frame": image,
        "frames": [(index / 30, image) for index in range(3)],
        "head_pose": pose.head_pose,
        "landmarks": face.landmarks,
        "metadata": metadata,
        "model_crops": model_crops,
        "open_baseline": opening.open_baseline,
        "open_model": predict.open_model,
        "plain": plain,
        "read_run": run_folder.read_run,
        "save_image": images.save_image,
        "scene": image,
        "scenes": [image],
        "sources": inputs.sources,
        "training_batches": feed.training_batches,
        "training_crops": training_crops,
        "training_dataset": pipeline.training_dataset,
        "truth": crop_landmarks,
        "Path": Path,
        "keras": keras,
        "keras_fld": keras_fld,
        "np": np,
        "FaceCrop": data.FaceCrop,
        "read": data.read,
        "root": "300w",
        "model": small_model(),
        "loss": keras_fld.losses.ENME(),
        "faces": faces,
        "crops": crops,
        "crop": crops[0],
        "image": image,
        "landmarker": landmarker,
        "face": face,
        "y_true": points,
        "y_pred": points + 1,
    }


@pytest.fixture
def in_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)


def test_what_is_not_run_exists():
    assert set(NOT_RUN) <= set(EXAMPLES) and len(EXAMPLES) > 4 * len(NOT_RUN)


def test_a_wrong_example_is_noticed(monkeypatch):
    for text in ("    >>> 1 + 1\n    3\n", "    >>> missing()\n"):
        monkeypatch.setitem(EXAMPLES, "wrong", ("keras_fld", text))
        assert "Failed example" in run("wrong", {})
    monkeypatch.setitem(EXAMPLES, "right", ("keras_fld", "    >>> 1 + 1\n    2\n    >>> 3\n"))
    assert run("right", {}) == ""


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - set(NOT_RUN)))
def test_an_example_runs_and_prints_what_it_says(name, scope, in_folder, monkeypatch):
    monkeypatch.setattr(registry, "_OTHERS", dict(registry._OTHERS))  # some register a scheme
    assert run(name, dict(scope)) == ""
