"""A model with a custom scheme is fitted, saved, loaded, evaluated and used."""

import json

import numpy as np
import pytest

from keras_fld import FaceLandmarker, evaluation, models, schemes
from keras_fld.data import load, read
from keras_fld.drawing.faces import draw_landmarks
from keras_fld.losses import normalizers
from keras_fld.metrics import NME
from tests.cli.calls import run
from tests.data import released
from tests.eager import eager

pytest.importorskip("tensorflow")


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """An annotation file of five landmarks, and a saved model fitted to its faces."""
    folder = tmp_path_factory.mktemp("own_model")
    path = released.write_own(folder)
    scheme = read("own", path, "train").scheme
    model = models.TRNet20(5, scheme=scheme, mean_shape=np.full((5, 2), 31.5), width=0.25)
    frame = models.frame_of(model)
    model.compile("adam", "mse", metrics=[NME(normalizers.on_crop("inter_pupil", scheme, frame))])
    with eager():
        history = model.fit(load("own", path, "train", frame=frame, batch_size=4), verbose=0)
    assert np.isfinite(history.history["nme"]).all()
    model.save(folder / "model.keras")
    return path, folder / "model.keras"


def test_a_loaded_model_knows_its_scheme(own):
    path, saved = own
    scheme = models.scheme_of(models.load_model(saved))
    assert scheme == read("own", path, "train").scheme
    assert models.scheme_of(models.load_model(saved, compile=True)) == scheme


def test_the_commands_evaluate_and_draw(own, tmp_path):
    path, saved = own
    result = run("evaluate", saved, "--dataset", "own", "--root", path)
    assert result.returncode == 0, result.stderr
    rows = [line.split()[:3] for line in result.stdout.splitlines()]
    assert ["test", "inter_pupil", "3"] in rows
    image, options = path.parent / "photos/0.png", ("--box", "10,10,40,40")
    result = run("predict", image, "--model", saved, "--out", tmp_path, *options)
    assert result.returncode == 0, result.stderr
    (drawn,) = tmp_path.glob("*.json")
    assert json.loads(drawn.read_text())["scheme"] == "five"
    assert len(json.loads(drawn.read_text())["faces"][0]["landmarks"]) == 5


def test_a_converted_model_knows_its_scheme_too(own, tmp_path):
    from keras_fld.lite import conversion
    from keras_fld.predict.lite_model import LiteModel

    path, saved = own
    conversion.convert(models.load_model(saved), tmp_path / "own.tflite", mode="float32")
    lite = LiteModel(tmp_path / "own.tflite")
    assert lite.scheme == read("own", path, "train").scheme
    with pytest.raises(ValueError, match="Got: 'five'"):  # none of all this registers it
        schemes.get("five")
    image = np.zeros((80, 80, 3), np.uint8)
    (face,) = FaceLandmarker(lite).detect(image, [(20, 20, 40, 40)])
    points = [[20, 20], [60, 20], [40, 40], [20, 60], [60, 60]]
    lines = draw_landmarks(image, points, face.scheme) != draw_landmarks(image, points)
    assert lines[60, 40].any()  # from one corner of the mouth to the other
    report = evaluation.evaluate(tmp_path / "own.tflite", "own", path)
    assert report.nme("test") == pytest.approx(
        evaluation.evaluate(saved, "own", path).nme("test"), rel=1e-3
    )
