"""What the face score is trained on: places without the face, and faces half covered."""

from dataclasses import replace

import numpy as np
import pytest

from keras_fld.data import catalog
from keras_fld.data.crops import training_crops
from keras_fld.face_score.occluders import COVERS, SIDES, cover_half
from keras_fld.face_score.samples import Samples
from keras_fld.face_score.scenes import (
    FACE_SIDE,
    KINDS,
    Scene,
    non_face,
    non_face_box,
    scenes,
    with_boxes,
)
from keras_fld.face_score.textures import texture
from keras_fld.geometry.boxes import overlap
from keras_fld.geometry.frame import FaceCrop

FRAME = FaceCrop(32)


@pytest.fixture(scope="module")
def faces():
    return catalog.read("synthetic", split="test", count=6)


@pytest.fixture(scope="module")
def places(faces):
    return scenes(faces)


def test_photographs_are_reduced_with_their_boxes(faces, places):
    for face, scene in zip(faces.faces, places, strict=True):
        assert max(scene.box[2:]) <= FACE_SIDE * 1.02
        shares = scene.box / np.tile(scene.image.shape[1::-1], 2)
        known = face.box / np.tile(face.image().shape[1::-1], 2)
        np.testing.assert_allclose(shares, known, rtol=0.02)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "texture"])
def test_no_box_is_about_the_face(places, kind):
    rng = np.random.default_rng(0)
    found = [non_face_box(scene, rng, kind) for scene in places for _ in range(50)]
    shares = overlap(found, [scene.box for scene in places]).reshape(len(places), 50, -1)
    own = np.array([shares[i, :, i] for i in range(len(places))])
    assert own.max() < 0.35, kind
    assert len(np.unique(np.round(found, 3), axis=0)) > 0.9 * len(found)


def test_a_scene_without_cascade_squares_takes_another_place():
    scene = Scene(np.zeros((100, 100, 3), np.uint8), np.array([30.0, 30, 40, 40]), np.empty((0, 4)))
    assert non_face_box(scene, np.random.default_rng(0), "cascade").shape == (4,)
    square = np.array([[0.0, 0, 20, 20]])
    box = non_face_box(replace(scene, squares=square), np.random.default_rng(0), "cascade")
    np.testing.assert_allclose(box[:2] + box[2:] / 2, [10, 10])


def test_every_kind_gives_a_crop_of_the_frame(places):
    for kind in KINDS:
        crop = non_face(places[0], np.random.default_rng(0), FRAME, kind)
        assert crop.shape == (32, 32, 3) and crop.dtype == np.uint8
    with pytest.raises(ValueError, match="kind must be one of away, .*Got: 'face'"):
        non_face(places[0], np.random.default_rng(0), FRAME, "face")


def test_textures_differ():
    drawn = [texture(np.random.default_rng(i), 24) for i in range(30)]
    assert {x.shape for x in drawn} == {(24, 24, 3)}
    assert len({x.tobytes() for x in drawn}) == 30


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("cover", COVERS)
def test_one_half_is_covered_and_the_other_is_not(side, cover):
    crop = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    got = cover_half(crop, side, cover, np.random.default_rng(1))
    turned = {"left": 0, "upper": 1, "right": 2, "lower": 3}[side]
    changed = np.rot90((got != crop).any(axis=-1), turned)  # the covered half to the left
    assert not changed[:, 10:].any() and changed[:, :10].mean() > 0.9


def test_unknown_halves_and_covers_are_refused():
    crop, rng = np.zeros((8, 8, 3), np.uint8), np.random.default_rng(0)
    with pytest.raises(ValueError, match="side must be one of left, .*Got: 'top'"):
        cover_half(crop, "top", "noise", rng)
    with pytest.raises(ValueError, match="cover must be one of color, .*Got: 'hand'"):
        cover_half(crop, "left", "hand", rng)


def test_batches_are_half_faces_and_depend_on_number_and_seed_alone(faces, places):
    crops = training_crops(faces, FRAME)
    samples = Samples([crops], places, [1.0], seed=3)
    images, labels = samples.draw(5, 12)
    assert images.shape == (12, 32, 32, 3) and images.dtype == np.uint8
    assert labels.shape == (12, 1) and labels.sum() == 6
    again, _ = Samples([crops], places, [1.0], seed=3).draw(5, 12)
    np.testing.assert_array_equal(again, images)
    for other in (samples.draw(6, 12), Samples([crops], places, [1.0], seed=4).draw(5, 12)):
        assert (other[0] != images).any()


def test_five_points_lead_to_the_box_of_a_face(faces):
    from keras_fld.schemes.conversion import convert
    from keras_fld.schemes.mtfl5 import MTFL5

    five = replace(
        faces,
        scheme=MTFL5,
        faces=[
            replace(face, landmarks=convert(face.landmarks, faces.scheme, MTFL5))
            for face in faces.faces
        ],
    )
    boxes = [face.box for face in with_boxes(five).faces]
    shares = np.diag(overlap(boxes, [face.box for face in faces.faces]))
    assert shares.min() > 0.6
    with pytest.raises(ValueError, match="trained on faces with ibug68, wflw98 or mtfl5 landmarks"):
        with_boxes(replace(faces, scheme=replace(MTFL5, name="mine")))
