import subprocess
import sys
import textwrap

import cv2
import numpy as np
import pytest

from keras_fld import data
from keras_fld.data.synthetic import reader
from keras_fld.data.synthetic.drawn import MEAN_FACE, SyntheticFace, draw
from keras_fld.data.synthetic.face3d import random_head
from keras_fld.data.synthetic.portrait import Portrait
from keras_fld.schemes import AFLW19, COFW29, IBUG68, SCHEMES, WFLW98, Scheme, convert

# Of three faces of 160 pixels, as first released: mean brightness of 4 x 4 tiles, some landmarks.
RELEASED = {
    0: (
        [[125.4, 120.8, 115.1, 99.0], [101.8, 105.2, 115.2, 70.7],
         [78.9, 73.1, 82.2, 53.9], [61.1, 91.2, 75.1, 62.0]],
        [[90.84, 115.23], [61.02, 74.67], [96.78, 62.41], [77.48, 86.21], [86.23, 105.15]],
    ),
    5: (
        [[180.5, 215.3, 174.6, 190.9], [162.4, 149.6, 140.0, 164.3],
         [147.2, 122.2, 120.3, 136.6], [64.4, 48.7, 51.2, 86.9]],
        [[85.17, 127.48], [50.91, 62.28], [92.43, 53.79], [74.67, 78.78], [81.01, 107.57]],
    ),
    25: (
        [[195.2, 42.7, 61.9, 123.7], [164.5, 67.7, 65.7, 111.7],
         [177.0, 69.3, 71.2, 82.6], [196.8, 118.9, 129.4, 135.8]],
        [[69.0, 120.81], [44.46, 62.16], [93.79, 62.32], [64.62, 92.05], [67.03, 110.82]],
    ),
}  # fmt: skip

# The mirror partner of every iBUG-68 landmark, written out.
MIRROR = [16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,
          26, 25, 24, 23, 22, 21, 20, 19, 18, 17,
          27, 28, 29, 30, 35, 34, 33, 32, 31,
          45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
          54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55,
          64, 63, 62, 61, 60, 67, 66, 65]  # fmt: skip


@pytest.fixture(scope="module")
def faces():
    return [draw(index, seed=7, size=96) for index in range(40)]


@pytest.fixture(scope="module")
def heads():
    return [random_head(np.random.default_rng(index)) for index in range(300)]


def test_type_and_shape(faces):
    for face in faces:
        assert isinstance(face, SyntheticFace)
        assert face.image.shape == (96, 96, 3) and face.image.dtype == np.uint8
        assert face.landmarks.shape == (68, 2) and face.landmarks.dtype == np.float32


def test_same_arguments_same_pixels(faces):
    again = draw(3, seed=7, size=96)
    np.testing.assert_array_equal(again.image, faces[3].image)
    np.testing.assert_array_equal(again.landmarks, faces[3].landmarks)


def test_index_and_seed_change_the_face(faces):
    for other in (faces[4], draw(3, seed=8, size=96)):
        assert np.abs(other.landmarks - faces[3].landmarks).max() > 1
        assert np.abs(other.image.astype(int) - faces[3].image).mean() > 5


@pytest.mark.parametrize("index", RELEASED)
def test_the_series_of_faces_stays_the_released_one(index):
    face, (tiles, landmarks) = draw(index), RELEASED[index]
    # Not to the bit: OpenCV's versions round differently.
    means = face.image.reshape(4, 40, 4, 40, 3).mean((1, 3, 4))
    np.testing.assert_allclose(means, tiles, atol=0.3)
    np.testing.assert_allclose(face.landmarks[[8, 36, 45, 30, 57]], landmarks, atol=0.02)


def test_the_size_only_scales_the_face():
    agreement = []
    for index in range(5):
        small, large = draw(index, size=80), draw(index, size=160)
        np.testing.assert_allclose(large.landmarks, 2 * small.landmarks + 0.5, atol=1e-3)
        reduced = large.image.reshape(80, 2, 80, 2, 3).mean((1, 3))
        agreement.append(np.corrcoef(reduced.ravel(), small.image.ravel())[0, 1])
    assert np.median(agreement) > 0.9


def test_faces_fill_40_to_60_per_cent_and_lie_inside(faces):
    for face in faces:
        assert face.landmarks.min() > 3 and face.landmarks.max() < 92
        assert 0.40 < np.ptp(face.landmarks, axis=0).max() / 96 < 0.62


def test_mean_face_is_symmetric():
    assert MEAN_FACE.shape == (68, 3)
    np.testing.assert_array_equal(MEAN_FACE[MIRROR] * (-1, 1, 1), MEAN_FACE)


def test_mean_face_has_human_proportions():
    width, height = np.ptp(MEAN_FACE[:, :2], axis=0)
    assert 0.95 < width / height < 1.05
    x, y, z = MEAN_FACE.T
    assert y.argmin() in range(17, 27) and y.argmax() == 8 and z.argmax() == 30
    assert abs(y[0] - y[36]) < 0.1 * height  # the jaw line starts at about the eyes' height


def test_upright_faces_are_the_right_way_up(heads):
    for head in heads:
        upright = head.landmarks @ head.rotation  # the pose undone, up to perspective
        eyes, nose, mouth = (upright[a:b, 1].mean() for a, b in ((36, 48), (27, 36), (48, 68)))
        assert upright[17:27, 1].mean() < eyes < nose < mouth < upright[8, 1]


def test_left_is_left(heads):
    for head in heads:
        if abs(head.rotation[0, 2]) > 0.5:  # the sine of the turn
            continue
        along = head.landmarks[45, :2] - head.landmarks[36, :2]
        x = head.landmarks[:, :2] @ along
        assert along[0] > 0
        assert x[0] < x[36] < x[39] < x[27] < x[42] < x[45] < x[16]
        assert x[48] < x[51] < x[54] and x[17] < x[21] < x[22] < x[26]


def test_poses_vary(heads):
    yaw = np.degrees([np.arcsin(head.rotation[0, 2]) for head in heads])
    assert np.abs(yaw).max() > 35 and 8 < yaw.std() < 30
    assert abs(yaw.mean()) < 5


def test_inner_lips_do_not_cross(heads):
    for head in heads:
        upright = head.landmarks @ head.rotation
        assert (upright[[67, 66, 65], 1] > upright[[61, 62, 63], 1] - 0.02).all()


def _portrait(index, color):
    """A head that can be painted part by part, on a canvas (3, 320, 320) of one color."""
    canvas = np.full((3, 320, 320), color, np.float32)
    return Portrait(np.random.default_rng(index), np.random.default_rng(index), canvas)


def _extent(mask):
    """The box (x0, y0, x1, y1) of a mask's pixels."""
    y, x = np.nonzero(mask)
    return np.array([x.min(), y.min(), x.max(), y.max()])


def _box(points):
    return np.concatenate([points.min(0), points.max(0)])


@pytest.mark.parametrize("index", range(8))
def test_lips_are_drawn_at_their_landmarks(index):
    portrait = _portrait(index, 0)
    portrait.canvas[:] = portrait.skin[:, None, None]
    portrait.mouth()
    red, green, _ = portrait.canvas
    # Folds and shadows darken the skin; only lips change the ratio of its colors.
    lips = np.abs(green / red - portrait.skin[1] / portrait.skin[0]) > 0.1
    lips &= np.abs(np.arange(320) - portrait.points[48:60, 0].mean()) < 0.5 * portrait.unit
    expected = _box(portrait.points[48:60])
    if not portrait.beard:  # a moustache has another color too
        np.testing.assert_allclose(_extent(lips), expected, atol=0.05 * portrait.unit)


@pytest.mark.parametrize("index", range(8))
def test_eyes_are_drawn_between_their_lids(index):
    portrait = _portrait(index, 0)
    portrait.skin[:] = 0  # so that only the eyeball is bright
    portrait.makeup = False
    for lids in (portrait.points[36:42], portrait.points[42:48]):
        portrait.canvas[:] = 0
        portrait.eye(lids, np.zeros(2), np.full(3, 200.0))
        bright = portrait.canvas.mean(0) > 60
        if bright.sum() > 100:  # otherwise closed, or seen from its side
            np.testing.assert_allclose(_extent(bright), _box(lids), atol=0.06 * portrait.unit)


@pytest.mark.parametrize("index", range(12))
def test_the_drawn_outline_passes_through_the_jaw(index):
    portrait = _portrait(index, -1)
    portrait.bald = True
    portrait.surface()
    inside = (portrait.canvas[0] >= 0).astype(np.uint8)
    # Signed distance to the outline: positive inside.
    signed = cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(
        1 - inside, cv2.DIST_L2, 5)  # fmt: skip
    x, y = np.round(portrait.points[:17]).astype(int).T
    assert signed[y, x].min() > -0.04 * portrait.unit  # no landmark off the head
    turned_left = portrait.head.rotation[0, 2] < 0
    far = slice(1, 8) if turned_left else slice(9, 16)  # what is not hidden is the outline
    assert signed[y, x][far].max() < 0.08 * portrait.unit


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda scheme: scheme.name)
def test_a_scheme_changes_the_landmarks_alone(faces, scheme):
    for index in range(0, 40, 8):
        face = draw(index, seed=7, size=96, scheme=scheme)
        np.testing.assert_array_equal(face.image, faces[index].image)
        assert face.landmarks.shape == (scheme.num_landmarks, 2)
        assert face.landmarks.dtype == np.float32
        assert face.landmarks.min() > 3 and face.landmarks.max() < 92


def test_schemes_agree_on_the_landmarks_they_share(faces):
    for index in range(0, 40, 4):
        dense, few, fewer = (draw(index, 7, 96, n).landmarks for n in (98, 29, 19))
        np.testing.assert_array_equal(convert(dense, WFLW98, IBUG68), faces[index].landmarks)
        np.testing.assert_array_equal(convert(dense, WFLW98, COFW29), few)
        np.testing.assert_allclose(convert(dense, WFLW98, AFLW19), fewer, atol=1e-4)
        np.testing.assert_allclose(fewer, convert(faces[index].landmarks, 68, 19), atol=1e-4)


def test_what_a_dense_scheme_adds_lies_between_its_neighbors(faces):
    for index in range(0, 40, 4):
        points = draw(index, 7, 96, 98).landmarks
        unit = np.ptp(points, axis=0).max()
        between = [(i, i - 1, i + 1) for i in range(1, 33, 2)]
        between += [(62, 61, 63), (66, 65, 67), (70, 69, 71), (74, 73, 75)]
        for middle, first, second in between:
            chord = points[second] - points[first]
            offset = points[middle] - points[[first, second]].mean(axis=0)
            assert np.linalg.norm(offset) <= 0.15 * np.linalg.norm(chord) + 0.002 * unit


@pytest.mark.parametrize("index", range(6))
def test_lower_brow_edges_and_pupils_are_where_the_paint_is(index):
    portrait = _portrait(index, 0)
    eyes, paint_eye = [], portrait.eye
    portrait.eye = lambda *arguments: (eyes.append(arguments), paint_eye(*arguments))
    portrait.draw()
    points = portrait.landmarks(WFLW98)

    portrait.canvas[:] = 0
    portrait.brow = np.full(3, 255.0)
    portrait.brows(portrait.brow_half_width)
    painted = portrait.canvas.mean(0)
    for upper, lower in zip((34, 35, 36, 43, 44, 45), (41, 40, 39, 49, 48, 47), strict=True):
        step = points[lower] - points[upper]
        # The edge is soft: beyond two standard deviations of its blur there is no paint.
        beyond = points[lower] + 0.035 * portrait.unit * step / np.linalg.norm(step)
        places = np.round([points[lower] - 0.5 * step, points[lower], beyond]).astype(int)
        inside, edge, outside = (painted[y, x] for x, y in places)
        assert inside > 80 and outside < 40 and outside < edge <= inside

    for (lids, gaze, _), center in zip(eyes, points[96:], strict=True):
        if np.linalg.norm(lids[1:3].mean(0) - lids[4:].mean(0)) < 0.05 * portrait.unit:
            continue  # closed
        portrait.canvas[:] = 0
        paint_eye(lids, gaze, np.float32([255, 0, 0]))
        red, green, _ = portrait.canvas
        y, x = np.nonzero((red > 60) & (green < 0.4 * red))
        away = np.array([x.mean(), y.mean()]) - center
        assert np.linalg.norm(away) < 0.06 * portrait.unit  # lids and the glint hide parts


def test_a_scheme_of_ones_own_cannot_be_drawn():
    own = Scheme("own", {"eyes": (0, 1)}, ((0, 1),), {})
    with pytest.raises(ValueError, match="scheme of a drawn face must be one of .*Got: 'own'"):
        draw(0, size=48, scheme=own)


@pytest.mark.parametrize("count", [19, 29, 98])
def test_each_scheme_is_a_dataset(count, monkeypatch):
    monkeypatch.setattr(reader, "SIZES", {"train": 3, "test": 2})
    faces = data.read(f"synthetic-{count}", split="test")
    assert len(faces) == 2 and faces.scheme.num_landmarks == count
    same = data.read("synthetic", split="test")
    for face, other in zip(faces.faces, same.faces, strict=True):
        np.testing.assert_array_equal(face.image(), other.image())
        assert face.landmarks.shape == (count, 2)
        low, high = face.landmarks.min(0), face.landmarks.max(0)
        np.testing.assert_allclose(face.box, [*low, *(high - low)], rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"index": -1}, "index must be non-negative. Got: -1"),
        ({"index": 0, "seed": -2}, "seed must be non-negative. Got: -2"),
        ({"index": 0, "size": 0}, "size must be at least 48. Got: 0"),
        ({"index": 0, "scheme": "wflw"}, r"scheme must be one of .*wflw98.*Got: 'wflw'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        draw(**arguments)


def test_the_mean_head_is_solved_for_when_a_face_is_drawn_not_when_imported():
    script = """
        from keras_fld.data import catalog, synthetic
        from keras_fld.data.synthetic import face3d

        print(face3d.mean_head.cache_info().currsize)
        synthetic.draw(0, size=48)
        print(face3d.mean_head.cache_info().currsize)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["0", "1"]
