"""Drawn surfaces without a face: walls, stripes, clouds and heaps of shapes."""

import cv2
import numpy as np

from keras_fld.data.synthetic.brush import grain, oval, paint


def texture(rng, size):
    """One surface.

    Args:
        rng: a `numpy.random.Generator`.
        size: side in pixels.

    Returns:
        (size, size, 3) uint8.

    Examples:
        >>> texture(np.random.default_rng(0), 64).shape
        (64, 64, 3)
    """
    kind = rng.integers(4)
    canvas = (_flat, _clouds, _stripes, _shapes)[kind](rng, size)
    canvas = canvas + rng.uniform(0, 10) * rng.standard_normal(canvas.shape)
    return np.moveaxis(canvas, 0, -1).clip(0, 255).astype(np.uint8)


def _tone(rng):
    return (rng.uniform(10, 245) + rng.normal(0, 25, 3))[:, None, None]


def _flat(rng, size):
    """One color that changes slowly across."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    ramp = 0.5 + 0.35 * (x * np.cos(angle) + y * np.sin(angle))
    return _tone(rng) * (1 - ramp) + _tone(rng) * ramp


def _clouds(rng, size):
    """Noise at several sizes."""
    planes = np.zeros((3, size, size))
    for spots in rng.choice([3, 5, 9, 17, 33], rng.integers(1, 4), replace=False):
        color = rng.normal(0, 1, 3)[:, None, None]
        planes += color * rng.uniform(15, 45) * grain(rng, size, spots, spots)
    return _tone(rng) + planes


def _stripes(rng, size):
    """Stripes or a grid, straight or bent, sharp or soft."""
    angle, period = rng.uniform(0, np.pi), rng.uniform(0.05, 0.6) * size
    y, x = np.mgrid[:size, :size] + rng.uniform(0, size)
    bend = rng.uniform(0, 0.15) * size * np.sin(2 * np.pi * y / size)
    along = x * np.cos(angle) + y * np.sin(angle) + bend
    wave = np.sin(2 * np.pi * along / period)
    if rng.random() < 0.4:
        wave *= np.sin(2 * np.pi * (y * np.cos(angle) - x * np.sin(angle)) / period)
    share = 0.5 + 0.5 * np.tanh(wave * rng.uniform(1, 8))
    return _tone(rng) * (1 - share) + _tone(rng) * share


def _shapes(rng, size):
    """Ovals and polygons over one another."""
    canvas = _flat(rng, size).astype(np.float32)
    for _ in range(rng.integers(2, 12)):
        corners = int(rng.choice([3, 4, 20]))
        outline = oval((0, 0), 1, n=corners, angle=rng.uniform(0, np.pi))
        outline = outline * rng.uniform(0.04, 0.5, 2) * size + rng.uniform(0, size, 2)
        paint(canvas, outline, _tone(rng).ravel(), rng.uniform(0.4, 1), rng.uniform(0, 0.03) * size)
    if rng.random() < 0.5:
        canvas = np.stack([cv2.GaussianBlur(plane, (0, 0), 1.0) for plane in canvas])
    return canvas
