"""Drawn faces with exact landmarks, for demos and tests without a download.

`draw(index, seed)` paints a face that resembles a photograph. A 3-D head (`face3d`) is projected,
its skin is drawn as shaded tiles, and its features are painted along the projected landmarks
(`portrait`). The annotation is therefore exact, even under an occlusion. This module adds the
background, occluding objects, and the effects of a camera.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from keras_fld import schemes
from keras_fld.data.synthetic.brush import grain, oval, paint, resized, spline
from keras_fld.data.synthetic.portrait import Portrait
from keras_fld.schemes.mean_face import MEAN_FACE

__all__ = ["MEAN_FACE", "SyntheticFace", "draw"]


@dataclass(frozen=True)
class SyntheticFace:
    """A drawn face.

    Args:
        image: (size, size, 3) uint8, RGB.
        landmarks: (landmarks, 2) float32, (x, y) pixels of the image; pixel centers have integer
            coordinates.
    """

    image: np.ndarray
    landmarks: np.ndarray


def draw(index: int, seed: int = 0, size: int = 160, scheme="ibug68") -> SyntheticFace:
    """Draws a face; the same arguments always give the same pixels.

    Identity, expression, pose, colors and occlusions depend only on seed and index. Another size
    scales the same face, and another scheme returns other landmarks of the same image.

    Args:
        index: index of the face, from 0.
        seed: number of the series of faces, from 0.
        size: height and width of the image in pixels, at least 48.
        scheme: scheme of the landmarks: a `Scheme` of the package, its name or its number of
            landmarks. Pupils are the centers of the irises; lower brow edges follow the paint.

    Returns:
        A `SyntheticFace`, with all landmarks inside the image.

    Raises:
        ValueError: an argument is too small, or the scheme is unknown.

    Examples:
        >>> face = draw(3, size=96)
        >>> face.image.shape, face.landmarks.shape
        ((96, 96, 3), (68, 2))
        >>> draw(3, size=96, scheme="wflw98").landmarks.shape
        (98, 2)
    """
    for name, value in (("index", index), ("seed", seed)):
        if value < 0:
            raise ValueError(f"{name} must be non-negative. Got: {value}")
    if size < 48:
        raise ValueError(f"size must be at least 48. Got: {size}")
    scheme = schemes.get(scheme)
    bits = np.random.Philox(key=[seed, index])
    rng, texture = np.random.Generator(bits), np.random.Generator(bits.jumped())
    # Painted at twice the size and averaged, which smooths every edge.
    portrait = Portrait(rng, texture, scenery(rng, texture, 2 * size))
    portrait.draw()
    cover(portrait)
    image = photograph(portrait, size)
    # Pixel centers have integer coordinates in both: large = 2 * small + 0.5.
    return SyntheticFace(image, ((portrait.landmarks(scheme) - 0.5) / 2).astype(np.float32))


def scenery(rng, texture, side):
    """Paints an out-of-focus background, small and enlarged: (3, side, side) float32."""
    n = int(rng.choice([16, 32, 64]))

    def tone():
        return (rng.uniform(15, 240) + rng.normal(0, 22, 3))[:, None, None]

    near, far, angle = tone(), tone(), rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : n * 1j, -1 : 1 : n * 1j]
    ramp = 0.5 + 0.35 * (x * np.cos(angle) + y * np.sin(angle))
    scene = (near + (far - near) * ramp).astype(np.float32)
    for _ in range(rng.integers(0, 9)):
        corners, upright = int(rng.choice([4, 20])), rng.random() < 0.6
        turn = np.pi / 4 if upright else rng.uniform(0, np.pi)  # upright like walls and windows
        shape = oval((0, 0), 1, n=corners, angle=turn) * rng.uniform(0.05, 0.5, 2) * n
        opacity, soft = rng.uniform(0.3, 1), rng.uniform(0, 0.04) * n
        paint(scene, shape + rng.uniform(0, n, 2), tone().ravel(), opacity, soft)
    scene += rng.uniform(0, 12) * grain(texture, n, n, n)
    return resized(scene, side, cv2.INTER_CUBIC)


def cover(portrait):
    """Adds glasses to some faces, and other occlusions to some."""
    wears, covered = portrait.rng.random(2)
    if wears < 0.22:
        _glasses(portrait, sun=wears < 0.06)
    if covered < 0.04:
        _mask(portrait)
    elif covered < 0.07:
        _hand(portrait)
    elif covered < 0.14:
        _patch(portrait)


def _glasses(portrait, sun):
    rng = portrait.rng
    rim = rng.choice([(20, 20, 22), (70, 46, 30), (150, 120, 70), (140, 140, 145)])
    w, h, power = rng.uniform(0.3, 0.38), rng.uniform(0.2, 0.3), rng.uniform(2, 4)
    dark, frame = rng.uniform(5, 50), rng.uniform(0.03, 0.07)
    t = np.linspace(0, 2 * np.pi, 32)
    x, y = (np.abs(f) ** (2 / power) * np.sign(f) for f in (np.cos(t), np.sin(t)))
    for side in (-1, 1):
        across = side * 0.45 + w * x
        lens = portrait.see(np.stack([across, 0.02 + h * y, 1.08 - 0.2 * np.abs(across)], axis=1))
        glass, opacity = ((dark,) * 3, 0.96) if sun else ((235, 240, 245), 0.08)
        portrait.paint(lens, glass, opacity)
        portrait.paint(lens, rim, 0.95, 0, frame)
        if side * portrait.head.rotation[0, 2] < 0.15:  # the far temple is behind the face
            temple = portrait.see([(side * (0.45 + w), -0.05, 0.9), (side * 1.03, -0.06, 0.1)])
            portrait.paint(temple, rim, 0.95, 0, 0.05)
    bridge = portrait.see([(w - 0.45, -0.03, 1.05), (0.45 - w, -0.03, 1.05)])
    portrait.paint(bridge, rim, 0.95, 0, 0.05)


def _mask(portrait):
    p = portrait.points
    cloth = portrait.rng.choice([(216, 219, 221), (138, 175, 198), (28, 28, 31), (175, 55, 64)])
    top = [p[14] * 0.3 + p[28] * 0.7, p[28], p[2] * 0.3 + p[28] * 0.7]
    outline = np.concatenate([p[2:15], top])
    portrait.paint(p[30] + (outline - p[30]) * 1.03, cloth, 1, 0.01)
    for row in (0.35, 0.6, 0.85):
        fold = p[[2, 28, 14]] * (1 - row) + p[[5, 8, 11]] * row
        portrait.paint(spline(fold), cloth * 0.75, 0.5, 0.02, 0.03)


def _hand(portrait):
    rng, u, skin = portrait.rng, portrait.unit, portrait.skin
    at = portrait.points[rng.integers(0, 17)] + rng.normal(0, 0.1, 2) * u
    aim = portrait.points[30] - at
    aim = aim / np.linalg.norm(aim) * u
    across = np.array([-aim[1], aim[0]])
    palm = at - aim * 0.5
    portrait.paint(np.array([palm, palm - aim * 3]), skin * 0.85, 1, 0.01, 0.6)
    portrait.paint(oval(palm, 0.45 * u), skin * 0.88, 1, 0.02)
    for place, reach in zip((-1.5, -0.5, 0.5, 1.5), (0.55, 0.75, 0.8, 0.65), strict=True):
        root = palm + across * place * 0.22
        finger = np.array([root, root + aim * reach + across * place * 0.05])
        portrait.paint(finger, skin * 0.6, 0.8, 0.01, 0.22)
        portrait.paint(finger, skin * rng.uniform(0.9, 1), 1, 0.02, 0.17)


def _patch(portrait):
    rng, u = portrait.rng, portrait.unit
    at = portrait.points[rng.integers(0, 68)] + rng.normal(0, 0.2, 2) * u
    radii, turn, corners = rng.uniform(0.25, 0.8, 2) * u, rng.uniform(0, np.pi), rng.choice([4, 24])
    tone = rng.uniform(0, 255, 3).astype(np.float32)[:, None, None]
    rough = tone + 20 * grain(portrait.texture, portrait.side, 25, 25)
    portrait.paint(oval(at, radii[0], radii[1], turn, int(corners)), rough, 1, rng.uniform(0, 0.05))


def photograph(portrait, n):
    """Simulates light, lens and sensor: (n, n, 3) uint8."""
    rng, image = portrait.rng, resized(portrait.canvas, n, cv2.INTER_AREA)
    exposure, warmth, slope = rng.uniform(0.75, 1.3), rng.normal(0, 0.07), rng.normal(0, 0.2, 2)
    exposure *= (150 / portrait.skin.mean()) ** 0.35  # automatic exposure for the face
    ramp = np.linspace(-1, 1, n)
    light = exposure * (1 + slope[0] * ramp[:, None] + slope[1] * ramp)
    contrast, noise = rng.uniform(0.65, 1.1), rng.gamma(1.5, 2.0)
    balance = np.array([1 + warmth, 1, 1 - warmth])[:, None, None]
    image = image * np.float32(contrast * light) * np.float32(balance)
    image += np.float32(128 * (1 - contrast))
    image += portrait.texture.standard_normal(image.shape, np.float32) * np.float32(noise)
    gray, unsharp, blur = rng.random(), rng.random(), rng.uniform(0.3, 1.3) * n / 160
    if gray < 0.08:
        image[:] = image.mean(0)
    image = cv2.merge(list(image))
    if unsharp < 0.4:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    return image.clip(0, 255).astype(np.uint8)
