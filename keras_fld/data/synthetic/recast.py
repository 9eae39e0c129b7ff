"""Portraits in new poses: photographs of frontal faces, turned on the head model.

`recast(photo, index, seed)` gives a photographed face another identity, expression, pose and light.
The photograph is a sheet that lies on the model's head: each of its pixels has a depth, which is
interpolated between the landmarks. The sheet is deformed as the landmarks are, turned and projected,
so the annotation moves with the picture.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from keras_fld.data.synthetic.drawn import SyntheticFace, cover, photograph, scenery
from keras_fld.data.synthetic.face3d import random_head
from keras_fld.data.synthetic.portrait import Portrait
from keras_fld.schemes.mean_face import MEAN_FACE

# The sheet beyond the landmarks: forehead and skull, then what is beside the head and below it.
_BEYOND = np.array([
    (0, -0.62, 1.11), (0, -0.95, 0.99), (0, -1.3, 0.67), (0, -1.54, 0.28), (0, -2.0, -0.3),
    (0, 1.85, 0.3), (0, 2.4, 0.2), (0, 3.2, 0.2), (0, -3, -0.8),
    *((side * x, y, z) for side in (-1, 1) for x, y, z in (
        (0.45, -0.7, 0.95), (0.74, -0.6, 0.65), (0.62, -1.26, 0.38), (0.95, -0.28, 0.3),
        (0.62, 0.35, 0.84), (0.66, 0.72, 0.71), (0.36, 0.5, 0.99), (0.29, 0.68, 1.0),
        (0.48, 1.02, 0.87), (0.3, 1.3, 0.96), (0.44, -0.18, 0.91), (0.19, 0.36, 1.04),
        (1.25, 0, -0.5), (1.25, -1, -0.5), (0.9, -1.8, -0.4), (1.1, 1.2, -0.5),
        (0.5, 1.95, 0.1), (1.2, 2.3, -0.4), (2.5, 2.6, -0.8), (2.5, 0, -1), (2.5, -2, -1))),
])  # fmt: skip
_UPPER, _LOWER = [61, 62, 63], [65, 66, 67]
_GRID = 56  # rows and columns on which the sheet is computed; between them it is interpolated


@dataclass(frozen=True)
class Photo:
    """A frontal face in face units, see `face3d`.

    Args:
        image: (height, width, 3) float32, RGB.
        alpha: (height, width) float32, 0 where the backdrop is.
        face: (68, 3) landmarks; the depth is that of the mean face.
        to_face: (2, 3) matrix from pixels of the image to face units.
    """

    image: np.ndarray
    alpha: np.ndarray
    face: np.ndarray
    to_face: np.ndarray


def photo_of(image, landmarks):
    """Prepares a photograph in front of a plain backdrop.

    Args:
        image: (height, width, 3) uint8, RGB.
        landmarks: (68, 2) pixels.

    Returns:
        A `Photo`.
    """
    to_face = cv2.estimateAffinePartial2D(landmarks.astype(np.float32),
                                          MEAN_FACE[:, :2].astype(np.float32), method=cv2.LMEDS)[0]  # fmt: skip
    flat = landmarks @ to_face[:, :2].T + to_face[:, 2]
    face = np.concatenate([flat, MEAN_FACE[:, 2:]], axis=1)
    return Photo(image.astype(np.float32), _in_front(image), face, to_face)


def _in_front(image):
    """0 where the backdrop is: what is connected with the upper corners and changes slowly."""
    smooth = cv2.bilateralFilter(image, 7, 25, 5)
    height, width = smooth.shape[:2]
    mask = np.zeros((height + 2, width + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | (255 << 8)
    for corner in ((0, 0), (width - 1, 0), (0, height // 3), (width - 1, height // 3)):
        if not mask[corner[1] + 1, corner[0] + 1]:
            cv2.floodFill(smooth.copy(), mask, corner, 0, (3, 3, 3), (3, 3, 3), flags)
    front = 255 - mask[1:-1, 1:-1]
    front = cv2.morphologyEx(front, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return cv2.GaussianBlur(front, (0, 0), 1).astype(np.float32) / 255


class _Recast(Portrait):
    """A photographed head on a canvas."""

    def __init__(self, rng, texture, canvas, photo):
        self.photo = photo
        head = random_head(rng, photo.face, 0.7, (8, 18, 32))
        self.stand(rng, texture, canvas, head)
        inside = cv2.fillConvexPoly(np.zeros(photo.alpha.shape, np.uint8), cv2.convexHull(
            self._pixels(photo.face[:36, :2]).round().astype(np.int32)), 1) > 0
        self.skin = photo.image[inside].mean(0)

    def _pixels(self, flat):
        back = cv2.invertAffineTransform(self.photo.to_face)
        return flat @ back[:, :2].T + back[:, 2]

    def draw(self):
        self.gape()
        found, known = self._seen()
        x, y = np.ascontiguousarray(found[..., 0]), np.ascontiguousarray(found[..., 1])
        color = cv2.remap(self.photo.image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.remap(self.photo.alpha, x, y, cv2.INTER_LINEAR) * known
        color = (color * found[..., 2:3]).transpose(2, 0, 1)
        self.canvas += (color - self.canvas) * alpha

    def _seen(self):
        """Returns the photograph's pixel at each of the canvas (side, side, 2), and the light."""
        photo, (height, width) = self.photo, self.photo.alpha.shape
        step = 0.6 / (self.unit * np.linalg.norm(photo.to_face[:, 0]))  # photograph's pixels
        rows, columns = int(height / step), int(width / step)
        y = np.linspace(0, height - 1, rows, dtype=np.float32)[:, None].repeat(columns, 1)
        x = np.linspace(0, width - 1, columns, dtype=np.float32)[None].repeat(rows, 0)
        grid = (_GRID - 1) * x / (width - 1), (_GRID - 1) * y / (height - 1)
        upper, lower, light = (cv2.remap(part, *grid, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
                               for part in self._sheet())
        lips = photo.face[[60, 61, 62, 63, 64], :2]
        flat_x = x * photo.to_face[0, 0] + y * photo.to_face[0, 1] + photo.to_face[0, 2]
        flat_y = x * photo.to_face[1, 0] + y * photo.to_face[1, 1] + photo.to_face[1, 2]
        below = flat_y > np.interp(flat_x, lips[:, 0], lips[:, 1])
        spots = self.head.see(np.where(below[..., None], lower, upper))
        shown = cv2.remap(photo.alpha, x, y, cv2.INTER_LINEAR) > 0.02
        at = np.round(self.place(spots)).astype(int)
        shown &= ((at >= 0) & (at < self.side)).all(-1)
        depth = spots[..., 2][shown]
        order = np.argsort((1000 * (depth - depth.min())).astype(np.uint16), kind="stable")
        target = (at[..., 1] * self.side + at[..., 0])[shown][order]
        found = np.zeros((self.side * self.side, 4), np.float32)
        found[target] = np.stack([x, y, light, np.ones_like(x)], -1)[shown][order]
        found = found.reshape(self.side, self.side, 4)
        # A pixel takes the mean of its neighborhood: rounding is smoothed and small gaps are closed.
        mean = cv2.blur(found, (3, 3))
        known = mean[..., 3] > 0.3
        mean[known] /= mean[known][:, 3:]
        return mean, known

    def _sheet(self):
        """Returns the moved sheet on the grid: points above and below the lips, and the light."""
        photo, (height, width) = self.photo, self.photo.alpha.shape
        x, y = np.meshgrid(np.linspace(0, width - 1, _GRID), np.linspace(0, height - 1, _GRID))
        flat = np.stack([x, y], -1) @ photo.to_face[:, :2].T + photo.to_face[:, 2]
        move = self.head.face - photo.face
        sheets = []
        for without in (_LOWER, _UPPER):
            keep = [i for i in range(68) if i not in without]
            known = np.concatenate([photo.face[keep], _BEYOND])
            moves = np.concatenate([move[keep], np.zeros((len(_BEYOND), 3))])
            values = _interpolate(known[:, :2], np.column_stack([known[:, 2], moves]), flat)
            sheets.append(np.dstack([flat + values[..., 1:3], values[..., 0] + values[..., 3]]))
        return [part.astype(np.float32) for part in (*sheets, self._light(sheets[0]))]

    def _light(self, points):
        """Returns the light that falls on points of the sheet, relative to that from the front."""
        turned = (points * self.head.stretch) @ self.head.rotation.T
        normal = np.cross(np.gradient(turned, axis=1), np.gradient(turned, axis=0))
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-9
        light = self.rng.normal((0, -0.3, 1.0), (0.7, 0.35, 0.15))
        ambient = self.rng.uniform(0.35, 1)
        shade = ambient + (1 - ambient) * np.maximum(normal @ light / np.linalg.norm(light), 0) * 1.3
        return cv2.GaussianBlur(shade, (0, 0), 1)


def recast(photo, index, seed=0, size=224):
    """Draws a photographed face anew; the same arguments always give the same pixels.

    Args:
        photo: a `Photo`.
        index: index of the face, from 0.
        seed: number of the series of faces, from 0.
        size: height and width of the image in pixels.

    Returns:
        A `SyntheticFace`.
    """
    bits = np.random.Philox(key=[seed, index])
    rng, texture = np.random.Generator(bits), np.random.Generator(bits.jumped())
    portrait = _Recast(rng, texture, scenery(rng, texture, size), photo)
    portrait.draw()
    cover(portrait)
    return SyntheticFace(photograph(portrait, size), portrait.points.astype(np.float32))


def _interpolate(known, values, at):
    """Interpolates values (n, channels) of points (n, 2), smoothly, and constant far from them."""
    def kernel(a, b):
        return np.linalg.norm(a[..., None, :] - b, axis=-1)
    n = len(known)
    system = np.ones((n + 1, n + 1))
    system[:n, :n], system[n, n] = kernel(known, known), 0
    weights = np.linalg.solve(system, np.concatenate([values, np.zeros((1, values.shape[1]))]))
    return kernel(at, known) @ weights[:n] + weights[n]
