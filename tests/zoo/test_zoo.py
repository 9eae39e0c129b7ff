"""Shipped models: they would fail here if weights, preprocessing or landmark order were wrong."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import keras_fld
from keras_fld import models, zoo
from keras_fld._internal.files import read_json, sha256
from keras_fld.data import synthetic
from keras_fld.geometry.frame import landmark_box, transform
from keras_fld.predict import landmarker, predictor
from keras_fld.schemes import IBUG68
from tests.docs import tables
from tests.docs.costs import preset_figures
from tests.docs.runs import load_runs
from tests.zoo import zoo_reference


def test_an_unknown_preset_is_refused_by_name():
    with pytest.raises(ValueError, match="preset must be one of .*Got: 'nothing'"):
        zoo.keras_file("nothing")
    with pytest.raises(ValueError, match="preset must be one of .*Got: 'nothing'"):
        landmarker.FaceLandmarker.from_preset("nothing")


def test_the_list_of_presets_is_that_of_the_files():
    assert zoo.names() == sorted(path.stem for path in zoo.score_file().parent.glob("*.keras"))
    with pytest.raises(ValueError, match="preset must be one of .*Got: 'nothing'"):
        zoo.about("nothing")


@pytest.mark.parametrize("name", zoo.names())
def test_a_preset_has_the_license_of_its_card_and_the_face_score_with_its_terms(name):
    preset = zoo.about(name)
    card = zoo.keras_file(name).with_suffix(".md").read_text("utf-8")
    research = preset.license == "LicenseRef-300W-Weights"
    assert ("[for research](LICENSE-300W.md)" in card) == research
    assert ("| license | CC-BY-4.0" in card) == (preset.license == "CC-BY-4.0") == (not research)
    # Weights that are free of a dataset's terms must not bring the score's with them.
    assert preset.face_score == research == predictor.scored_by_default(name)


@pytest.mark.parametrize("name", zoo.names())
def test_every_preset_has_its_files_and_is_small(name):
    folder = zoo.keras_file(name).parent
    assert (folder / f"{name}.md").is_file()
    assert zoo.keras_file(name).stat().st_size < 5e6
    # TRNet-20's may have 900 KiB. The looks at the landmarks add 26 KiB of floats, and the fast
    # network has more filters in its last stages.
    limit = {"trnet20_300w": 930, "trnet20_free": 930, "trnet20_300w_fast": 1200}.get(name, 900)
    assert zoo.lite_file(name).stat().st_size <= limit * 1024
    assert sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) < 10e6


@pytest.mark.parametrize("name", zoo.names())
def test_a_preset_finds_the_landmarks_of_a_photograph(name):
    """A public-domain portrait, against landmarks read off it by eye."""
    data = pytest.importorskip("skimage.data")
    image = data.astronaut()
    faces = landmarker.FaceLandmarker.from_preset(name).detect(image)
    assert len(faces) == 1 and faces[0].scheme is IBUG68
    points = faces[0].landmarks
    # Left and right eye as one sees them, nose tip, chin.
    for indices, expected in (
        (range(36, 42), (201, 108)),
        (range(42, 48), (244, 107)),
        ([30], (223, 131)),
        ([8], (227, 185)),
    ):
        assert np.linalg.norm(points[list(indices)].mean(axis=0) - expected) < 12


@pytest.mark.parametrize("name", zoo.names())
def test_keras_and_int8_agree_on_drawn_faces(name):
    model = keras_fld.load_model(name)
    lite = landmarker.FaceLandmarker.from_preset(name)
    assert models.frame_of(model) == lite.frame
    errors, rounding = [], []
    for index in range(10):
        face = synthetic.draw(index)
        box = landmark_box(face.landmarks)
        found = lite.detect(face.image, boxes=[box])[0].landmarks
        crop = lite.frame.crop(face.image, box)
        exact = model.predict(crop[None], verbose=0)[0]
        off = transform(found, lite.frame.matrix(box)) - exact
        rounding.append(np.sqrt((off**2).mean()))
        errors.append(
            np.linalg.norm(found - face.landmarks, axis=-1).mean()
            / IBUG68.distance(face.landmarks, "inter_pupil")
        )
    # One face is hard for networks of 128 pixels: it may part by as much of the side as with 64.
    *others, hardest = sorted(rounding)
    assert max(others) < 0.3 and hardest < 0.3 / 64 * lite.frame.size
    assert np.mean(errors) < 0.25


@pytest.mark.parametrize("name", zoo.names())
def test_a_shipped_file_runs_in_one_partition_of_xnnpack(name):
    interpreter = Interpreter(str(zoo.lite_file(name)))
    interpreter.allocate_tensors()
    names = [op["op_name"] for op in interpreter._get_ops_details()]
    assert names.count("DELEGATE") == 1 and names[0] == "QUANTIZE"
    assert names.count("QUANTIZE") == 1, "camera bytes go in, nothing goes back to integers"
    (partition,) = [op for op in interpreter._get_ops_details() if op["op_name"] == "DELEGATE"]
    assert partition["outputs"].tolist() == [interpreter.get_output_details()[0]["index"]]
    network = {"CONV_2D", "ADD", "MAX_POOL_2D", "MEAN", "FULLY_CONNECTED", "DEQUANTIZE"}
    network |= {"RESHAPE", "TRANSPOSE", "STRIDED_SLICE", "CONCATENATION"}
    # What reads feature maps at the landmarks.
    network |= {"ABS", "BATCH_MATMUL", "MINIMUM", "MUL", "RELU", "SUB", "SUM"}
    assert set(names) <= network | {"DELEGATE", "QUANTIZE"}


def test_published_figures_are_those_of_the_runs():
    pytest.importorskip("tensorflow")  # counts the networks' parameters
    found = preset_figures(load_runs())
    assert read_json(tables.FIGURES) == found, "make tables writes them"


@pytest.mark.parametrize("name", zoo.names())
def test_the_published_figures_are_of_the_shipped_file(name):
    published = zoo.figures(name)
    int8 = published["files"]["int8"]
    assert int8["sha256"] == sha256(zoo.lite_file(name))
    assert int8["nme"]["common"] == pytest.approx(published["keras"]["common"], abs=0.03)


@pytest.mark.parametrize("name", zoo.names())
def test_landmarks_are_those_of_the_file_that_was_judged(name):
    """Color order, margin, pixel centers, landmark order: each would move them by more."""
    pytest.importorskip("skimage.data")
    kept, found = zoo_reference.kept()[name], zoo_reference.measure(name)
    assert found["int8_sha256"] == kept["int8_sha256"], zoo_reference.__doc__
    assert found["drawn_nme"] == pytest.approx(kept["drawn_nme"], abs=0.01)
    off = np.linalg.norm(np.subtract(found["portrait"], kept["portrait"]), axis=-1)
    assert off.max() < 0.3
