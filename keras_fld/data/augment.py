"""Augmentation: random parameters are drawn once per face and applied to image and landmarks.

The code uses only NumPy and OpenCV, so every data path shares it. A face's random numbers depend
only on (seed, epoch, index), not on the batch size or the number of threads.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from keras_fld.data.crops import OVERSAMPLING, Crops
from keras_fld.geometry.frame import compose, transform, turned, warp

# Color matrices on RGB: the identity, and the luma in every channel.
_SAME = np.eye(3)
_GRAY = np.tile([0.299, 0.587, 0.114], (3, 1))


@dataclass(frozen=True)
class Augmentation:
    """Strength of the augmentation. The defaults are those of the package's training recipe.

    Args:
        rotation: largest rotation in degrees. Drawn from a normal distribution whose standard
            deviation is a third of it.
        scale: largest relative change of size, drawn uniformly.
        jitter: largest shift of the box in x and y, in crop sides, drawn uniformly.
        flip: probability of a mirror image.
        color: strength of changes in brightness, contrast, saturation and color cast.
        gray: probability of a grayscale image.
        blur: probability of a Gaussian blur, with a sigma of up to 1.5 crop pixels.
        occlusion: probability of each of two patches that cover part of the crop.
        stretch: largest logarithm of a stretch along a random direction, drawn uniformly. The area
            is preserved. This varies the proportions of the face.
        dark: probability of poor light, see `darken`.
        small: probability of a low resolution, see `shrink`.

    Raises:
        ValueError: an option is out of range.

    Examples:
        >>> Augmentation(rotation=15.0, flip=0.0).rotation
        15.0
    """

    rotation: float = 30.0
    scale: float = 0.1
    jitter: float = 0.05
    flip: float = 0.5
    color: float = 0.3
    gray: float = 0.1
    blur: float = 0.15
    occlusion: float = 0.15
    stretch: float = 0.0
    dark: float = 0.0
    small: float = 0.0

    def __post_init__(self):
        for name in ("flip", "gray", "blur", "occlusion", "dark", "small"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be between 0 and 1. Got: {getattr(self, name)}")
        for name in ("rotation", "scale", "jitter", "stretch", "color"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0. Got: {getattr(self, name)}")


def generator(seed, epoch, index):
    """Returns the random number generator of one face in one epoch."""
    return np.random.Generator(np.random.Philox(key=[seed, (epoch << 32) | index]))


def augment(crops: Crops, index, rng, options: Augmentation):
    """Draws an augmented crop of one face.

    Args:
        crops: crops made by `training_crops`.
        index: index of the face.
        rng: a `numpy.random.Generator`.
        options: the `Augmentation` to draw from.

    Returns:
        image (size, size, 3) uint8 and landmarks (landmarks, 2) float32 in pixels of the model's
        crop. If the crops have weights, also the face's weights (landmarks,).
    """
    size = crops.frame.size
    mirrored = rng.random() < options.flip
    matrix = _random_matrix(crops.images.shape[1], size, mirrored, rng, options)
    image = warp(crops.images[index], matrix, size)
    order = crops.scheme.mirror if mirrored else slice(None)
    landmarks = transform(crops.landmarks[index], matrix)[order]
    sample = change_pixels(image, rng, options), landmarks.astype(np.float32)
    return sample if crops.weights is None else (*sample, crops.weights[index][order])


def change_pixels(image, rng, options: Augmentation):
    """Applies the part of an augmentation that moves no landmark: colors, blur and occlusion."""
    image = _change_color(image, rng, options)
    # With probability 0, no number is drawn, so recipes older than these two stay reproducible.
    if options.dark and rng.random() < options.dark:
        image = darken(image, rng)
    if options.small and rng.random() < options.small:
        image = shrink(image, rng)
    if rng.random() < options.blur:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.5))
    for _ in range(2):
        if rng.random() < options.occlusion:
            _occlude(image, rng)
    return image


def darken(image, rng):
    """Dims an image to 10 to 60 % of its brightness and adds noise, as in poor light."""
    noise = rng.normal(0, rng.uniform(0, 8), image.shape)
    return np.clip(image * rng.uniform(0.1, 0.6) + noise, 0, 255).astype(np.uint8)


def shrink(image, rng):
    """Lowers the resolution of an image to 20 to 80 % of its size, and restores the size."""
    size = len(image)
    side = max(1, round(size * rng.uniform(0.2, 0.8)))
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)


def _random_matrix(crop_size, size, mirrored, rng, options):
    """Draws the matrix from training crop to model crop: rotation, scale, shift, stretch, flip."""
    limit = options.rotation
    angle = math.radians(min(max(rng.normal(0, limit / 3), -limit), limit))
    zoom = (1 + options.scale * rng.uniform(-1, 1)) / OVERSAMPLING
    shift = options.jitter * size * rng.uniform(-1, 1, 2)
    matrix = turned(crop_size, size, angle, zoom, shift, mirrored)
    if options.stretch:
        matrix = compose(_stretched(size, options.stretch, rng), matrix)
    return matrix


def _stretched(size, limit, rng):
    """Draws the matrix of a stretch of the model's crop about its center."""
    factor, direction = math.exp(limit * rng.uniform(-1, 1)), rng.uniform(0, math.pi)
    turn = np.array(
        [
            [math.cos(direction), math.sin(direction)],
            [-math.sin(direction), math.cos(direction)],
        ]
    )
    linear, middle = turn.T @ np.diag([factor, 1 / factor]) @ turn, np.full(2, (size - 1) / 2)
    return np.column_stack([linear, middle - linear @ middle])


def _change_color(image, rng, options):
    """Changes brightness, contrast, saturation and color cast with one matrix."""
    strength = options.color
    contrast, saturation = 1 + strength * rng.uniform(-1, 1, 2)
    cast = 1 + strength / 3 * rng.uniform(-1, 1, 3)
    brightness = 255 * strength / 2 * rng.uniform(-1, 1)
    if rng.random() < options.gray:
        saturation = 0.0
    matrix = np.empty((3, 4))
    mix = saturation * _SAME + (1 - saturation) * _GRAY
    matrix[:, :3] = contrast * cast[:, None] * mix
    matrix[:, 3] = 128 * (1 - contrast) + brightness
    return cv2.transform(image, matrix)


def _occlude(image, rng):
    """Covers a random rectangle, in place, with a color, noise or another part of the image."""
    size = len(image)
    width, height = (size * rng.uniform(0.1, 0.45, 2)).astype(int)
    x, y = rng.integers(0, size - width), rng.integers(0, size - height)
    kind = rng.integers(3)
    if kind == 0:
        patch = rng.integers(0, 256, 3)
    elif kind == 1:
        patch = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    else:
        u, v = rng.integers(0, size - width), rng.integers(0, size - height)
        patch = image[v : v + height, u : u + width].copy()
    image[y : y + height, x : x + width] = patch
