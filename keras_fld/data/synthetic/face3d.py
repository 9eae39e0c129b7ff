"""A small hand-made morphable head model: a mean face, linear modes, and a camera.

The model is based on 68 landmarks in 3-D. Identity and expression move the landmarks along linear
modes. The skin, a mesh of quadrilaterals, is interpolated between the landmarks, so the drawing
always agrees with the annotation.

The axes are those of the image: x to the right, y down, z towards the camera. The unit is half the
distance between the ears (about 7.5 cm). The origin is between the ears at the height of the eyes.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from keras_fld.schemes.jaw import space_jaw
from keras_fld.schemes.mean_face import MEAN_FACE, both_sides

# Points on the head between and beyond the landmarks, for one side. The other side is mirrored.
_SUPPORT = [
    (0, -0.62, 1.11), (0, -0.95, 0.99), (-0.45, -0.7, 0.95), (-0.74, -0.6, 0.65),
    (0, -1.3, 0.67), (-0.62, -1.26, 0.38), (0, -1.62, -0.14), (-0.32, -1.57, -0.1),
    (0, -1.54, 0.28), (0, -1.5, -0.6), (-0.62, -1.4, -0.15), (-0.86, -1.0, -0.1),
    (-0.93, -0.28, 0.37), (-0.97, -0.6, -0.09), (-1.0, -0.05, -0.28), (0, -0.3, -1.26),
    (-0.78, -0.3, -0.84), (0, 1.0, -0.65), (-0.7, 0.7, -0.47), (-0.8, 0.8, -0.09),
    (-0.45, 1.2, 0.33), (0, 1.45, 0.56), (0, 1.2, -0.19), (-0.44, -0.01, 0.93),
    (-0.44, -0.18, 0.91), (-0.62, 0.35, 0.84), (-0.66, 0.72, 0.71), (-0.36, 0.5, 0.99),
    (-0.19, 0.36, 1.04), (-0.14, 0.1, 0.99), (-0.29, 0.68, 1), (0, 0.83, 1.19),
    (0, 1.24, 1.09), (0, 1.42, 1.12), (-0.48, 1.02, 0.87), (-0.3, 1.3, 0.96),
    (-0.8, 0.2, 0.58), (-0.22, 0.5, 1.06),
]  # fmt: skip


def _mode(**moves):
    """A (68, 3) displacement from moves of landmarks of the left half: ``i48=(-0.1, 0, 0)``."""
    return both_sides({int(name[1:]): move for name, move in moves.items()})


def _part(indices, linear, center=(0, 0, 0)):
    """A displacement of some landmarks that is linear in their position around a center."""
    mode = np.zeros((68, 3))
    mode[indices] = (MEAN_FACE[indices] - center) @ np.asarray(linear, float).T
    return mode


def _shift(indices, move):
    mode = np.zeros((68, 3))
    mode[indices] = move
    return mode


# Largest gap between closed lips, in face units.
CLOSED_LIPS = 0.03

_JAW, _BROWS, _NOSE, _MOUTH = range(17), range(17, 27), range(27, 36), range(48, 68)
_EYES = (range(36, 42), range(42, 48))
_LIDS = (([37, 38], [41, 40]), ([43, 44], [47, 46]))  # upper and lower lid of each eye
_UPPER_LIP, _LOWER_LIP = [49, 50, 51, 52, 53], [55, 56, 57, 58, 59]
_SIDE = np.sign(MEAN_FACE[:, :1])  # -1 on the image's left, 1 on its right, 0 in the middle
# Vertical position of a jaw point: 0 at the mouth and above, 1 at the chin.
_LOW = np.clip((MEAN_FACE[:, 1:2] - 0.4) / 1.15, 0, 1) * np.isin(np.arange(68), _JAW)[:, None]
_UPRIGHT = np.eye(3)  # the rotation of a head that looks into the camera
_UP, _OUT, _AHEAD = np.array([0, -1, 0]), np.array([1, 0, 0]), np.array([0, 0, 1])


def _eye_scale(sx, sy):
    return sum(_part(eye, np.diag([sx, sy, 0]), MEAN_FACE[eye].mean(0)) for eye in _EYES)


_EYE_REGION = [*_BROWS, *_EYES[0], *_EYES[1]]
_TILT = (np.abs(MEAN_FACE[:, :1]) - 0.45) * _UP  # outer ends up, inner ends down

# Identity: displacement for one standard deviation.
_IDENTITY = np.array([
    0.07 * _SIDE * _OUT * _LOW * (1 - _LOW) * 4,                         # wide or narrow jaw
    0.09 * -_UP * _LOW**2,                                               # long or short chin
    0.06 * _AHEAD * _LOW**2,                                             # chin forward or back
    _eye_scale(0.09, 0.06),                                              # large eyes
    _eye_scale(0.0, 0.2),                                                # round eyes
    0.035 * (_SIDE * _OUT) * np.isin(np.arange(68), _EYE_REGION)[:, None],   # eyes apart
    0.12 * _TILT * np.isin(np.arange(68), range(36, 48))[:, None],       # slanted eyes
    _part(_NOSE, [[0.15, 0, 0], [0, 0, 0], [0, 0, 0]]),                  # wide nose
    _part(_NOSE, [[0, 0, 0], [0, 0.1, 0], [0, 0, 0]], (0, -0.07, 0)),    # long nose
    _part(_NOSE, [[0, 0, 0], [0, 0, 0], [0, 0.09, 0]], (0, -0.07, 0)),   # prominent nose
    _part(_MOUTH, [[0.1, 0, 0], [0, 0, 0], [0, 0, 0]]),                  # wide mouth
    _shift(_UPPER_LIP, 0.022 * _UP), _shift(_LOWER_LIP, -0.026 * _UP),   # full lips
    _shift(_MOUTH, 0.03 * _UP),                                          # high mouth
    _shift(_BROWS, 0.04 * _UP),                                          # high brows
    0.11 * _TILT * np.isin(np.arange(68), _BROWS)[:, None],              # slanted brows
    _mode(i18=(0, -0.015, 0), i19=(0, -0.03, 0), i20=(0, -0.015, 0)),    # arched brows
])  # fmt: skip

# Expression: displacement for a strength of one. `_expression` names each mode.
_FALL = {5: 0.13, 6: 0.24, 7: 0.31, 8: 0.33, 56: 0.33, 57: 0.34, 58: 0.33, 59: 0.27, 55: 0.27,
         66: 0.34, 67: 0.3, 65: 0.3, 48: 0.08, 60: 0.08, 4: 0.05}  # fmt: skip
_OPEN = _mode(**{f"i{i}": (0.04 if i in (48, 60) else 0, f, -0.25 * f)
                 for i, f in _FALL.items() if i not in (55, 56, 65)},
              i49=(0, -0.01, 0), i50=(0, -0.03, 0), i51=(0, -0.03, 0),
              i61=(0, -0.03, 0), i62=(0, -0.03, 0))  # fmt: skip
_SMILE = _mode(
    i48=(-0.12, -0.1, -0.1), i60=(-0.12, -0.1, -0.1), i49=(-0.06, -0.03, -0.05),
    i59=(-0.06, -0.02, -0.05), i31=(-0.03, -0.015, 0), i50=(-0.02, 0.0, -0.02),
    i58=(-0.02, 0.01, -0.02), i40=(0, -0.02, 0), i41=(0, -0.02, 0),
)  # fmt: skip
_TEETH = _mode(i50=(0, -0.03, 0), i51=(0, -0.03, 0), i49=(0, -0.02, 0), i61=(0, -0.045, 0),
               i62=(0, -0.045, 0), i67=(0, 0.045, 0), i66=(0, 0.055, 0), i57=(0, 0.05, 0),
               i58=(0, 0.05, 0), i59=(0, 0.03, 0))  # fmt: skip
_PUCKER = _part(_MOUTH, [[-0.35, 0, 0], [0, 0.12, 0], [0, 0, 0]], (0, 1.0, 0)) + _shift(
    _MOUTH, 0.07 * _AHEAD)  # fmt: skip
_RAISE = _shift(_BROWS, 0.11 * _UP)
_FROWN = _mode(i21=(0.03, 0.09, 0), i20=(0.02, 0.06, 0), i19=(0.01, 0.02, 0))

# The skin: a grid of directions from the head's center, finer on the face than behind it.
_CENTER = np.array([0, 0.2, 0])
_AZIMUTH = np.radians(np.r_[np.linspace(-180, -95, 5), np.linspace(-85, 85, 39),
                            np.linspace(95, 180, 5)])  # fmt: skip
_ELEVATION = np.radians(np.r_[np.linspace(-89.9, -42, 10), np.linspace(-38, 62, 27),
                              np.linspace(68, 89.9, 4)])  # fmt: skip


def _direction(azimuth, elevation):
    return np.stack([np.cos(elevation) * np.sin(azimuth), np.sin(elevation),
                     np.cos(elevation) * np.cos(azimuth)], axis=-1)  # fmt: skip


def distances(a, b):
    """Computes the distances (..., n) of points (..., d) from n others (n, d)."""
    return np.linalg.norm(a[..., None, :] - b, axis=-1)


def _support():
    side = np.array(_SUPPORT)
    return np.concatenate([side, side[side[:, 0] < 0] * (-1, 1, 1)])


def _mean_surface():
    """The distance of the mean head from its center as a function of direction.

    The logarithm is interpolated through landmarks and support, so the distance is positive. The
    inner lips are omitted because two of their landmarks share a direction where the lips meet.
    """
    known = np.concatenate([MEAN_FACE[:60], _support()]) - _CENTER
    radius = np.linalg.norm(known, axis=1)
    known = known / radius[:, None]
    weights = np.linalg.solve(distances(known, known), np.log(radius))
    return lambda direction: _CENTER + direction * np.exp(distances(direction, known) @ weights)[
        ..., None]  # fmt: skip


def _jaw_paths(surface, steps=25):
    """(17, steps, 3): horizontal paths from each jaw landmark over the cheek to the middle."""
    offset = MEAN_FACE[:17] - _CENTER
    azimuth = np.arctan2(offset[:, 0], offset[:, 2])[:, None] * np.linspace(1, 0.3, steps)
    start = np.arcsin(offset[:, 1:2] / np.linalg.norm(offset, axis=1, keepdims=True))
    elevation = np.repeat(start, steps, axis=1)
    for _ in range(8):  # move every point to the height of its landmark
        radius = np.linalg.norm(surface(_direction(azimuth, elevation)) - _CENTER, axis=-1)
        elevation = np.arcsin(np.clip(offset[:, 1:2] / radius, -1, 0.96))
    path = surface(_direction(azimuth, elevation))
    path[:, 0] = MEAN_FACE[:17]
    return path


@dataclass(frozen=True)
class MeanHead:
    """The mean head's skin, from the crown down and from behind around, and its jaw."""

    skin: np.ndarray  # (rows, columns, 3)
    azimuth: np.ndarray  # (rows, columns), radians
    paths: np.ndarray  # (17, steps, 3): from the jaw landmarks over the cheeks
    follow: np.ndarray  # (points, 68): how skin and paths follow the landmarks


@cache
def mean_head():
    """The `MeanHead` that every head is a change of, solved for when the first head is drawn."""
    surface = _mean_surface()
    skin = surface(_direction(*np.meshgrid(_AZIMUTH, _ELEVATION)))
    paths = _jaw_paths(surface)
    return MeanHead(skin, np.broadcast_to(_AZIMUTH, skin.shape[:2]), paths, _follow(skin, paths))


def _follow(skin, paths):
    """(points, 68): how skin and jaw paths follow the landmarks; the skull stays where it is."""
    support = _support()
    still = support[(support[:, 2] < 0.3) & (support[:, 1] < 1.1) | (support[:, 1] < -0.8)]
    known = np.concatenate([MEAN_FACE[:60], still])
    points = np.concatenate([skin.reshape(-1, 3), paths.reshape(-1, 3)])
    weights = np.linalg.solve(distances(known, known), np.eye(len(known))[:, :60])
    return distances(points, known) @ weights


@dataclass(frozen=True)
class Head:
    """A head in front of the camera. Arrays end in (x, y, z), in face units, with y down."""

    face: np.ndarray  # (68, 3): the landmarks before the camera, with expression
    landmarks: np.ndarray  # (68, 3)
    skin: np.ndarray  # (rows, columns, 3)
    rotation: np.ndarray  # (3, 3)
    stretch: np.ndarray  # (3,)
    distance: float  # of the camera
    closed: np.ndarray  # (2,): how far the image-left and image-right eye are closed

    def see(self, points):
        """Projects points (..., 3) on the mean head to the camera's view."""
        turned = (np.asarray(points) * self.stretch) @ self.rotation.T
        near = self.distance / (self.distance - turned[..., 2:])
        return np.concatenate([turned[..., :2] * near, turned[..., 2:]], axis=-1)


def _rotation(yaw, pitch, roll):
    (cy, cp, cr), (sy, sp, sr) = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    return (np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
            @ np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
            @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]))  # fmt: skip


def _bounded(rng, sd, limit, size=None):
    return np.clip(rng.normal(0, sd, size), -limit, limit)


def _expression(rng):
    """Draws a displacement (68, 3), and how far each eye is closed."""
    move = np.zeros((68, 3))
    if rng.random() < 0.4:
        move += rng.uniform(0.1, 1) ** 1.5 * _OPEN
    if rng.random() < 0.45:
        move += rng.uniform(-0.4, 1) * _SMILE
        move += (rng.random() < 0.6) * rng.uniform(0.3, 1.2) * _TEETH
    elif rng.random() < 0.15:
        move += rng.uniform(0.3, 1) * _PUCKER
    move += max(rng.normal(0, 0.5), -0.3) * _RAISE
    move += (rng.random() < 0.25) * rng.uniform(0.3, 1) * _FROWN
    closed = np.full(2, rng.choice([rng.uniform(-0.2, 0.4), 0.95], p=[0.92, 0.08]))
    if rng.random() < 0.03:
        closed[rng.integers(2)] = 0.95  # a wink
    return move, closed


def random_head(rng, base=MEAN_FACE, variety=1.0, turn=(12, 25), around=_UPRIGHT):
    """Draws a head: shape, expression, pose and camera.

    Args:
        rng: a numpy Generator.
        base: (68, 3) landmarks of the neutral face that identity and expression change.
        variety: factor of the identity's displacements.
        turn: standard deviations of the angle to the side in degrees, one of which is chosen.
        around: (3, 3) rotation that the head is turned from.

    Returns:
        A `Head`.

    Examples:
        >>> random_head(np.random.default_rng(0)).landmarks.shape
        (68, 3)
    """
    identity = variety * _bounded(rng, 1, 2, len(_IDENTITY))
    face = base + np.tensordot(identity, _IDENTITY, 1)
    move, closed = _expression(rng)
    face = face + move
    for lids, shut in zip(_LIDS, closed, strict=True):
        upper, lower = face[lids[0]], face[lids[1]]
        face[lids[0]] += 0.9 * shut * (lower - upper)
        face[lids[1]] += 0.1 * max(shut, 0) * (upper - lower)
    # Faces are not symmetric: each landmark drifts with its neighbors, separately in both halves.
    drift = rng.normal(0, 0.012, (2, 3))
    face += np.where(_SIDE < 0, drift[0], drift[1]) * np.abs(MEAN_FACE[:, :1])
    # The inner lips meet, but do not cross.
    upper, lower = [61, 62, 63], [67, 66, 65]
    face[lower, 1] = np.maximum(face[lower, 1], face[upper, 1] + 0.006)

    mean = mean_head()
    displaced = (mean.follow @ (face - MEAN_FACE)[:60]).reshape(-1, 3)
    count = mean.azimuth.size
    skin = mean.skin + displaced[:count].reshape(mean.skin.shape)
    paths = mean.paths + displaced[count:].reshape(mean.paths.shape)

    yaw = _bounded(rng, np.radians(rng.choice(turn)), np.radians(60))
    pitch, roll = _bounded(rng, np.radians(9), np.radians(25), 2)
    rotation = _rotation(yaw, pitch, roll) @ around
    stretch = 1 + _bounded(rng, [0.05, 0.06, 0.04], 0.12)
    head = Head(face, face, skin, rotation, stretch, rng.uniform(8, 25), closed)

    # In a turned head, the cheek hides the far side of the jaw. Annotators then follow the visible
    # outline, and so do the landmarks: the outermost point of each path, across the head's axis,
    # moved along the outline to even distances.
    seen = head.see(paths)
    across = seen[..., 0] * np.cos(roll) + seen[..., 1] * np.sin(roll)
    outermost = np.argmax(across * np.sign(np.arange(17) - 8.5)[:, None], axis=1)
    outermost[8] = 0
    landmarks = head.see(face)
    landmarks[:17] = seen[np.arange(17), outermost]
    return replace(head, landmarks=space_jaw(landmarks), skin=head.see(skin))
