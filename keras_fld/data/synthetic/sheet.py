"""A photographed face as a sheet on the head model.

Each pixel has a place in face units (`face3d`): its depth is interpolated between the landmarks,
whose depth is that of the mean face in the photograph's pose. When the landmarks move, the sheet is
deformed with them.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from keras_fld.data.synthetic.face3d import CLOSED_LIPS, distances
from keras_fld.schemes.mean_face import MEAN_FACE

# The sheet beyond the landmarks: forehead and cheeks, then what is around the head and below it.
_MIDDLE = [(0, -0.62, 1.11), (0, -0.95, 0.99), (0, -1.3, 0.67), (0, -1.54, 0.28), (0, -2, -0.3),
           (0, 1.85, 0.3), (0, 2.4, 0.2), (0, 3.2, 0.2), (0, -3, -0.8)]  # fmt: skip
_SIDES = np.array([
    (0.45, -0.7, 0.95), (0.74, -0.6, 0.65), (0.62, -1.26, 0.38), (0.95, -0.28, 0.3),
    (0.62, 0.35, 0.84), (0.66, 0.72, 0.71), (0.36, 0.5, 0.99), (0.29, 0.68, 1.0),
    (0.48, 1.02, 0.87), (0.3, 1.3, 0.96), (0.44, -0.18, 0.91), (0.19, 0.36, 1.04),
    (1.25, 0, -0.5), (1.25, -1, -0.5), (0.9, -1.8, -0.4), (1.1, 1.2, -0.5),
    (0.5, 1.95, 0.1), (1.2, 2.3, -0.4), (2.5, 2.6, -0.8), (2.5, 0, -1), (2.5, -2, -1),
])  # fmt: skip
_BEYOND = np.concatenate([_MIDDLE, _SIDES, _SIDES * (-1, 1, 1)])
# The outline of a photographed face is its jawbone, which is farther back than that of a drawn one.
_JAW_DEPTH = np.array([0.08, 0.15, 0.22, 0.26, 0.27, 0.23, 0.16, 0.08, 0])
_PHOTOGRAPHED = MEAN_FACE.copy()
_PHOTOGRAPHED[:17, 2] -= np.concatenate([_JAW_DEPTH, _JAW_DEPTH[-2::-1]])
# The inner lips meet in a closed mouth, so each half of the sheet follows one of them.
_INNER_LIPS = ([65, 66, 67], [61, 62, 63])
_LIP_LINE = [60, 61, 62, 63, 64]
_SLACK = 1e-4  # face units; landmarks are met to a small fraction of a pixel
_GRID = 56  # rows and columns on which the sheet is solved for


@dataclass(frozen=True)
class Sheet:
    """A photographed face.

    Args:
        image: (height, width, 3) float32, RGB.
        alpha: (height, width) float32: 0 on a plain backdrop, 1 elsewhere.
        landmarks: (68, 2) pixels.
        scale: pixels in a face unit.
        rotation: (3, 3) rotation of the head.
        face: (68, 3) landmarks of the upright head that looks into the camera, in face units.
        halves: above the lips' line and below it, the sheet of that head at rest (grid, grid, 3),
            and (grid, grid, 68) how it follows the landmarks.
    """

    image: np.ndarray
    alpha: np.ndarray
    landmarks: np.ndarray
    scale: float
    rotation: np.ndarray
    face: np.ndarray
    halves: list[tuple[np.ndarray, np.ndarray]]

    def skin(self):
        """Computes the mean color (3,) between jaw and brows."""
        outline = cv2.convexHull(self.landmarks[:27].astype(np.int32))
        inside = cv2.fillConvexPoly(np.zeros(self.alpha.shape, np.uint8), outline, 255)
        return np.array(cv2.mean(self.image, inside)[:3], np.float32)

    def moved(self, face):
        """Computes where the sheet is when the landmarks have moved to face (68, 3).

        Returns:
            Two arrays (grid, grid, 3) over the photograph: the sheet above the lips' line and the
            one below it.
        """
        moves = face - self.face
        return [rest + follow @ moves for rest, follow in self.halves]

    def below_lips(self, x, y):
        """Whether pixels are below the line of the lips, which goes on beyond their corners."""
        line = self.landmarks[_LIP_LINE] @ [1, 1j]
        level = (line[-1] - line[0]).conj()  # turns the corners of the mouth to one height
        bent, at = (line - line[0]) * level, (x + 1j * y - line[0]) * level
        bent = np.sort(bent)  # by the real part
        return at.imag > np.interp(at.real, bent.real, bent.imag)


def sheet_of(image, landmarks, backdrop):
    """Prepares a photograph of a face.

    Args:
        image: (height, width, 3) uint8, RGB.
        landmarks: (68, 2) pixels, iBUG-68.
        backdrop: whether a plain backdrop is cut out.

    Returns:
        A `Sheet`.
    """
    scale, rotation, origin = _camera(landmarks)
    depth = _PHOTOGRAPHED @ rotation[2]
    seen = np.column_stack([(landmarks - origin) / scale, depth])
    height, width = image.shape[:2]
    flat = np.stack(
        np.meshgrid(np.linspace(0, width - 1, _GRID), np.linspace(0, height - 1, _GRID)), -1
    )
    flat = (flat - origin) / scale
    gap = np.linalg.norm(seen[_INNER_LIPS[0]] - seen[_INNER_LIPS[1]][::-1], axis=1).max()
    lips = _INNER_LIPS if gap <= CLOSED_LIPS else ([], [])
    halves = [_half(seen, rotation, flat, other) for other in lips]
    alpha = _person(image, landmarks) if backdrop else np.ones((height, width), np.float32)
    return Sheet(
        image.astype(np.float32), alpha, landmarks, scale, rotation, seen @ rotation, halves
    )


def _camera(landmarks):
    """Fits the mean face to landmarks: scale, rotation (3, 3), and the pixel of its origin (2,).

    The camera is far away. Jaw landmarks are left out: in a turned head they are elsewhere.
    """
    inner = np.r_[8, 17:68]
    model, points = MEAN_FACE[inner], landmarks[inner]
    middle = model.mean(0)
    rows = np.linalg.lstsq(model - middle, points - points.mean(0), rcond=None)[0].T
    left, sizes, right = np.linalg.svd(rows, full_matrices=False)
    first, second = left @ right
    rotation, scale = np.stack([first, second, np.cross(first, second)]), sizes.mean()
    return scale, rotation, points.mean(0) - scale * rotation[:2] @ middle


def _half(seen, rotation, flat, without):
    """Computes one half of the sheet at rest, and how it follows the landmarks."""
    keep = np.setdiff1d(np.arange(len(seen)), without)
    known = np.concatenate([seen[keep], _BEYOND @ rotation.T])
    weights = _interpolation(known[:, :2], flat)
    follow = np.zeros((*flat.shape[:2], len(seen)))
    follow[..., keep] = weights[..., : len(keep)]
    return np.concatenate([flat, weights @ known[:, 2:]], axis=-1) @ rotation, follow


def _person(image, landmarks):
    """0 on the backdrop, which is connected with the upper part of the edge and changes slowly."""
    smooth = cv2.bilateralFilter(image, 7, 25, 5)
    height, width = smooth.shape[:2]
    mask = np.zeros((height + 2, width + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | (255 << 8)
    for x, y in ((0, 0), (width - 1, 0), (0, height // 3), (width - 1, height // 3)):
        cv2.floodFill(smooth, mask, (x, y), 0, (3, 3, 3), (3, 3, 3), flags)
    person = cv2.morphologyEx(255 - mask[1:-1, 1:-1], cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    face = cv2.fillConvexPoly(
        np.zeros_like(person), cv2.convexHull(landmarks.astype(np.int32)), 255
    )
    if cv2.mean(person, face)[0] < 250:  # skin as bright as the backdrop: nothing is cut out
        person[:] = 255
    return cv2.GaussianBlur(person, (0, 0), 1).astype(np.float32) / 255


def _interpolation(known, at):
    """Computes the weights (..., n) of values at points (n, 2) in the values at other points."""
    count = len(known)
    system = np.ones((count + 1, count + 1))
    # Closed lids share a point, and an exact interpolation of both does not exist.
    system[:count, :count] = distances(known, known) - _SLACK * np.eye(count)
    system[count, count] = 0
    basis = np.concatenate([distances(at, known), np.ones((*at.shape[:-1], 1))], axis=-1)
    return (basis @ np.linalg.inv(system))[..., :count]
