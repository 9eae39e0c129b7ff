"""Files of face scores: metadata, output, and refused files."""

import numpy as np
import pytest

from keras_fld import FaceLandmarker, models, zoo
from keras_fld.lite import convert
from keras_fld.lite.metadata import write
from keras_fld.predict import metadata
from keras_fld.predict.lite_model import LiteModel, ScoreModel
from tests.lite.conftest import sane


@pytest.fixture(scope="module")
def network():
    import keras

    keras.utils.set_random_seed(0)
    return sane(models.FaceScore(32, margin=1.2))


@pytest.fixture(scope="module")
def score_crops():
    rng = np.random.default_rng(0)
    soft = rng.integers(0, 256, (40, 4, 4, 3)).repeat(8, axis=1).repeat(8, axis=2)
    return (soft * rng.uniform(0.3, 1, (40, 1, 1, 1))).astype(np.uint8)


@pytest.fixture(scope="module")
def score_files(network, score_crops, tmp_path_factory):
    folder = tmp_path_factory.mktemp("score")
    for mode in ("float32", "int8"):
        convert(network, folder / f"{mode}.tflite", mode, score_crops, "face_score")
    return folder


@pytest.mark.parametrize(("mode", "limit"), [("float32", 1e-4), ("int8", 0.1)])
def test_a_file_scores_as_the_network_does(network, score_files, score_crops, mode, limit):
    model = ScoreModel(score_files / f"{mode}.tflite")
    scores, expected = model.predict(score_crops), network.predict(score_crops, verbose=0).ravel()
    assert scores.shape == (40,) and scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 1)).all() and np.ptp(expected) > 0.05
    assert np.abs(scores - expected).max() < limit
    assert model.frame == models.frame_of(network)
    assert model.predict(score_crops[:0]).shape == (0,)


def test_a_file_says_that_it_is_a_face_score(score_files):
    about = metadata.read(score_files / "int8.tflite")
    assert about["kind"] == "face_score" and about["scheme"] is None
    assert about["input"]["size"] == 32 and about["input"]["margin"] == 1.2
    assert about["input"]["dtype"] == "uint8" and about["output"]["dtype"] == "float32"
    assert "mean_shape" not in about and "how surely" in about["output"]["meaning"]
    from ai_edge_litert.interpreter import Interpreter

    signatures = Interpreter(str(score_files / "int8.tflite")).get_signature_list()
    assert signatures == {"serving_default": {"inputs": ["image"], "outputs": ["score"]}}


def test_files_of_the_other_kind_are_refused(score_files):
    path, preset = score_files / "int8.tflite", zoo.lite_file("trnet20_300w")
    with pytest.raises(ValueError, match="int8.tflite: must be a landmark model. Got: a face-sc"):
        LiteModel(path)
    with pytest.raises(ValueError, match="int8.tflite: must be a face-score file. Got: a landmark"):
        ScoreModel(preset)
    with pytest.raises(ValueError, match="must be a face-score file. Got: a landmark model"):
        FaceLandmarker(preset, score=preset)


def test_a_file_of_an_unknown_kind_is_refused(score_files, tmp_path):
    content = (score_files / "float32.tflite").read_bytes()
    about = metadata.read(content) | {"kind": ["odd"]}
    changed = write(content.replace(b"keras_fld", b"another_x"), about)
    (tmp_path / "odd.tflite").write_bytes(changed)
    with pytest.raises(ValueError, match=r"odd.tflite: must be a face-score file. Got: \['odd'\]"):
        ScoreModel(tmp_path / "odd.tflite")


def test_missing_and_damaged_files_are_named(score_files, tmp_path):
    with pytest.raises(ValueError, match="none.tflite: No such file"):
        ScoreModel(tmp_path / "none.tflite")
    content = (score_files / "int8.tflite").read_bytes()
    for name, data in (("text", b"not a model"), ("empty", b""), ("half", content[:3000])):
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(data)
        with pytest.raises(ValueError, match=f"{name}.tflite: "):
            ScoreModel(path)
