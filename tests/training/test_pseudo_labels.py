import numpy as np
import pytest

from keras_fld.data import read
from keras_fld.data.faces import FaceSet
from keras_fld.geometry.frame import FaceCrop
from keras_fld.schemes import IBUG68, convert
from keras_fld.schemes.mtfl5 import MTFL5
from keras_fld.training import pseudo_labels
from tests.data import released

PIXELS = 96


class Oracle:
    """A model that knows the faces and finds where a crop was cut by the colors of its pixels:
    red is twice the photograph's x, green twice its y, blue tells the face."""

    frame = FaceCrop(64)
    scheme = IBUG68
    num_landmarks = 68

    def __init__(self, faces):
        self.faces = faces

    def predict(self, images):
        return np.stack([self._one(image.astype(float)) for image in images])

    def _one(self, image):
        inside = image[..., 2] > 0
        inside &= np.roll(inside, 1, 0) & np.roll(inside, -1, 0)
        inside &= np.roll(inside, 1, 1) & np.roll(inside, -1, 1)
        y, x = np.nonzero(inside)
        photo = image[y, x, :2] / 2
        # The crop's pixels as a linear function of the photograph's.
        system = np.column_stack([photo, np.ones(len(photo))])
        matrix = np.linalg.lstsq(system, np.column_stack([x, y]), rcond=None)[0]
        face = self.faces[round(image[y, x, 2].mean()) - 100]
        points = np.column_stack([face, np.ones(68)]) @ matrix
        mirrored = np.linalg.det(matrix[:2]) < 0
        return points[IBUG68.mirror] if mirrored else points


@pytest.fixture(scope="module")
def oracle():
    """Faces whose images tell each pixel's own place, and the model that reads it."""
    drawn = [face.landmarks.astype(float) for face in released.drawn(3, "ibug68", PIXELS)]
    y, x = np.mgrid[:PIXELS, :PIXELS]
    images = [
        np.stack([2 * x, 2 * y, np.full_like(x, 100 + i)], -1).astype(np.uint8) for i in range(3)
    ]
    return drawn, images


def _faces(drawn, images, scheme):
    base = read("synthetic", count=3)
    faces = []
    for face, points, image in zip(base.faces, drawn, images, strict=True):
        known = convert(points, IBUG68, scheme).astype(np.float32)
        faces.append(type(face)(face.name, lambda image=image: image, known, face.box, face.group))
    return FaceSet("drawn", scheme, faces)


@pytest.mark.parametrize("scheme", [MTFL5, IBUG68], ids=["five points", "the model's own"])
def test_labels_are_the_models_landmarks_in_the_photograph(oracle, scheme):
    drawn, images = oracle
    labeled, disagreement = pseudo_labels.relabel(
        Oracle(drawn), _faces(drawn, images, scheme), views=4
    )
    assert labeled.scheme == IBUG68 and len(labeled) == 3
    assert disagreement.max() < 0.03
    for face, points in zip(labeled.faces, drawn, strict=True):
        assert np.abs(face.landmarks - points).max() < 0.6
        np.testing.assert_allclose(face.box[:2], points.min(axis=0), atol=0.6)


def test_faces_whose_label_disagrees_are_left_out(oracle):
    drawn, images = oracle
    faces = _faces(drawn, images, MTFL5)
    faces.faces[1].landmarks[2] += 25  # a nose far away
    labeled, disagreement = pseudo_labels.relabel(Oracle(drawn), faces, views=2)
    assert [face.name for face in labeled.faces] == ["train/0", "train/2"]
    assert np.argmax(disagreement) == 1
    with pytest.raises(ValueError, match="no label is within 1e-06 of the annotation"):
        pseudo_labels.relabel(Oracle(drawn), faces, views=2, tolerance=1e-6)


def test_an_annotation_in_the_models_scheme_corrects_all_but_its_style(oracle):
    drawn, images = oracle
    faces = _faces(drawn, images, IBUG68)
    true = [points.copy() for points in drawn]
    wrong = Oracle([points + np.array([1.0, 0]) * (i == 1) for i, points in enumerate(drawn)])
    untouched, _ = pseudo_labels.relabel(wrong, faces, views=4, trust=0)
    half, _ = pseudo_labels.relabel(wrong, faces, views=4, trust=1)

    def error(labeled):
        return labeled.faces[1].landmarks[:, 0].mean() - true[1][:, 0].mean()

    # Of one pixel, a third is taken for style; the rest goes.
    assert error(untouched) == pytest.approx(1, abs=0.3)
    assert error(half) == pytest.approx(1 / 3, abs=0.2)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"views": 3}, "views must be an even number of at least 2. Got: 3"),
        ({"tolerance": 0}, "tolerance must be above 0"),
        ({"trust": 2}, "trust from 0 to 1"),
    ],
)
def test_bad_arguments_are_refused(oracle, options, rule):
    drawn, images = oracle
    with pytest.raises(ValueError, match=rule):
        pseudo_labels.relabel(Oracle(drawn), _faces(drawn, images, MTFL5), **options)


def test_a_scheme_without_conversion_is_refused(oracle):
    drawn, images = oracle
    faces = read("synthetic-98", count=2)
    with pytest.raises(ValueError, match="conversion must be one of .* Got: ibug68 to wflw98"):
        pseudo_labels.relabel(Oracle(drawn), faces, views=2)
