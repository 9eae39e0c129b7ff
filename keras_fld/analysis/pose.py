"""Head pose from landmarks and a 3-D model of the face."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

from keras_fld.schemes import Scheme, convert
from keras_fld.schemes.mean_face import MEAN_FACE

# The landmarks that facial expressions move least: nose bridge and wings, eye corners, and the
# upper half of the contour. Jaw, mouth and brows move too much.
RIGID = (0, 1, 2, 14, 15, 16, 27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45)


@dataclass(frozen=True)
class HeadPose:
    """Position and rotation of a head.

    The three angles are measured from the line of sight. They are zero for a face that looks into
    the camera, wherever it is in the photograph and however the photograph was cropped.

    Args:
        yaw: rotation to the side in degrees, positive if the nose points to the image's right.
        pitch: rotation up (positive) or down (negative) in degrees.
        roll: tilt in the image in degrees, positive clockwise.
        rotation: (3, 3) rotation from the model's axes to the camera's. The model's axes are x
            right, y down and z away from the camera, as seen in the image.
        translation: (3,) position of the model's origin, which is between the ears at the height of
            the eyes. The unit is half the distance between the ears, about 7.5 cm.
        camera: (3, 3) matrix of the assumed camera.
    """

    yaw: float
    pitch: float
    roll: float
    rotation: np.ndarray
    translation: np.ndarray
    camera: np.ndarray

    def project(self, points: ArrayLike) -> np.ndarray:
        """Projects points of the model to pixels, to draw axes or glasses.

        Args:
            points: (points, 3) points in the model's axes and unit.

        Returns:
            (points, 2) photograph pixels.
        """
        seen = (np.asarray(points, float) @ self.rotation.T + self.translation) @ self.camera.T
        return seen[:, :2] / seen[:, 2:]


def head_pose(
    landmarks: ArrayLike,
    image_size: Sequence[int],
    scheme: Scheme | str = "ibug68",
    focal_length: float | None = None,
) -> HeadPose:
    """Estimates the head pose with `cv2.solvePnP`.

    It uses the landmarks that facial expressions move least, and the package's own symmetric,
    neutral mean face as the 3-D model. Individual proportions change the angles by some degrees. If
    that matters, compare a person only with themselves.

    Args:
        landmarks: (landmarks, 2) photograph pixels.
        image_size: (height, width) of the photograph.
        scheme: scheme of the landmarks: a `Scheme` or its name. It must be "ibug68" or convert to
            it.
        focal_length: focal length of the camera in pixels. None uses the photograph's longer side,
            which matches the main camera of a phone.

    Returns:
        A `HeadPose`.

    Raises:
        ValueError: fewer than six of the required landmarks are known, or no pose fits them.

    Examples:
        >>> -15 < head_pose(face.landmarks, image.shape[:2]).yaw < 15
        True
    """
    points = convert(np.asarray(landmarks, float), scheme, "ibug68")[list(RIGID)]
    known = ~np.isnan(points).any(axis=-1)
    if known.sum() < 6:
        raise ValueError(f"a pose needs six of the landmarks {RIGID}. Got: {known.sum()} known")
    height, width = image_size
    focal_length = focal_length or max(height, width)
    camera = np.array(
        [[focal_length, 0, (width - 1) / 2], [0, focal_length, (height - 1) / 2], [0, 0, 1.0]]
    )
    model = model_points()[list(RIGID)]
    # SQPnP needs no initial guess. The refinement then minimizes the squared error in pixels.
    found, turn, translation = cv2.solvePnP(
        model[known], points[known], camera, None, flags=cv2.SOLVEPNP_SQPNP
    )
    if not found:
        raise ValueError("no head pose fits the landmarks")
    turn, translation = cv2.solvePnPRefineLM(
        model[known], points[known], camera, None, turn, translation
    )
    rotation, _ = cv2.Rodrigues(turn)
    translation = translation.ravel()
    angles = _angles(_line_of_sight(translation).T @ rotation)
    return HeadPose(angles[0], angles[1], angles[2], rotation, translation, camera)


def model_points() -> np.ndarray:
    """Returns the iBUG-68 landmarks of the 3-D model in the axes of `HeadPose`: (68, 3)."""
    # The z axis of the mean face points towards the camera, that of `HeadPose` away from it.
    return MEAN_FACE * (1, 1, -1)


def _line_of_sight(translation):
    """The smallest rotation that turns the camera's axis towards a point."""
    ahead = translation / np.linalg.norm(translation)
    axis = np.cross([0, 0, 1.0], ahead)
    sine = np.linalg.norm(axis)
    turn = axis / max(sine, 1e-12) * np.arctan2(sine, ahead[2])
    return cv2.Rodrigues(turn)[0]


def _angles(rotation):
    """Yaw, pitch and roll in degrees. The order of the rotations is roll, pitch, yaw."""
    ahead = rotation @ [0, 0, -1.0]  # where the nose points
    yaw = np.degrees(np.arctan2(ahead[0], -ahead[2]))
    pitch = np.degrees(np.arcsin(np.clip(-ahead[1], -1, 1)))
    level = np.cross([0, 1.0, 0], -ahead)  # direction to the head's side without roll
    level /= np.linalg.norm(level)
    side = rotation @ [1.0, 0, 0]
    roll = np.degrees(np.arctan2(side @ np.cross(-ahead, level), side @ level))
    return float(yaw), float(pitch), float(roll)
