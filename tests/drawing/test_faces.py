import cv2
import numpy as np
import pytest

from keras_fld import drawing
from keras_fld._internal.images import save_image
from keras_fld.analysis import head_pose
from keras_fld.analysis.pose import model_points
from keras_fld.data import synthetic


def test_points_are_drawn_where_the_landmarks_are_and_the_image_is_not_changed():
    image = np.zeros((200, 200, 3), np.uint8)
    landmarks = np.full((68, 2), np.nan)
    landmarks[[0, 16]] = [[20.3, 50.7], [180.2, 160.4]]
    drawn = drawing.draw_landmarks(image, landmarks)
    assert image.max() == 0
    for x, y in landmarks[[0, 16]]:
        part = drawn[round(y) - 6 : round(y) + 7, round(x) - 6 : round(x) + 7, 0].astype(float)
        v, u = np.mgrid[: part.shape[0], : part.shape[1]]
        center = [(part * u).sum() / part.sum(), (part * v).sum() / part.sum()]
        np.testing.assert_allclose(center, [x - round(x) + 6, y - round(y) + 6], atol=0.1)


def test_lines_and_numbers_follow_the_scheme_and_leave_out_what_is_hidden():
    face = synthetic.draw(0)
    plain = drawing.draw_landmarks(face.image, face.landmarks)
    lines = drawing.draw_landmarks(face.image, face.landmarks, "ibug68")
    numbers = drawing.draw_landmarks(face.image, face.landmarks, "ibug68", numbers=True)
    changed = [(picture != face.image).any(axis=-1).sum() for picture in (plain, lines, numbers)]
    assert changed[0] < changed[1] < changed[2]
    hidden = np.full_like(face.landmarks, np.nan)
    np.testing.assert_array_equal(drawing.draw_landmarks(face.image, hidden, "ibug68"), face.image)


def test_square_keeps_the_shape_and_pads_with_black():
    image = np.full((50, 100, 3), 200, np.uint8)
    result = drawing.square(image, 60)
    assert result.shape == (60, 60, 3)
    assert (result[15:45] == 200).all() and result[:15].max() == result[45:].max() == 0


def test_an_image_is_saved_whole_in_rgb(tmp_path):
    image = np.zeros((4, 5, 3), np.uint8)
    image[..., 0] = 255
    save_image(tmp_path / "a.png", image)
    assert cv2.imread(str(tmp_path / "a.png"))[0, 0].tolist() == [0, 0, 255]
    with pytest.raises(ValueError, match="cannot be written"):
        save_image(tmp_path / "a.png" / "b.png", image)


def test_a_box_is_drawn_on_a_copy():
    image = np.zeros((60, 60, 3), np.uint8)
    drawn = drawing.draw_box(image, (10, 20, 30, 20))
    assert image.max() == 0 and drawn[20, 25].any() and drawn[30, 10].any()
    assert not drawn[30, 25].any()


def test_a_difference_has_rings_at_the_reference_and_dots_at_the_other():
    crop = np.zeros((64, 64, 3), np.uint8)
    reference, other = np.full((2, 3, 2), np.nan)
    reference[0], other[1] = (20, 30), (44, 12)
    picture = drawing.draw_difference(crop, reference, other, size=512).astype(int)
    assert picture.shape == (512, 512, 3) and crop.max() == 0
    green, red = (picture[..., a] > picture[..., b] + 40 for a, b in ((1, 0), (0, 1)))
    # A pixel of the crop is 8 of the picture's, its center 3.5 from their first.
    for mask, (x, y) in ((green, (20, 30)), (red, (44, 12))):
        rows, columns = np.nonzero(mask)
        np.testing.assert_allclose(
            (columns.mean(), rows.mean()), (8 * x + 3.5, 8 * y + 3.5), atol=1
        )
    assert not green[243, 163] and red[99, 355], "a ring is empty, a dot is full"


def test_the_axes_of_a_pose_start_at_the_nose():
    face = synthetic.draw(0)
    pose = head_pose(face.landmarks, face.image.shape[:2])
    blank = np.zeros_like(face.image)
    picture = drawing.draw_pose(blank, pose)
    assert blank.max() == 0
    nose = np.array(pose.project(model_points()[[30]])[0])
    rows, columns = np.nonzero(picture.max(axis=-1))
    assert np.hypot(columns - nose[0], rows - nose[1]).min() < 3
    right = picture[..., 0].astype(int) > picture[..., 1] + 60
    down = picture[..., 1].astype(int) > picture[..., 0] + 60
    assert np.nonzero(right)[1].mean() > nose[0] and np.nonzero(down)[0].mean() > nose[1]
