"""Models that are evaluated on landmarks of another scheme."""

import numpy as np
import pytest

from keras_fld import evaluate
from keras_fld.data import crops, read
from keras_fld.geometry.frame import FaceCrop
from keras_fld.predict.converted import Converted, convertible
from keras_fld.schemes import AFLW19, COFW29, IBUG68, WFLW98, convert


class Known:
    """Predicts WFLW-98 shapes whose iBUG-68 landmarks are those of the faces, in order."""

    def __init__(self, landmarks, scheme=WFLW98, frame=None):
        self.frame, self.scheme = frame or FaceCrop(32), scheme
        self.num_landmarks = scheme.num_landmarks
        self._landmarks, self._place = landmarks, 0

    def predict(self, images):
        first, self._place = self._place, self._place + len(images)
        return self._landmarks[first : self._place]


def test_a_98_point_model_is_judged_on_68_point_faces(tree):
    faces = read("300w", tree, "common")
    truth = crops.model_crops(faces, FaceCrop(32)).landmarks
    own = np.full((len(truth), 98, 2), 1000.0, np.float32)
    own[:, _exact()] = truth
    report = evaluate(Known(own), "300w", tree, ["common"])
    assert report.nme("common") < 1e-3
    said = "landmarks converted from wflw98 (98) to ibug68 (68)"
    assert str(report).splitlines()[-1] == said and report.as_dict()["converted"] == said


def _exact():
    """For each iBUG-68 landmark, the index of the equal WFLW-98 landmark."""
    numbered = np.repeat(np.arange(98.0)[:, None], 2, axis=1)
    return convert(numbered, "wflw98", "ibug68")[:, 0].astype(int)


def test_a_model_of_the_datas_scheme_is_not_converted(tree):
    truth = crops.model_crops(read("300w", tree, "common"), FaceCrop(32)).landmarks
    report = evaluate(Known(truth, IBUG68), "300w", tree, ["common"])
    assert report.converted == "" and "converted" not in report.as_dict()


@pytest.mark.parametrize("scheme", [AFLW19, COFW29])
def test_boxes_that_differ_are_no_ground_for_a_comparison(tree, scheme):
    """AFLW-19 and COFW-29 have no contour, so their tight boxes are smaller."""
    assert not convertible(IBUG68, scheme) and convertible(WFLW98, IBUG68)
    with pytest.raises(ValueError, match="must predict the data's 68 landmarks"):
        evaluate(Known([], scheme), "300w", tree)


def test_what_cannot_be_converted_is_refused():
    with pytest.raises(ValueError, match="conversion must be one of .* Got: ibug68 to wflw98"):
        Converted(Known([], IBUG68), WFLW98)
    model = Known([])
    model.scheme = None
    with pytest.raises(ValueError, match="a model with a scheme. Got: none"):
        Converted(model, IBUG68)
