import numpy as np
import pytest

from keras_fld.analysis import head_pose
from keras_fld.analysis.pose import model_points

SIZE = (480, 640)


def seen(yaw=0.0, pitch=0.0, roll=0.0, place=(0, 0, 9.0), focal=640.0):
    """The model's landmarks through a pinhole camera, turned by three plain rotations."""

    def turn(axis, degrees):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        i, j = [k for k in range(3) if k != axis]
        matrix = np.eye(3)
        matrix[i, i], matrix[i, j], matrix[j, i], matrix[j, j] = c, -s, s, c
        return matrix

    # z leads away from the camera: a turn about y sends the nose, at -z, to the right, and one
    # about x sends it down.
    rotation = turn(1, yaw) @ turn(0, -pitch) @ turn(2, roll)
    points = model_points() @ rotation.T + place
    return points[:, :2] / points[:, 2:] * focal + [(SIZE[1] - 1) / 2, (SIZE[0] - 1) / 2]


@pytest.mark.parametrize(
    "pose", [(0, 0, 0), (30, 0, 0), (0, 20, 0), (0, 0, 25), (-40, -15, 10), (60, 10, -30)]
)
def test_a_known_pose_is_found(pose):
    found = head_pose(seen(*pose), SIZE)
    expected = seen(*pose)
    np.testing.assert_allclose(found.project(model_points()), expected, atol=0.01)
    np.testing.assert_allclose(found.translation, (0, 0, 9), atol=0.01)
    np.testing.assert_allclose((found.yaw, found.pitch, found.roll), pose, atol=0.05)


def test_the_angles_say_what_one_sees():
    right = seen(yaw=30)
    assert right[30, 0] > right[27, 0] and head_pose(right, SIZE).yaw == pytest.approx(30, abs=0.1)
    up, level = seen(pitch=20), seen(place=(0, 0, 9))
    assert up[30, 1] - up[36, 1] < level[30, 1] - level[36, 1]
    clockwise = seen(roll=20)
    assert clockwise[45, 1] > clockwise[36, 1]


def test_a_face_that_looks_into_the_camera_has_no_angle_wherever_it_is():
    ahead = np.array([2.0, -1.5, 8.0])
    yaw = np.degrees(np.arctan2(-ahead[0], ahead[2]))
    pitch = np.degrees(np.arctan2(ahead[1], np.hypot(ahead[0], ahead[2])))
    found = head_pose(seen(yaw, pitch, place=ahead), SIZE)
    np.testing.assert_allclose(found.translation, ahead, atol=0.01)
    np.testing.assert_allclose((found.yaw, found.pitch), 0, atol=0.05)
    assert abs(found.roll) < 3  # a camera held level sees the head's own axis aslant


def test_expressions_and_single_lost_landmarks_matter_little():
    points = seen(20, -10, 5)
    points[48:68] += 15
    points[17:27, 1] -= 10
    points[[0, 36]] = np.nan
    found = head_pose(points, SIZE)
    assert abs(found.yaw - head_pose(seen(20, -10, 5), SIZE).yaw) < 0.1


def test_a_focal_length_moves_the_head_away():
    near, far = head_pose(seen(), SIZE), head_pose(seen(focal=1280.0), SIZE, focal_length=1280)
    np.testing.assert_allclose(near.translation, far.translation, atol=0.01)


def test_too_few_landmarks_are_refused():
    points = np.full((68, 2), np.nan)
    points[:3] = 1, 2
    with pytest.raises(ValueError, match="a pose needs six of the landmarks .* Got: 3 known"):
        head_pose(points, SIZE)
