"""Augmentation: random numbers drawn once per face, applied to image and landmarks together.

It is NumPy and OpenCV alone, so that every data path uses the same code. A face's numbers depend on
(seed, epoch, index) only: neither batch size nor threads change what is drawn.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from keras_fld.data.crops import OVERSAMPLING, Crops
from keras_fld.geometry.frame import compose, transform, turned, warp

# On RGB: the colors as they are, and their luma in each channel.
_SAME = np.eye(3)
_GRAY = np.tile([0.299, 0.587, 0.114], (3, 1))


@dataclass(frozen=True)
class Augmentation:
    """How strongly faces are changed; the defaults are the package's training recipe.

    Args:
        rotation: largest turn in degrees; drawn from a normal distribution of a third of it.
        scale: largest relative change of size, uniform.
        jitter: largest shift of the box in crop sides, uniform in x and y.
        flip: probability of a mirror image.
        color: strength of brightness, contrast, saturation and color-cast changes.
        gray: probability of a gray image.
        blur: probability of a blur, of up to 1.5 pixels of the crop.
        occlusion: probability of each of two patches that cover part of the crop.
        stretch: largest logarithm of a stretch along a random direction, the area staying: faces of
            other proportions; uniform.
        dark: probability of a picture in poor light: `darken`.
        small: probability of a picture of a face of fewer pixels: `shrink`.
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
    """Random numbers of one face in one epoch."""
    return np.random.Generator(np.random.Philox(key=[seed, (epoch << 32) | index]))


def augment(crops: Crops, index, rng, options: Augmentation):
    """Draws an augmented crop of one face.

    Args:
        crops: crops made by `training_crops`.
        index: which face.
        rng: a `numpy.random.Generator`.
        options: what may change and how much.

    Returns:
        image (size, size, 3) uint8 and landmarks (landmarks, 2) float32, both of the model's crop,
        and where the crops have weights, the face's (landmarks,) weights.
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
    """The part of an augmentation that moves nothing: colors, blur and occlusion of a crop."""
    image = _change_color(image, rng, options)
    # A probability of 0 draws no number: recipes from before these two repeat.
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
    """The picture in a tenth to three fifths of the light, with the noise that a camera adds."""
    noise = rng.normal(0, rng.uniform(0, 8), image.shape)
    return np.clip(image * rng.uniform(0.1, 0.6) + noise, 0, 255).astype(np.uint8)


def shrink(image, rng):
    """The picture as if its face had been a fifth to four fifths as large."""
    size = len(image)
    side = max(1, round(size * rng.uniform(0.2, 0.8)))
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)


def _random_matrix(crop_size, size, mirrored, rng, options):
    """Training to model crop: turned, scaled, shifted, stretched and perhaps mirrored about the
    middle."""
    limit = options.rotation
    angle = math.radians(min(max(rng.normal(0, limit / 3), -limit), limit))
    zoom = (1 + options.scale * rng.uniform(-1, 1)) / OVERSAMPLING
    shift = options.jitter * size * rng.uniform(-1, 1, 2)
    matrix = turned(crop_size, size, angle, zoom, shift, mirrored)
    if options.stretch:
        matrix = compose(_stretched(size, options.stretch, rng), matrix)
    return matrix


def _stretched(size, limit, rng):
    """Matrix of a stretch of the model's crop about its middle."""
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
    """Brightness, contrast, saturation and a color cast as one matrix on the channels."""
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
    """Covers a random rectangle, in place, by a color, noise or another part of the image."""
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
