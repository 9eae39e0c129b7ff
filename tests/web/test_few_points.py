"""A model of five points on the page: detected and drawn boxes are those of whole faces."""

import numpy as np
import pytest

from keras_fld import FaceLandmarker
from keras_fld.data import synthetic
from keras_fld.geometry.boxes import overlap
from keras_fld.geometry.frame import landmark_box
from keras_fld.schemes import convert
from tests.web.opened import Served, save


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The file of an untrained model, which predicts the mean shape in its crop."""
    pytest.importorskip("tensorflow")
    from tests.tiny import five_points

    path = tmp_path_factory.mktemp("five") / "five.tflite"
    five_points(path)
    return path


def test_a_model_of_five_points_gets_their_box_as_in_python(browser, model, tmp_path):
    drawn = synthetic.draw(5, size=700)
    (wanted,) = FaceLandmarker(model).detect(drawn.image, passes=1)
    served = Served(browser, model=model)
    try:
        served.page.uncheck("#refine")
        served.open(save(tmp_path / "face.png", drawn.image))
        (face,) = served.faces()
        np.testing.assert_allclose(face["box"], wanted.box, atol=0.005 * wanted.box[2])
        np.testing.assert_allclose(face["landmarks"], wanted.landmarks, atol=2)
        # A box drawn around the whole face.
        view = served.page.locator("#view").bounding_box()
        pixel = view["width"] / 700
        low, size = np.split(landmark_box(drawn.landmarks), 2)
        ends = [(corner * pixel + [view["x"], view["y"]]).tolist() for corner in (low, low + size)]
        served.drag(*ends)
        served.wait("#status:text('one from your box')")
        (face,) = served.faces()
        own = landmark_box(convert(drawn.landmarks, "ibug68", "mtfl5"))
        assert overlap([face["box"]], [own])[0, 0] > 0.5
        assert not served.errors
    finally:
        served.close()
