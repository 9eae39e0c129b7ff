"""The detector's anchors, and faces from its outputs."""

import numpy as np

from golden.encoding import numbers
from keras_fld.data import synthetic
from keras_fld.geometry.frame import FaceCrop, invert
from keras_fld.predict.detectors import box_map
from keras_fld.predict.detectors.blazeface import tight_boxes
from keras_fld.predict.detectors.blazeface.grid import on_grid, turn_on_grid
from keras_fld.predict.detectors.blazeface.network import Faces, Network
from keras_fld.predict.detectors.blazeface.tiles import tiles

# A network's logit where no anchor is listed.
NOTHING = -100.0
THRESHOLD = 0.3


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
