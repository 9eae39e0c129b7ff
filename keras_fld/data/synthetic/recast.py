"""Photographed faces with another expression, pose, light and background.

`recast` puts photographs on the head model (`sheet`), whose identity, expression and pose are
changed at random. The annotation moves with the picture.
"""

import math
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from keras_fld._internal.images import decode_image
from keras_fld._internal.threads import in_threads, one_opencv_thread
from keras_fld.data.faces import Face, FaceSet, evenly
from keras_fld.data.synthetic.drawn import cover, photograph, scenery
from keras_fld.data.synthetic.face3d import random_head
from keras_fld.data.synthetic.portrait import Portrait
from keras_fld.data.synthetic.sheet import sheet_of
from keras_fld.geometry.frame import landmark_box
from keras_fld.schemes import IBUG68

_SIZE = 240  # pixels of an image's side; the face takes about half of it
_STEP = 0.7  # pixels of the canvas between the sheet's points, which leaves no gap
_SEED = 2  # number of this series of faces, see `reader.SEEDS`
_AROUND = 64  # photographs of the set that backgrounds are cut from
_TURNED = math.radians(35)  # in a photograph of a head turned further, a cheek hides the other


@dataclass(frozen=True)
class Recasting:
    """How faces are recast.

    Args:
        each: number of portraits made of each face, at least 1.
        yaw: standard deviations of the turn to the side in degrees, one of which is chosen.
        identity: how far identity changes, as a factor of the variety of drawn faces.
        backdrop: whether the photographs have a plain backdrop, which another background replaces.
            Glasses, masks and other objects are then added, too.
        surroundings: share of the portraits in front of a piece of another photograph of the set,
            0 to 1. The others have a drawn background.

    Raises:
        ValueError: a value is out of range.

    Examples:
        >>> Recasting(each=20)
        Recasting(each=20, yaw=(8.0, 18.0, 32.0), identity=0.5, backdrop=True, surroundings=0.0)
    """

    each: int
    yaw: tuple[float, ...] = (8.0, 18.0, 32.0)
    identity: float = 0.5
    backdrop: bool = True
    surroundings: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "yaw", tuple(map(float, self.yaw)))
        if self.each < 1:
            raise ValueError(f"recast portraits of each face must be at least 1. Got: {self.each}")
        if not self.yaw or min(self.yaw) < 0:
            raise ValueError(f"yaw of recast portraits must be at least 0 degrees. Got: {self.yaw}")
        if not self.identity >= 0:
            raise ValueError(
                f"identity of recast portraits must be at least 0. Got: {self.identity}"
            )
        if not 0 <= self.surroundings <= 1:
            raise ValueError(f"surroundings must be between 0 and 1. Got: {self.surroundings}")


def recast(faces: FaceSet, how: Recasting) -> FaceSet:
    """Makes portraits in new poses from photographed faces.

    Args:
        faces: a `FaceSet` with the scheme iBUG-68. Faces turned by more than 35 degrees and those
            with unknown landmarks are left out.
        how: number and variety of the portraits.

    Returns:
        A `FaceSet` of the new portraits only. A portrait belongs to the group of its photograph.

    Raises:
        ValueError: the scheme is another one, or no face is suited.

    Examples:
        >>> turned = recast(read("london189", "london189"), Recasting(each=20))
    """
    if faces.scheme != IBUG68:
        raise ValueError(
            f"recast faces must have the scheme {IBUG68.name}. Got: {faces.scheme.name}"
        )
    made = []
    around = [
        faces.faces[i].image() for i in evenly(len(faces), _AROUND if how.surroundings else 0)
    ]
    with one_opencv_thread:
        for _, result in in_threads(partial(_portraits, how, around), list(enumerate(faces.faces))):
            made += result()
    if not made:
        raise ValueError(
            f"{faces.name}: a face to recast must have all landmarks and be turned by at most 35 "
            "degrees. Got: none"
        )
    return FaceSet(f"{faces.name}, recast", faces.scheme, made)


def _portraits(how, around, numbered):
    number, face = numbered
    if np.isnan(face.landmarks).any():
        return []
    sheet = sheet_of(face.image(), face.landmarks.astype(float), how.backdrop)
    if abs(math.atan2(sheet.rotation[2, 0], sheet.rotation[2, 2])) > _TURNED:
        return []
    return [_face(face, sheet, how, around, how.each * number + i) for i in range(how.each)]


def _face(face, sheet, how, around, index):
    bits = np.random.Philox(key=[_SEED, index])
    rng, texture = np.random.Generator(bits), np.random.Generator(bits.jumped())
    if how.surroundings and rng.random() < how.surroundings:
        canvas = _surroundings(rng, around)
    else:
        canvas = scenery(rng, texture, _SIZE)
    head = random_head(rng, sheet.face, how.identity, how.yaw, sheet.rotation)
    portrait = _Photographed(rng, texture, canvas, head, sheet)
    portrait.draw()
    if how.backdrop:
        cover(portrait)
    landmarks = portrait.points.astype(np.float32)
    # Compressed, as photographs are, which keeps thousands of them small in memory.
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(50, 97))]
    _, data = cv2.imencode(".jpg", photograph(portrait, _SIZE)[..., ::-1], quality)
    name = f"{face.name}/{index}"
    return Face(
        name=name,
        source=partial(decode_image, data.tobytes(), name),
        landmarks=landmarks,
        box=landmark_box(landmarks),
        group=face.group,
        weights=face.weights,
    )


def _surroundings(rng, photographs):
    """Cuts a background from one of several photographs: (3, size, size) float32."""
    image = photographs[rng.integers(len(photographs))]
    high, wide = image.shape[:2]
    middle = rng.uniform(0, 1, 2) * (wide, high)
    zoom = _SIZE / (rng.uniform(0.3, 1.2) * min(high, wide))
    matrix = cv2.getRotationMatrix2D(tuple(middle), rng.normal(0, 15), zoom)
    matrix[:, 2] += _SIZE / 2 - middle
    flags = {"flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REFLECT}
    cut = cv2.warpAffine(image, matrix, (_SIZE, _SIZE), **flags)[:, :: rng.choice([-1, 1])]
    soft = rng.uniform(0, 3)
    if soft > 1:
        cut = cv2.GaussianBlur(cut, (0, 0), soft)
    gain = rng.uniform(0.5, 1.1) * rng.normal(1, 0.12, 3)
    return np.ascontiguousarray((cut * gain).transpose(2, 0, 1), np.float32).clip(0, 255)


class _Photographed(Portrait):
    """A photographed head on a canvas of the image's size."""

    def __init__(self, rng, texture, canvas, head, sheet):
        self.sheet = sheet
        self.stand(rng, texture, canvas, head)
        self.skin = sheet.skin()
        light = rng.normal((0, -0.3, 1.0), (0.7, 0.35, 0.15))
        self.light = light / np.linalg.norm(light)

    def draw(self):
        """Paints teeth between open lips, then the photographed head over them."""
        self.gape()
        x, y, light, known = self._seen()
        color = cv2.remap(self.sheet.image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.remap(self.sheet.alpha, x, y, cv2.INTER_LINEAR) * known
        self.canvas += ((color * light[..., None]).transpose(2, 0, 1) - self.canvas) * alpha

    def _seen(self):
        """Computes what each pixel of the canvas shows: x, y and light, and whether any."""
        x, y, spots, light = self._spots()
        at = np.round(spots[..., :2]).astype(np.int32)
        shown = ((at >= 0) & (at < self.side)).all(-1)
        shown &= cv2.remap(self.sheet.alpha, x, y, cv2.INTER_LINEAR) > 0.02
        # The nearest point is written last. Integers are sorted several times faster.
        depth = spots[..., 2][shown]
        order = np.argsort((1000 * (depth - depth.min())).astype(np.uint16), kind="stable")
        pixels = (at[..., 1] * self.side + at[..., 0])[shown][order]
        found = np.zeros((self.side**2, 4), np.float32)
        found[pixels] = cv2.merge([x, y, light, np.ones_like(x)])[shown][order]
        # The mean of the neighbors smooths the rounding; a wider one closes gaps of some pixels.
        found = found.reshape(self.side, self.side, 4)
        near, wide = cv2.blur(found, (3, 3)), cv2.blur(found, (7, 7))
        close = near[..., 3] > 0.3
        mean = np.where(close[..., None], near, wide)
        x, y, light = cv2.split(mean[..., :3] / np.maximum(mean[..., 3:], 0.1))
        return x, y, light, close | (wide[..., 3] > 0.5)

    def _spots(self):
        """Computes the sheet's points: x and y in the photograph, places on the canvas, light."""
        height, width = self.sheet.alpha.shape
        step = _STEP * self.sheet.scale / self.unit
        columns, rows = (np.arange(0, n - 1, step).astype(np.float32) for n in (width, height))
        x, y = np.meshgrid(columns, rows)
        halves = self.sheet.moved(self.head.face)
        last = len(halves[0]) - 1
        grid = x * np.float32(last / (width - 1)), y * np.float32(last / (height - 1))
        # Projected on the coarse grid: between its points the view is as smooth as the sheet.
        seen = [self.head.see(half) for half in halves]
        spots = [np.dstack([self.place(half), half[..., 2]]) for half in seen]
        above, below, light = (
            cv2.remap(
                part.astype(np.float32), *grid, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
            )
            for part in (*spots, self._shade(halves[0]))
        )
        return x, y, np.where(self.sheet.below_lips(x, y)[..., None], below, above), light

    def _shade(self, points):
        """Computes the light (grid, grid) on points of the sheet (grid, grid, 3)."""
        turned = (points * self.head.stretch) @ self.head.rotation.T
        normal = np.cross(np.gradient(turned, axis=1), np.gradient(turned, axis=0))
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-9
        ambient = self.rng.uniform(0.35, 1)
        shade = ambient + 1.3 * (1 - ambient) * np.maximum(normal @ self.light, 0)
        return cv2.GaussianBlur(shade, (0, 0), 1)
