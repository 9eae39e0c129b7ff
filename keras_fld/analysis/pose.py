"""Which way a head looks, from its landmarks and a 3-D model of the face."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

from keras_fld.schemes import Scheme, convert
from keras_fld.schemes.mean_face import MEAN_FACE

# Landmarks that expressions move least: the nose's bridge and wings, the eyes' corners, and the
# upper half of the contour. The jaw and the mouth open, the brows rise.
RIGID = (0, 1, 2, 14, 15, 16, 27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45)


@dataclass(frozen=True)
class HeadPose:
    """Where a head is and how it is turned.

    The three angles are those from the line of sight, so that a face that looks into the camera has
    none wherever in the photograph it is, and however the photograph was cut.

    Args:
        yaw: degrees to the side; positive where the nose points to the image's right.
        pitch: degrees up (positive) or down.
        roll: degrees of tilt in the image, positive clockwise.
        rotation: (3, 3), from the model's axes (x right, y down, z away from the camera, as in
            the image) to the camera's.
        translation: (3,) of the model's origin, between the ears at the height of the eyes, in
            units of the model: half the distance between the ears, about 7.5 cm.
        camera: (3, 3) matrix of the camera that was assumed.
    """

    yaw: float
    pitch: float
    roll: float
    rotation: np.ndarray
    translation: np.ndarray
    camera: np.ndarray

    def project(self, points: ArrayLike) -> np.ndarray:
        """Points of the model as pixels, to draw axes or glasses: (points, 3) to (points, 2)."""
        seen = (np.asarray(points, float) @ self.rotation.T + self.translation) @ self.camera.T
        return seen[:, :2] / seen[:, 2:]


def head_pose(
    landmarks: ArrayLike,
    image_size: Sequence[int],
    scheme: Scheme | str = "ibug68",
    focal_length: float | None = None,
) -> HeadPose:
    """Estimates a head's pose by `cv2.solvePnP` on the landmarks that expressions move least.

    The model is the package's own hand-made mean face, symmetric and neutral: a person's own
    proportions turn the answer by some degrees, so compare a person with themselves where that
    matters.

    Args:
        landmarks: (landmarks, 2) photograph pixels.
        image_size: (height, width) of the photograph.
        scheme: of the landmarks: a `Scheme` or its name, "ibug68" or one that converts to
            it.
        focal_length: of the camera in pixels; None takes the photograph's longer side, the view
            of a phone's main camera.

    Returns:
        A `HeadPose`.

    Raises:
        ValueError: fewer than six of the landmarks it needs are known, or no pose fits them.

    Examples:
        >>> head_pose(face.landmarks, image.shape[:2]).yaw
        -12.3
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
    # SQPnP needs no first guess, and the refinement ends in the least squares of the pixels.
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
    """The 3-D model's iBUG-68 landmarks in `HeadPose`'s axes: (68, 3)."""
    # The face looks towards the camera, so that its z is the camera's reversed.
    return MEAN_FACE * (1, 1, -1)


def _line_of_sight(translation):
    """The smallest rotation that turns the camera's axis towards a place."""
    ahead = translation / np.linalg.norm(translation)
    axis = np.cross([0, 0, 1.0], ahead)
    sine = np.linalg.norm(axis)
    turn = axis / max(sine, 1e-12) * np.arctan2(sine, ahead[2])
    return cv2.Rodrigues(turn)[0]


def _angles(rotation):
    """Yaw, pitch and roll in degrees; the head is rolled first, then pitched, then turned."""
    ahead = rotation @ [0, 0, -1.0]  # where the nose points
    yaw = np.degrees(np.arctan2(ahead[0], -ahead[2]))
    pitch = np.degrees(np.arcsin(np.clip(-ahead[1], -1, 1)))
    level = np.cross([0, 1.0, 0], -ahead)  # to the head's side, were it not rolled
    level /= np.linalg.norm(level)
    side = rotation @ [1.0, 0, 0]
    roll = np.degrees(np.arctan2(side @ np.cross(-ahead, level), side @ level))
    return float(yaw), float(pitch), float(roll)
