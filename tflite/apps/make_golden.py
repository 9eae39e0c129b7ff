"""Writes golden.json: inputs of each step of the pipeline, and what the package makes of them.

    python make_golden.py golden.json

The ports in this folder are tested against the file. Images are {"width", "height", "rgb"}, the
bytes in base64; a list of cases stands under the name of each step. All faces are drawn.
"""

import base64
import json
import sys
from pathlib import Path

import cv2
import numpy as np

from keras_fld.data import synthetic
from keras_fld.geometry.frame import FaceCrop, crop_shift, invert, transform, upright_box
from keras_fld.predict.detectors import box_map
from keras_fld.predict.detectors.blazeface import tight_boxes
from keras_fld.predict.detectors.blazeface.grid import on_grid, turn_on_grid
from keras_fld.predict.detectors.blazeface.network import Faces, Network
from keras_fld.predict.detectors.blazeface.tiles import sides, tiles
from keras_fld.predict.face import roll
from keras_fld.predict.tracking.one_euro import OneEuroFilter
from keras_fld.predict.tracking.plausibility import plausible, residual
from keras_fld.predict.tracking.tracker import BETA, MIN_CUTOFF
from keras_fld.schemes import IBUG68

# A network's logit where no anchor is listed.
NOTHING = -100.0
THRESHOLD = 0.3


def picture():
    """A drawn face, cut to a size that is not square: (84, 110, 3) uint8."""
    return np.ascontiguousarray(synthetic.draw(5, size=110).image[14:98])


def contents():
    """The whole file as a dictionary."""
    image = picture()
    return {
        "picture": encoded(image),
        "coefficients": numbers(box_map.shipped("blazeface").coefficients),
        "eyes": [list(map(int, g)) for g in IBUG68.normalizer_indices("inter_pupil")],
        "mean_shape": numbers(IBUG68.mean_shape),
        "matrix": matrix_cases(),
        "crop": crop_cases(image),
        "tiles": tile_cases(image),
        "anchors": anchor_cases(),
        "decode": [drawn_face_case(), random_case("short", 3), random_case("full", 4)],
        "next_place": place_cases(),
        "plausible": plausible_cases(),
        "smooth": smooth_cases(),
        "yuv": yuv_cases(image),
        "sensor": encoded(sensor(image)),
        "turn": turn_cases(image),
    }


def matrix_cases():
    """Crop matrices, and points of a crop back in the picture."""
    cases = []
    for size, margin, box, angle in [
        (64, 1.1, [20, 15, 60, 50], 0.0),
        (112, 1.3, [-10.5, 7.25, 33.0, 80.5], 0.7),
        (128, 2.0, [300, 200, 91, 91], -2.6),
    ]:
        matrix = FaceCrop(size, margin).matrix(box, angle)
        points = np.array([[0, 0], [size - 1, 0], [size / 3, size / 2]])
        cases.append(
            {
                "size": size,
                "margin": margin,
                "box": box,
                "angle": angle,
                "matrix": numbers(matrix),
                "points": numbers(points),
                "in_picture": numbers(transform(points, invert(matrix))),
            }
        )
    return cases


def crop_cases(image):
    """Crops: enlarged, about the same, reduced first, turned, over the edge, outside."""
    cases = []
    for size, margin, box, angle in [
        (40, 1.1, [40, 30, 20, 15], 0.0),
        (40, 1.1, [30, 20, 40, 38], 0.35),
        (24, 1.5, [25, 10, 60, 65], -0.8),
        (20, 2.0, [35, 20, 50, 40], 2.9),
        (32, 1.3, [80, 50, 45, 45], 0.1),
        (16, 1.1, [400, 30, 20, 20], 0.0),
    ]:
        crop = FaceCrop(size, margin).crop(image, box, angle)
        cases.append({"size": size, "margin": margin, "box": box, "angle": angle, **encoded(crop)})
    return cases


def tile_cases(image):
    """What a network of a size is shown: the letterboxed picture, and tiles of finer levels."""
    cases = []
    for size, smallest in [(55, 1.0), (32, 0.25), (128, 1.0)]:
        sizes = sides(image, size, smallest)
        found = list(tiles(image, size, sizes))
        cases.append(
            {
                "size": size,
                "smallest": smallest,
                "sides": sizes,
                "tiles": [
                    {
                        "to_photo": numbers(tile.to_photo),
                        "low": [None if np.isinf(v) else float(v) for v in tile.low],
                        "high": [None if np.isinf(v) else float(v) for v in tile.high],
                        **encoded(tile.image),
                    }
                    for tile in found[:: max(1, len(found) // 3)]
                ],
                "shown": list(range(len(found)))[:: max(1, len(found) // 3)],
                "count": len(found),
            }
        )
    return cases


def anchor_cases():
    """Every hundredth anchor of each network, in pixels of the input."""
    cases = []
    for name in ("short", "full"):
        network = Network(name)
        centers = network.centers
        cases.append(
            {
                "network": name,
                "size": network.size,
                "count": len(centers),
                "every": 100,
                "centers": numbers(centers[::100]),
            }
        )
    return cases


def drawn_face_case():
    """The short range's true outputs on a drawn face."""
    image = synthetic.draw(5, size=256).image
    tile = next(tiles(image, 128, [128]))
    values, logits = Network("short").outputs(tile.image)
    listed = logits > -2
    # Rounded and without the others, as they are written.
    values = np.where(listed[:, None], values.round(3), 0)
    logits = np.where(listed, logits.round(4), NOTHING)
    return decode_case("short", values, logits)


def random_case(name, seed):
    """Outputs around three faces, turned and overlapping."""
    rng = np.random.default_rng(seed)
    network = Network(name)
    centers, size = network.centers, network.size
    values, logits = np.zeros((len(centers), 16)), np.full(len(centers), NOTHING)
    form = np.array([[0, 0], [-18, -15], [18, -15], [0, 5], [0, 22], [-35, -8], [35, -8]])
    for middle, angle, zoom in [((40, 45), 0.6, 0.7), ((52, 45), 0.5, 0.8), ((95, 90), -2.0, 0.5)]:
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        near = np.argsort(np.abs(centers - np.array(middle) * size / 128).sum(axis=1))[:6]
        for i in near:
            points = form @ turn * zoom + np.array(middle) * size / 128 + rng.normal(0, 1, (7, 2))
            away = (points - centers[i]).round(3)
            side = round(float(80 * zoom + rng.normal()), 3)
            values[i] = np.concatenate([away[0], [side, side], away[1:].ravel()])
            logits[i] = round(float(rng.uniform(-2, 3)), 4)
    return decode_case(name, values, logits)


def decode_case(name, values, logits):
    """Outputs of a network, the faces that they are about, merged, and their tight boxes."""
    network, listed = Network(name), np.flatnonzero(logits > NOTHING)
    found = network.decode(values, logits, THRESHOLD)
    best = found.best()
    matrix = FaceCrop(network.size, 1.5).matrix([30, 40, 60, 60], 0.4)
    boxes = tight_boxes(best, box_map.shipped("blazeface"))
    return {
        "network": name,
        "threshold": THRESHOLD,
        "nothing": NOTHING,
        "anchors": listed.tolist(),
        "numbers": numbers(values[listed], 3),
        "logits": numbers(logits[listed], 4),
        "found": len(found),
        "faces": face_rows(best),
        "matrix": numbers(invert(matrix)),
        "moved": face_rows(best.moved(invert(matrix))),
        "angles": numbers(best.angles),
        "boxes": numbers(boxes),
        "boxes_on_grid": numbers(on_grid(boxes, best.sides[:, None])),
        "angles_on_grid": numbers(turn_on_grid(best.angles)),
    }


def face_rows(faces: Faces):
    """Of each face its 14 coordinates, the side and the score."""
    return numbers(
        np.column_stack([faces.points.reshape(len(faces), 14), faces.sides, faces.scores])
    )


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


def yuv_cases(image):
    """A frame of a camera in each range: NV21 bytes, and the picture."""
    width, height = 32, 24
    rgb = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    i420 = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420).reshape(-1)
    # Every number comes, those out of range as well.
    rng = np.random.default_rng(3)
    i420[::5] = rng.integers(0, 256, len(i420[::5]))
    y, u, v = np.split(i420, [width * height, width * height * 5 // 4])
    nv21 = np.concatenate([y, np.column_stack([v, u]).ravel()])
    limited = cv2.cvtColor(nv21.reshape(-1, width), cv2.COLOR_YUV2RGB_NV21)
    chroma = [np.kron(c.reshape(height // 2, -1), np.ones((2, 2), np.uint8)) for c in (v, u)]
    full = cv2.cvtColor(np.dstack([y.reshape(height, width), *chroma]), cv2.COLOR_YCrCb2RGB)
    return [
        {"nv21": bytes64(nv21), "full_range": is_full, **encoded(rgb)}
        for is_full, rgb in ((False, limited), (True, full))
    ]


def sensor(image):
    """The part of the picture that is turned."""
    return np.ascontiguousarray(image[20:41, 30:60])


def turn_cases(image):
    """A sensor's picture turned clockwise, mirrored or not, and points' way there."""
    small = sensor(image)
    turns = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    corners, cases = [[0, 0], [29, 0], [3, 20]], []
    for degrees in (0, 90, 180, 270):
        for mirrored in (False, True):
            turned = cv2.rotate(small, turns[degrees]) if degrees else small
            turned = cv2.flip(turned, 1) if mirrored else turned
            cases.append(
                {
                    "degrees": degrees,
                    "mirrored": mirrored,
                    "points": corners,
                    "turned": [followed(x, y, degrees, mirrored) for x, y in corners],
                    **encoded(turned),
                }
            )
    return cases


def followed(x, y, degrees, mirrored):
    """Where OpenCV takes a pixel of a (21, 30) picture: a white one is looked for."""
    spot = np.zeros((21, 30), np.uint8)
    spot[y, x] = 255
    spot = np.rot90(spot, -degrees // 90)
    spot = spot[:, ::-1] if mirrored else spot
    row, column = (int(v[0]) for v in np.nonzero(spot))
    return [column, row]


def numbers(values, digits=9):
    """An array as lists of rounded numbers; + 0.0 removes the sign of zeros."""
    return (np.asarray(values, float).round(digits) + 0.0).tolist()


def bytes64(values):
    """Bytes in base64."""
    return base64.b64encode(np.ascontiguousarray(values, np.uint8).tobytes()).decode("ascii")


def encoded(image):
    """An RGB image as the file has it."""
    return {"width": image.shape[1], "height": image.shape[0], "rgb": bytes64(image)}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(contents()) + "\n", "utf-8")
