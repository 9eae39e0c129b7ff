import cv2
import numpy as np
import pytest

from keras_fld import drawing, schemes
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


REGIONS = {"contour": 8, "brows": 19, "nose": 30, "eyes": 36, "mouth": 48}


def seen(tone, side):
    """A background, the mean shape drawn on it, and the landmarks."""
    image = np.full((side * 3 // 2, side * 3 // 2, 3), tone, np.uint8)
    landmarks = schemes.IBUG68.mean_shape * side + 0.75 * side
    return image, drawing.draw_landmarks(image, landmarks, "ibug68"), landmarks


@pytest.mark.parametrize("side", [40, 90, 400])
def test_regions_have_colors_of_their_own(side):
    _, drawn, landmarks = seen((128, 128, 128), side)
    colors = {}
    for region, index in REGIONS.items():
        x, y = landmarks[index].round().astype(int)
        near = drawn[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).astype(int)
        colors[region] = near[near.max(axis=-1).argmax()]
    names = list(colors)
    for place, a in enumerate(names):
        for b in names[place + 1 :]:
            assert np.abs(colors[a] - colors[b]).max() > 50, (a, b, colors)


@pytest.mark.parametrize("side", [40, 90, 400])
@pytest.mark.parametrize("tone", [(250, 230, 215), (225, 180, 150), (140, 90, 60), (45, 30, 25)])
def test_landmarks_stand_out_from_skin_of_any_tone(tone, side):
    image, drawn, landmarks = seen(tone, side)
    before, after = (cv2.cvtColor(x, cv2.COLOR_RGB2GRAY).astype(int) for x in (image, drawn))
    reach = max(2, side // 60)
    between = [(landmarks[i] + landmarks[i + 1]) / 2 for i in (*range(16), 17, 22, 27, 28)]
    for x, y in np.round([*landmarks, *between]).astype(int):
        near = after[y - reach : y + reach + 1, x - reach : x + reach + 1]
        assert np.abs(near - before[y, x]).max() > 40, (tone, side)


def test_a_small_face_is_drawn_finely_and_the_rest_of_the_image_stays():
    noise = np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8)
    landmarks = schemes.IBUG68.mean_shape * 60 + 45
    drawn = drawing.draw_landmarks(noise, landmarks, "ibug68")
    far = np.ones(noise.shape[:2], np.uint8)
    for line in schemes.IBUG68.lines:
        cv2.polylines(far, [landmarks[list(line)].round().astype(np.int32)], False, 0, 5)
    assert (drawn == noise)[far == 1].all() and (drawn != noise).any()
    middle = landmarks[36:42].mean(axis=0).round().astype(int)
    flat = np.full_like(noise, 120)
    eye = drawing.draw_landmarks(flat, landmarks, "ibug68")[middle[1], middle[0]]
    assert np.abs(eye.astype(int) - 120).max() < 80, "the pupil can still be seen"


def test_a_face_outside_the_image_changes_nothing():
    image = np.full((50, 50, 3), 9, np.uint8)
    far = schemes.IBUG68.mean_shape * 30 - 400
    np.testing.assert_array_equal(drawing.draw_landmarks(image, far, "ibug68"), image)


def test_a_custom_scheme_has_colors_too():
    scheme = schemes.custom.from_dict(
        {"name": "two", "landmarks": 2, "patches": {"left": [0], "right": [1]}}
    )
    image = np.zeros((90, 90, 3), np.uint8)
    drawn = drawing.draw_landmarks(image, [[20, 45], [70, 45]], scheme).astype(int)
    assert drawn[45, 20].max() > 150 and np.abs(drawn[45, 20] - drawn[45, 70]).max() > 50


def test_a_box_and_a_label_are_drawn_on_request_and_stay_inside_the_image():
    face = synthetic.draw(0)
    plain = drawing.draw_landmarks(face.image, face.landmarks, "ibug68")
    low, high = face.landmarks.min(axis=0), face.landmarks.max(axis=0)
    box = (*low, *(high - low))
    for options, least in (({"box": box}, 200), ({"label": "3  0.97"}, 60)):
        drawn = drawing.draw_landmarks(face.image, face.landmarks, "ibug68", **options)
        assert (drawn != plain).any(axis=-1).sum() > least, options
    blank = np.full((60, 80, 3), 90, np.uint8)
    none = np.full((68, 2), np.nan)
    for box in ((0, 0, 9, 9), (70, 50, 40, 40), (-30, -30, 20, 20)):
        boxed = drawing.draw_box(blank, box)
        labeled = drawing.draw_landmarks(blank, none, box=box, label="7")
        digit = (labeled != boxed).any(axis=-1)
        assert digit.sum() > 40 and not digit[[0, -1]].any() and not digit[:, [0, -1]].any()


def test_a_box_with_a_roll_is_turned_about_its_center():
    image = np.zeros((100, 100, 3), np.uint8)
    drawn = drawing.draw_box(image, (30, 30, 40, 40, np.pi / 4))
    assert drawn[50 - 28, 50].any() and drawn[50, 50 + 28].any() and not drawn[30, 35].any()


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
