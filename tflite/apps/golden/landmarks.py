"""The next crop of landmarks, whether they are a face's, and their smoothing."""

from dataclasses import astuple

import numpy as np

from golden.encoding import numbers
from keras_fld.data import synthetic
from keras_fld.geometry.frame import FaceCrop, crop_shift, upright_box
from keras_fld.predict.face import roll
from keras_fld.predict.tracking.one_euro import OneEuroFilter
from keras_fld.predict.tracking.plausibility import plausible, residual
from keras_fld.predict.tracking.tracker import BETA, MIN_CUTOFF
from keras_fld.schemes import COFW29, IBUG68
from keras_fld.schemes.face_box import BoxInFace
from keras_fld.schemes.mtfl5 import MTFL5


def place_cases():
    """Landmarks, the box and roll of the crop that follows, and its shift from another crop."""
    cases = []
    for index, near in [(1, 0.0), (2, 0.3), (7, 2.5)]:
        landmarks = synthetic.draw(index, size=160).landmarks
        cos, sin = np.cos(near), np.sin(near)
        landmarks = landmarks.astype(float) @ np.array([[cos, sin], [-sin, cos]])
        landmarks = landmarks.astype(np.float32)
        angle = roll(landmarks, IBUG68, near)
        box, frame = upright_box(landmarks, angle), FaceCrop(64, 1.1)
        before = box * 1.02 + 3
        shift = crop_shift(frame.matrix(box, angle), frame.matrix(before, near), frame.size)
        cases.append(
            {
                "landmarks": numbers(landmarks),
                "near": near,
                "angle": angle,
                "box": numbers(box),
                "before": numbers(before),
                "shift": shift,
            }
        )
    return cases


def box_cases():
    """Boxes of whole faces, and those of a model's landmarks in them."""
    rng = np.random.default_rng(7)
    parts = BoxInFace.of_scheme(MTFL5), BoxInFace.of_scheme(COFW29)
    cases = []
    for part, angle in [(part, angle) for part in parts for angle in (0.0, 0.5, -2.25)]:
        face = rng.uniform([-20, -20, 40, 60], [90, 90, 120, 200]).round(3)
        (found,) = part.of_faces([*face, angle])
        cases.append(
            {
                "part": list(astuple(part)),
                "face": face.tolist(),
                "angle": angle,
                "box": numbers(found[:4]),
            }
        )
    return cases


def plausible_cases():
    """Landmarks a frame later: as before, or moved in ways that some must be refused for."""
    landmarks = synthetic.draw(2, size=160).landmarks.astype(float)
    middle = landmarks.mean(axis=0)
    rng = np.random.default_rng(1)
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    changed = {
        "as before": landmarks + 1,
        "moved": landmarks + [70, 0],
        "grown": (landmarks - middle) * 1.7 + middle,
        "turned": (landmarks - middle) @ turn + middle,
        "scattered": landmarks + rng.normal(0, 25, landmarks.shape),
        "out": landmarks - [100, 0],
        "small": (landmarks - middle) * 0.05 + middle,
    }
    before = upright_box(landmarks, 0.0)
    cases = []
    for name, points in changed.items():
        points = points.round(3)
        # Nothing but the leaving of the picture is asked of "out": the box goes with it.
        box = before - [100, 0, 0, 0] if name == "out" else before
        box = upright_box(points, 0.0) if name in ("turned", "small", "scattered") else box
        off, tilt = residual(points, IBUG68.mean_shape, 0.0)
        cases.append(
            {
                "name": name,
                "landmarks": numbers(points, 3),
                "box": numbers(box),
                "width": 160,
                "height": 160,
                "angle": 0.0,
                "residual": off,
                "tilt": tilt,
                "plausible": bool(
                    plausible(points, box.round(9), (160, 160), IBUG68.mean_shape, 0.0)
                ),
            }
        )
    return cases


def smooth_cases():
    """Points in frames that are not evenly spaced, smoothed as `FaceTracker` smooths them."""
    smooth, rng = OneEuroFilter(MIN_CUTOFF, BETA), np.random.default_rng(2)
    points, frames, time = np.array([[10.0, 20.0], [60.0, 25.0], [40.0, 80.0]]), [], 0.0
    for i in range(12):
        points = (points + rng.normal(0, 0.4, points.shape) + (i > 6) * 3).round(3)
        unit = 70.0 + i
        smoothed = smooth(points, time, unit=unit)
        frames.append(
            {"time": time, "unit": unit, "points": numbers(points), "smoothed": numbers(smoothed)}
        )
        time = round(time + (1 / 30 if i % 3 else 1 / 15), 6)
    return [{"min_cutoff": MIN_CUTOFF, "beta": BETA, "frames": frames}]
