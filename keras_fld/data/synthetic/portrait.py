"""Paints a head: body, shaded skin and hair, and features at their landmarks."""

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np

from keras_fld.data.synthetic.brush import band, grain, oval, paint, paint_tiles, resized, spline
from keras_fld.data.synthetic.face3d import CLOSED_LIPS, mean_head, random_head
from keras_fld.data.synthetic.schemes import brow_outline, pupil, scheme_points
from keras_fld.schemes.mean_face import MEAN_FACE

_SKIN = np.array([(242, 210, 190), (236, 196, 168), (214, 164, 130), (180, 128, 94),
                  (134, 90, 64), (96, 63, 47), (70, 48, 39)], np.float32)  # fmt: skip
_HAIR = np.array([(24, 20, 20), (44, 32, 26), (76, 52, 36), (110, 72, 44), (140, 80, 46),
                  (190, 150, 96), (222, 194, 140), (150, 146, 142), (216, 214, 210)],
                 np.float32)  # fmt: skip
_HAIR_SHARE = np.array([6, 5, 5, 3, 1, 2, 2, 2, 1])
_FAIR = np.array([0, 0, 0, 1, 1, 1, 1, 0, 0], bool)
_IRIS = np.array([(60, 36, 20), (88, 58, 34), (112, 92, 56), (92, 116, 84), (90, 126, 160)])
_IRIS_SHARE = [0.4, 0.25, 0.15, 0.08, 0.12]

# Lower end of the hair, as a height y for an azimuth in degrees from the middle of the face.
_HAIRLINE = ([0, 25, 42, 55, 68, 78, 95, 120, 180],
             [-0.93, -0.92, -0.78, -0.6, -0.35, 0.0, 0.3, 0.75, 0.9])  # fmt: skip


def _rise(low, high, value):
    """A smooth step from 0 at `low` to 1 at `high`."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


class SkinMaps(NamedTuple):
    """Maps on the vertices of the mean head's skin: degrees, a height, and shares of 0..1."""

    degrees: np.ndarray  # from the face's middle
    y: np.ndarray
    hollow: np.ndarray
    red: np.ndarray
    beard: np.ndarray


@cache
def skin_maps():
    """The `SkinMaps` of every head."""
    skin = mean_head().skin

    def near(landmarks, radius):
        gap = np.linalg.norm(skin[:, :, None] - MEAN_FACE[landmarks], axis=-1).min(-1)
        return np.exp(-((gap / radius) ** 2))

    degrees, y = np.abs(np.degrees(mean_head().azimuth)), skin[..., 1]
    cheek = np.linalg.norm(np.abs(skin) - (0.55, 0.45, 0.85), axis=-1)
    return SkinMaps(
        degrees,
        y,
        0.28 * near([37, 38, 39, 40, 42, 43, 44, 47], 0.16) + 0.15 * near([31, 35], 0.12),
        near([30, 31, 35], 0.25) + 0.8 * np.exp(-((cheek / 0.25) ** 2)),
        _rise(0.6, 0.9, y - 0.35 * _rise(45, 25, degrees)) * _rise(95, 75, degrees),
    )


class Portrait:
    """A head on a canvas of twice the image's size.

    Args:
        rng: numpy Generator for all random choices.
        texture: numpy Generator for noise, which depends on the size.
        canvas: (3, side, side) float32, 0..255, which is painted in place.

    `points` are the landmarks (68, 2) of iBUG-68 in canvas pixels. After drawing, `landmarks`
    returns the landmarks of any scheme.
    """

    def __init__(self, rng, texture, canvas):
        self.stand(rng, texture, canvas, random_head(rng))
        tone = rng.uniform(0, len(_SKIN) - 1.001)
        skin = _SKIN[int(tone)] * (1 - tone % 1) + _SKIN[int(tone) + 1] * (tone % 1)
        self.skin = (skin * rng.normal(1, [0.02, 0.025, 0.035])).astype(np.float32)
        # Fair hair is less frequent with darker skin.
        share = _HAIR_SHARE * np.where(_FAIR, max(1 - tone / 4, 0.05), 1)
        hair = _HAIR[rng.choice(len(_HAIR), p=share / share.sum())]
        self.hair = (hair * rng.uniform(0.8, 1.15)).astype(np.float32)
        self.strands = self.hair[:, None, None] * (1 + 0.14 * grain(texture, self.side, 70, 8))
        self.brow = self.hair * 0.5 + np.minimum(self.hair, self.skin * 0.5) * 0.5
        light = rng.normal((0, -0.45, 1.0), (0.6, 0.35, 0.15))
        self.light = light / np.linalg.norm(light)
        self.makeup, self.age = rng.random() < 0.3, rng.random()
        self.beard = rng.choice([0.2, 0.4, 0.9]) * (rng.random() < 0.25)
        self.bald = rng.random() < 0.1
        self.long = rng.random() < 0.4 and not self.bald

    def stand(self, rng, texture, canvas, head):
        """Places a head on the canvas."""
        self.rng, self.texture, self.canvas, self.side = rng, texture, canvas, canvas.shape[1]
        self.head = head
        flat = head.landmarks[:, :2]
        low, high = flat.min(0), flat.max(0)
        self.unit = rng.uniform(0.42, 0.6) * self.side / (high - low).max()
        # Slightly below the middle, to leave room for the hair.
        middle = 0.5 + np.clip(rng.normal(0, 0.04, 2), -0.08, 0.08) + (0, 0.03)
        self.origin = self.side * middle - 0.5 - self.unit * (low + high) / 2
        self.points = self.place(flat)
        self.pupils, self.brow_half_width = [], None  # set when they are painted

    def place(self, seen):
        """Converts face units to canvas pixels."""
        return np.asarray(seen)[..., :2] * self.unit + self.origin

    def see(self, points):
        """Projects points (..., 3) on the mean head to canvas pixels."""
        return self.place(self.head.see(points))

    def paint(self, outline, color, opacity=1.0, soft=0.0, width=0.0, clip=None):
        """Calls `brush.paint` with softness and width in face units."""
        paint(self.canvas, outline, color, opacity, soft * self.unit, width * self.unit, clip)

    def landmarks(self, scheme):
        """Returns the (landmarks, 2) of a painted head in any scheme, in canvas pixels."""
        return scheme_points(self.points, np.array(self.pupils), self.brow_half_width, scheme)

    def draw(self):
        """Paints the whole head, from back to front."""
        rng, turn = self.rng, self.head.rotation[0, 2]  # turn > 0: it looks to the right
        self.body()
        for side in (-1, 1) if not self.long else ():
            self.ear(side)
        light = self.surface()
        gaze = rng.normal(0, (0.06, 0.03)) + (turn * 0.08, 0)
        iris = _IRIS[rng.choice(5, p=_IRIS_SHARE)] * rng.uniform(0.8, 1.2)
        for lids in (self.points[36:42], self.points[42:48]):
            self.eye(lids, gaze, iris)
            self.pupils.append(pupil(lids, gaze))
        self.brow_half_width = rng.uniform(0.025, 0.065) * self.unit
        self.brows(self.brow_half_width)
        self.nose()
        self.mouth()
        if not self.bald and rng.random() < 0.22:
            self.fringe()
        self.canvas *= light
        if not self.long and abs(turn) > 0.2:
            self.ear(-np.sign(turn))  # turned to the camera, it overlaps the head

    def body(self):
        """Paints long hair, neck and clothes."""
        rng, u = self.rng, self.unit
        chin, nape = self.see([(0, 1.5, 0.9), (0, 0.9, -0.3)])

        def symmetric(half):
            """Mirrors points of the right side, around the nape, to an outline."""
            half = spline(half) * u
            return nape + np.concatenate([half, half[::-1] * (-1, 1)])

        if self.long:
            fall, spread = rng.uniform(0.9, 2.2), rng.uniform(1.15, 1.4)
            curtain = [(0, -1.8), (1.0, -1.4), (spread, -0.3), (spread, 0.6 * fall),
                       (0.8, fall), (0, fall)]  # fmt: skip
            self.paint(symmetric(curtain), self.strands * 0.65, soft=0.01)
        neck, wide = self.skin * 0.8, rng.uniform(0.5, 0.66)
        throat = symmetric([(wide, 0), (wide * 0.95, 0.7), (wide * 1.05, 1.1), (wide * 1.7, 1.5),
                            (wide * 2, 2.4)])  # fmt: skip
        self.paint(throat, neck)
        lit = nape + np.array([np.sign(self.light[0]) * wide * 0.6, 0.9]) * u
        self.paint(oval(lit, 0.3 * u, 0.9 * u), self.skin, 0.5, 0.2, clip=throat)
        shade = oval((chin + nape) / 2 + (0, 0.15 * u), 0.75 * u, 0.45 * u)
        self.paint(shade, neck * 0.5, 0.6, 0.12, clip=throat)
        slope, drop = rng.uniform(0.2, 0.5), rng.uniform(1.2, 1.6)
        cloth = (rng.uniform(20, 235) + rng.normal(0, 35, 3)).clip(8, 245).astype(np.float32)
        collar = symmetric([(0, drop + 0.35), (0.4, drop + 0.2), (0.8 * wide + 0.3, drop - 0.2)])
        collar = np.roll(collar, len(collar) // 2, axis=0)  # from the left shoulder to the right
        arm = np.array([(1.6, 1.4 + slope * 0.5), (2.1, 1.8 + slope), (2.3, 6)]) * u
        outline = np.concatenate([collar, nape + arm, nape + arm[::-1] * (-1, 1)])
        weave = 1 + 0.06 * grain(self.texture, self.side, 16, 10)
        self.paint(outline, cloth[:, None, None] * weave)
        self.paint(collar, cloth * 0.6, 0.7, 0.02, 0.06)

    def ear(self, side):
        """Paints one ear; side -1 is left in the image."""
        rim = [(1.0, 0.1, -0.02), (1.02, -0.08, -0.08), (1.1, -0.13, -0.22), (1.17, -0.02, -0.3),
               (1.16, 0.2, -0.28), (1.08, 0.45, -0.14), (1.0, 0.5, -0.03)]  # fmt: skip
        outline = self.see(np.multiply(rim, (side, 1, 1)))
        tone = self.skin * (0.75 + 0.25 * side * self.light[0])
        self.paint(spline(outline, True), tone * (1.0, 0.93, 0.9))
        middle = outline.mean(0)
        fold = spline(middle + (outline[1:6] - middle) * 0.6)
        self.paint(fold, tone * 0.5, 0.7, 0.02, 0.05)

    def grown(self):
        """Adds hair: returns the skin moved outwards, and the hair's coverage of every vertex."""
        rng, skin, maps = self.rng, self.head.skin, skin_maps()
        degrees, cover = maps.degrees, np.zeros(maps.y.shape)
        if not self.bald:
            line = np.interp(degrees, *_HAIRLINE) + rng.normal(0, 0.1) * _rise(70, 40, degrees)
            parting = rng.normal(0, 0.5) * np.sign(mean_head().azimuth)
            line = line + 0.12 * np.sin(np.radians(degrees) * 2 + parting)
            blur = 0.07 + 0.12 * _rise(50, 70, degrees)
            cover = _rise(blur, -blur, maps.y - line)
            volume = rng.choice([0.03, 0.1, 0.18, 0.4], p=[0.3, 0.35, 0.27, 0.08])
            curls = 1 + 0.1 * rng.standard_normal(maps.y.shape) * (volume > 0.15)
            volume = (volume + 0.06 * self.long) * curls
            skin = skin + (skin - skin.mean((0, 1))) * (cover * volume)[..., None]
        return skin, np.maximum(cover, maps.beard * self.beard)

    def surface(self):
        """Paints skin and hair without shading; returns the light (side, side), 1 elsewhere."""
        rng = self.rng
        skin, cover = self.grown()
        tiles = np.stack([skin[:-1, :-1], skin[:-1, 1:], skin[1:, 1:], skin[1:, :-1]], axis=2)
        maps = np.stack([skin_maps().hollow, cover, skin_maps().red], axis=-1)
        maps = (maps[:-1, :-1] + maps[:-1, 1:] + maps[1:, 1:] + maps[1:, :-1]) / 4
        tiles, maps = tiles.reshape(-1, 4, 3), maps.reshape(-1, 3)
        normal = np.cross(tiles[:, 2] - tiles[:, 0], tiles[:, 3] - tiles[:, 1])
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9

        # Gloss adds the same light to all skin tones, so its factor is larger for dark ones.
        ambient, gloss = rng.uniform(0.35, 0.7), rng.uniform(0, 25) / self.skin.mean()
        halfway = self.light + (0, 0, 1)
        mirrored = np.maximum(normal @ (halfway / np.linalg.norm(halfway)), 0) ** 24
        light = ambient + 1.15 * (1 - ambient) * np.maximum(normal @ self.light, 0)
        light = light * (1 - maps[:, 0]) + gloss * mirrored

        order = np.argsort(tiles[:, :, 2].mean(1))
        order = order[normal[order, 2] > 0]
        values = np.column_stack([light * 160, maps[:, 1:] * 255])[order]
        layer = paint_tiles(self.place(tiles[order]), values, self.side)

        # The edges of the tiles are blurred within the outline, at half the size.
        half = self.side // 2
        small = cv2.resize(layer, (half, half), interpolation=cv2.INTER_AREA).astype(np.float32)
        k = max(3, int(0.035 * self.unit) | 1)
        shade, hairy, red, inside = cv2.split(cv2.blur(cv2.blur(small, (k, k)), (k, k)))
        inside = np.maximum(inside, 1)
        flush = np.array([0.06, -0.09, -0.09], np.float32)[:, None, None] * (red / inside)
        pores = 1 + 0.02 * grain(self.texture, half, 80, 80)
        color = self.skin[:, None, None] * ((1 + flush) * pores)
        color += (resized(self.strands, half) - color) * (hairy / inside)
        solid = np.ascontiguousarray(layer[..., 3])
        for plane, new in zip(self.canvas, resized(color, self.side), strict=True):
            cv2.copyTo(new, solid, plane)
        shade = cv2.resize(shade / inside * np.float32(255 / 160), solid.shape)
        return cv2.copyTo(shade, solid, np.ones(solid.shape, np.float32))

    def eye(self, lids, gaze, iris):
        """Paints an eye from its six landmarks; the first half of the outline is the upper lid."""
        u, rng, light = self.unit, self.rng, self.light[:2]
        outline = spline(lids, True)
        upper, lower = outline[:19], np.concatenate([outline[18:], outline[:1]])
        up = self.points[17:27].mean(0) - self.points[36:48].mean(0)
        up = up / np.linalg.norm(up) * u
        breadth = np.linalg.norm(lids[3] - lids[0])
        if np.linalg.norm(lids[[1, 2]].mean(0) - lids[[4, 5]].mean(0)) > 0.02 * u:
            self.paint(outline, (232, 226, 222))
            center = pupil(lids, gaze)
            ry = 0.092 * u
            rx = ry * min(1.0, breadth / (0.36 * u) + 0.15)  # narrow on a turned head
            self.paint(oval(center, rx, ry), iris * 0.55, 1, 0.01, clip=outline)
            self.paint(oval(center, 0.8 * rx, 0.8 * ry), iris, 0.9, 0.02, clip=outline)
            self.paint(oval(center, 0.45 * rx, 0.45 * ry), (8, 8, 8), 1, 0.008, clip=outline)
            glint = center + (light * 0.5 + (0, -0.15)) * ry
            self.paint(oval(glint, 0.22 * ry), (255, 255, 255), 0.9, clip=outline)
            self.paint(upper, self.skin * 0.2, 0.4, 0.015, 0.05, clip=outline)
        lash = (0.02 + 0.018 * self.makeup) * u * np.sin(np.linspace(0.3, 3.0, len(upper)))
        self.paint(band(upper, lash), self.skin * 0.16, 0.9, 0.006)
        self.paint(lower, self.skin * 0.4, 0.45, 0.01, 0.02)
        self.paint(upper[3:] + up * 0.07, self.skin * 0.5, 0.5, 0.015, 0.02)
        self.paint(lower[2:-2] - up * 0.09, self.skin * 0.5, 0.1 + 0.25 * self.age, 0.03, 0.03)
        if self.makeup:
            self.paint(upper + up * 0.04, rng.uniform(20, 160, 3), 0.35, 0.03, 0.09)

    def brows(self, half_width):
        """Paints brows along their landmarks, thin at the outer end; `half_width` is in pixels."""
        for brow in (self.points[17:22], self.points[22:27][::-1]):
            self.paint(brow_outline(brow, half_width), self.brow, 0.8, 0.015)

    def nose(self):
        """Paints nostrils, wings, the shadow below and the highlight on the bridge."""
        p, u, skin, light = self.points, self.unit, self.skin, self.light[:2]
        up, along = (p[30] - p[33]) * 0.12, p[35] - p[31]
        tilt = np.arctan2(along[1], along[0])
        for wing, mid in ((p[31], p[32]), (p[35], p[34])):
            nostril = oval(mid * 0.72 + wing * 0.28 + up, 0.085 * u, 0.04 * u, tilt)
            self.paint(nostril, skin * 0.22, 0.85, 0.015)
            out = wing - p[33]
            curl = spline([wing + up * 2.6 + out * 0.08, wing + up * 1.2 + out * 0.2,
                           wing + out * 0.08, wing - out * 0.2 + up * 0.2])  # fmt: skip
            self.paint(curl, skin * 0.45, 0.6, 0.015, 0.03)
        base = p[31:36]
        self.paint(spline(base), skin * 0.45, 0.55, 0.02, 0.035)
        fall = np.array([-light[0] * 0.5, 0.16]) * u
        self.paint(np.concatenate([base, base[::-1] + fall]), skin * 0.4, 0.28, 0.04)
        self.paint(oval(p[30] + light * 0.06 * u, 0.06 * u), skin * 0.5 + 128, 0.35, 0.05)
        self.paint(spline(p[27:31]) + light * 0.03 * u, skin * 0.6 + 100, 0.3, 0.03, 0.06)

    def mouth(self):
        """Paints lips, teeth and tongue, the folds around the mouth, and a moustache."""
        p, u, rng, skin = self.points, self.unit, self.rng, self.skin
        tint = skin * (0.82, 0.58, 0.6) + (14, 0, 4)
        if self.makeup:
            tint = tint * 0.4 + 0.6 * rng.uniform((90, 10, 20), (210, 80, 110))
        rim = spline(p[60:65])
        self.paint(spline(p[48:60], True), tint, 0.9, 0.01)
        self.paint(np.concatenate([spline(p[48:55]), rim[::-1]]), tint * 0.72, 0.75, 0.012)
        self.paint(oval(p[[57, 66]].mean(0), 0.12 * u, 0.025 * u), tint * 0.6 + 110, 0.35, 0.03)
        if not self.gape():
            self.paint(rim, tint * 0.3, 0.85, 0.008, 0.025)
        for corner, wing in ((p[48], p[31]), (p[54], p[35])):
            self.paint(oval(corner, 0.035 * u), skin * 0.45, 0.5, 0.02)
            out = (corner - p[66]) * 0.3
            fold = spline([wing + (wing - p[33]) * 0.2, (wing + corner) / 2 + out, corner + out])
            self.paint(fold, skin * 0.5, 0.15 + 0.3 * self.age, 0.03, 0.035)
        chin = p[57] * 0.75 + p[8] * 0.25
        self.paint(oval(chin, 0.17 * u, 0.04 * u), skin * 0.5, 0.4, 0.04)
        if self.beard:
            ends = p[[48, 54]] * 1.1 - p[66] * 0.1
            lip = spline([ends[0], *(p[[31, 33, 35]] + p[[49, 51, 53]]) / 2, ends[1]])
            wide = 0.075 * u * np.sin(np.linspace(0.4, 2.74, len(lip)))
            self.paint(band(lip, wide), self.strands * 0.9, self.beard * 0.95, 0.02)

    def gape(self):
        """Paints teeth and tongue between open lips; returns whether the lips are open."""
        p, u, rng = self.points, self.unit, self.rng
        rim, inner = spline(p[60:65]), spline(p[60:68], True)
        gap = np.linalg.norm(p[62] - p[66]) / u
        if gap <= CLOSED_LIPS:
            return False
        self.paint(inner, (52, 18, 20))
        down = (p[66] - p[62]) / gap
        if rng.random() < 0.85:
            drop = min(0.14, gap * 0.85) * np.sin(np.linspace(0, np.pi, len(rim))) ** 0.5
            teeth = np.concatenate([rim, (rim + down * drop[:, None])[::-1]])
            self.paint(teeth, (226, 220, 208), 0.95, 0.008, clip=inner)
        if gap > 0.2:
            self.paint(oval(p[66], 0.18 * u, 0.1 * u), (150, 70, 74), 0.9, 0.03, clip=inner)
        self.paint(inner, (40, 14, 16), 0.5, 0.012, 0.02)
        return True

    def fringe(self):
        """Paints hair over the forehead, sometimes over the eyes."""
        x = np.linspace(-0.85, 0.85, 25)
        ragged = self.rng.uniform(-0.55, 0.0) + self.rng.normal(0, 0.06, 25)
        tips = np.stack([x, ragged + 0.06 * (np.arange(25) % 2), 1.1 - 0.5 * x**2], axis=1)
        roots = np.stack([-0.9 * x, -1.2 + 0.2 * x**2, 0.9 - 0.55 * x**2], axis=1)
        self.paint(self.see(np.concatenate([tips, roots])), self.strands, 1, 0.015)
