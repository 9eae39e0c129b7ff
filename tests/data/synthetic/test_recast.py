"""Portraits in new poses: the annotation moves with the picture."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from keras_fld import schemes
from keras_fld.data.faces import Face, FaceSet
from keras_fld.data.synthetic import Recasting, recast
from keras_fld.data.synthetic.face3d import _rotation, random_head
from keras_fld.data.synthetic.recast import _Photographed, _surroundings
from keras_fld.data.synthetic.sheet import sheet_of
from keras_fld.geometry.frame import landmark_box
from keras_fld.schemes import IBUG68
from keras_fld.schemes.mean_face import MEAN_FACE

# Inside the face: no turn hides them behind the cheek, and no expression closes them.
MARKED = [17, 19, 21, 22, 24, 26, 27, 29, 30, 33, 36, 39, 42, 45, 48, 51, 54, 57]


def _portrait(size=320):
    """A flat oval in front of a plain backdrop, with a green mark at some landmarks."""
    landmarks = (MEAN_FACE[:, :2] * 0.24 + 0.5 - (0, 0.12)) * size
    image = np.full((size, size, 3), 225, np.uint8)
    center = tuple(int(v) for v in landmarks[29])
    cv2.ellipse(image, center, (int(0.27 * size), int(0.42 * size)), 0, 0, 360, (190, 60, 90), -1)
    for x, y in landmarks[MARKED]:
        at = round(x * 16), round(y * 16)
        cv2.circle(image, at, 16 * 3, (0, 255, 0), -1, cv2.LINE_AA, shift=4)
    return image, landmarks


def _green_center(image, point, radius=8):
    """The centroid of what is green around a point, or None where too little is."""
    x0, y0 = np.maximum(np.round(point).astype(int) - radius, 0)
    part = image[:, y0 : y0 + 2 * radius + 1, x0 : x0 + 2 * radius + 1]
    green = np.clip(part[1] - np.maximum(part[0], part[2]) - 30, 0, None)
    if green.sum() < 500:
        return None
    y, x = np.mgrid[: green.shape[0], : green.shape[1]]
    return np.array([(x * green).sum(), (y * green).sum()]) / green.sum() + (x0, y0)


@pytest.mark.parametrize("shut", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_the_picture_is_where_the_landmarks_are(seed, shut):
    image, landmarks = _portrait()
    if shut:  # lids of closed eyes are annotated at one place, and lips at times
        landmarks[[37, 38, 43, 44, 61]] = landmarks[[41, 40, 47, 46, 50]]
    rng = np.random.default_rng(seed)
    blank = np.full((3, 240, 240), 128, np.float32)
    sheet = sheet_of(image, landmarks, backdrop=True)
    head = random_head(rng, sheet.face, 0.5, (8, 18, 32), sheet.rotation)
    portrait = _Photographed(rng, np.random.default_rng(seed), blank, head, sheet)
    portrait.draw()
    off = [
        np.linalg.norm(found - point)
        for point in portrait.points[MARKED]
        if (found := _green_center(portrait.canvas, point)) is not None
    ]
    assert len(off) >= 10 and np.median(off) < 0.7 and np.quantile(off, 0.8) < 1.5


def _face_set(scheme=IBUG68):
    image, landmarks = _portrait()
    points = landmarks.astype(np.float32)[: scheme.num_landmarks]
    face = Face("a.jpg", lambda: image, points, landmark_box(points), "anna")
    hidden = replace(
        face, name="b.jpg", landmarks=np.where(np.arange(68)[:, None] < 3, np.nan, landmarks)
    )
    return FaceSet("portraits", scheme, [face] if scheme != IBUG68 else [face, hidden])


def test_the_outline_of_a_photographed_face_is_behind_that_of_a_drawn_one():
    image, landmarks = _portrait()
    face = sheet_of(image, landmarks, backdrop=True).face
    behind = MEAN_FACE[:, 2] - face[:, 2]
    assert (behind[:8] > 0.05).all() and (behind[9:17] > 0.05).all()
    np.testing.assert_allclose(behind[[8, *range(17, 68)]], 0, atol=0.02)
    np.testing.assert_allclose(behind[:17], behind[16::-1], atol=0.02)


def test_portraits_keep_their_person_and_are_the_same_every_time():
    first, again = recast(_face_set(), Recasting(5)), recast(_face_set(), Recasting(5))
    assert len({face.name for face in first.faces}) == len(first) == 5
    assert first.name == "portraits, recast" and first.scheme == IBUG68
    for face, other in zip(first.faces, again.faces, strict=True):
        assert face.group == "anna"
        assert face.image().shape == (240, 240, 3) and face.image().dtype == np.uint8
        assert (face.landmarks >= 0).all() and (face.landmarks < 240).all()
        np.testing.assert_array_equal(face.landmarks, other.landmarks)
        np.testing.assert_array_equal(face.image(), other.image())
    assert np.ptp([face.landmarks for face in first.faces], axis=0).min() > 1  # none stays in place


def test_bright_skin_is_not_cut_out():
    """Where the backdrop cannot be told from the face, it is kept."""
    image, landmarks = _portrait()
    assert sheet_of(image, landmarks, True).alpha[2, 2] == 0
    bright = np.full_like(image, 225)
    assert sheet_of(bright, landmarks, True).alpha.min() == 1


def test_some_stand_before_a_piece_of_another_photograph():
    drawn, cut = (
        recast(_face_set(), Recasting(4, surroundings=share)).faces for share in (0.0, 1.0)
    )
    for face, other in zip(drawn, cut, strict=True):
        assert not np.array_equal(face.image(), other.image())
    gray = np.full((50, 60, 3), 100, np.uint8)
    background = _surroundings(np.random.default_rng(0), [gray])
    assert background.shape == (3, 240, 240) and background.dtype == np.float32
    assert np.ptp(background, axis=(1, 2)).max() < 1 and background.min() > 20


def test_turned_heads_are_left_out():
    image, landmarks = _portrait()
    turned = (MEAN_FACE @ _rotation(np.radians(50), 0, 0).T)[:, :2] * 70 + 160
    face = Face("a.jpg", lambda: image, turned.astype(np.float32), landmark_box(turned), "anna")
    with pytest.raises(ValueError, match="turned by at most 35 degrees. Got: none"):
        recast(FaceSet("portraits", IBUG68, [face]), Recasting(1))


def test_only_the_68_landmarks_are_taken():
    with pytest.raises(ValueError, match="must have the scheme ibug68. Got: cofw29"):
        recast(_face_set(schemes.get("cofw29")), Recasting(1))
