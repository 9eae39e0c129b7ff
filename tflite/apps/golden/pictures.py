"""Pictures: crops, tiles, camera frames, and their coordinates."""

import cv2
import numpy as np

from golden.encoding import bytes64, encoded, numbers
from keras_fld.data import synthetic
from keras_fld.geometry.frame import FaceCrop, invert, transform
from keras_fld.predict.detectors.blazeface.tiles import sides, tiles


def picture():
    """A drawn face, cut to a size that is not square: (84, 110, 3) uint8."""
    return np.ascontiguousarray(synthetic.draw(5, size=110).image[14:98])


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
