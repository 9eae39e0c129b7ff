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
    """A model that knows the faces and locates a crop by the colors of its pixels.

    Red is twice the photograph's x, green twice its y, and blue is the face.
    """

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
        # Fits crop pixels as a linear function of photograph pixels.
        system = np.column_stack([photo, np.ones(len(photo))])
        matrix = np.linalg.lstsq(system, np.column_stack([x, y]), rcond=None)[0]
        face = self.faces[round(image[y, x, 2].mean()) - 100]
        points = np.column_stack([face, np.ones(68)]) @ matrix
        mirrored = np.linalg.det(matrix[:2]) < 0
        return points[IBUG68.mirror] if mirrored else points


@pytest.fixture(scope="module")
def oracle():
    """Faces whose pixels encode their position, and the model that decodes it."""
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
    faces.faces[1].landmarks[2] += 25  # an outlier at the nose
    labeled, disagreement = pseudo_labels.relabel(Oracle(drawn), faces, views=2)
    assert [face.name for face in labeled.faces] == ["train/0", "train/2"]
    assert np.argmax(disagreement) == 1
    with pytest.raises(ValueError, match="no label is within 1e-06 of its annotation"):
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

    # A third of the pixel counts as style; the rest is removed.
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


def test_trusted_points_stay_but_for_one_offset_in_the_upright_face(oracle):
    """The dataset defines a point with an offset that scales and rotates with the face."""
    drawn, images = oracle
    tenth = [8, 33, 36, 39, 42, 45, 48, 51, 54, 57]
    offset = np.full(68, 0.03 + 0.04j)
    offset[36] = -0.05j
    faces = _faces(drawn, images, IBUG68)
    turned = []
    for index, face in enumerate(faces.faces):
        points = drawn[index] @ [1, 1j]
        middle = points.mean()
        points = middle + (points - middle) * np.exp(1j * np.radians([-30, 0, 40][index]))
        turned.append(np.stack([points.real, points.imag], axis=-1))
        known = turned[-1] @ [1, 1j] + offset * _unit(turned[-1])
        face.landmarks[:] = np.nan
        face.landmarks[tenth] = np.stack([known.real, known.imag], axis=-1)[tenth]
    labeled, _ = pseudo_labels.relabel(Oracle(turned), faces, views=4, trust=1, weight=0.3)
    others = np.setdiff1d(np.arange(68), tenth)
    for face, points in zip(labeled.faces, turned, strict=True):
        np.testing.assert_allclose(face.landmarks, points, atol=0.6)
        assert set(face.weights[tenth]) == {1} and set(face.weights[others]) == {np.float32(0.3)}
    # Each point has exactly one offset, whatever the model predicts.
    wrong = [points + [[0, 0], [1, -1], [2, 1]][i] for i, points in enumerate(turned)]
    labeled, _ = pseudo_labels.relabel(Oracle(wrong), faces, views=4, trust=1)
    moved = np.stack(
        [
            ((face.landmarks - given.landmarks) @ [1, 1j] / _unit(points))[tenth]
            for face, given, points in zip(labeled.faces, faces.faces, wrong, strict=True)
        ]
    )
    assert np.abs(moved - moved.mean(axis=0)).max() < 0.004
    assert all(face.weights is None for face in labeled.faces)


def test_trusted_faces_that_the_model_does_not_find_keep_their_annotation_alone(oracle):
    drawn, images = oracle
    faces = _faces(drawn, images, IBUG68)
    for face in faces.faces:
        face.landmarks[:36] = np.nan
    lost = Oracle([points + 30.0 * (i == 1) for i, points in enumerate(drawn)])
    labeled, disagreement = pseudo_labels.relabel(lost, faces, views=2, trust=1)
    assert len(labeled) == 3 and np.argmax(disagreement) == 1
    assert np.isnan(labeled.faces[1].landmarks[:36]).all()
    np.testing.assert_allclose(
        labeled.faces[1].landmarks[36:], faces.faces[1].landmarks[36:], atol=0.6
    )
    np.testing.assert_array_equal(labeled.faces[1].box, faces.faces[1].box)
    assert not np.isnan(labeled.faces[0].landmarks).any()


def _unit(points):
    """Mean distance of the landmarks from their center, in the direction from eye to eye."""
    shape = points @ [1, 1j]
    eyes = shape[42:48].mean() - shape[36:42].mean()
    return np.abs(shape - shape.mean()).mean() * eyes / abs(eyes)
