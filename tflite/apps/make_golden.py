"""Writes golden.json: inputs of each step of the pipeline, and what the package makes of them.

    python make_golden.py golden.json

The ports in this folder are tested against the file. Images are {"width", "height", "rgb"}, the
bytes in base64; a list of cases stands under the name of each step. All faces are drawn.
"""

import json
import sys
from pathlib import Path

from golden import detection, landmarks, pictures, tracking
from golden.encoding import encoded, numbers

from keras_fld.predict.detectors import box_map
from keras_fld.schemes import IBUG68


def contents():
    """The whole file as a dictionary."""
    image = pictures.picture()
    return {
        "picture": encoded(image),
        "coefficients": numbers(box_map.shipped("blazeface").coefficients),
        "eyes": [list(map(int, g)) for g in IBUG68.normalizer_indices("inter_pupil")],
        "mean_shape": numbers(IBUG68.mean_shape),
        "matrix": pictures.matrix_cases(),
        "crop": pictures.crop_cases(image),
        "tiles": pictures.tile_cases(image),
        "anchors": detection.anchor_cases(),
        "decode": [
            detection.drawn_face_case(),
            detection.random_case("short", 3),
            detection.random_case("full", 4),
        ],
        "next_place": landmarks.place_cases(),
        "box_in_face": landmarks.box_cases(),
        "plausible": landmarks.plausible_cases(),
        "smooth": landmarks.smooth_cases(),
        "boxes": tracking.box_cases(),
        "track": tracking.recorded(image),
        "yuv": pictures.yuv_cases(image),
        "sensor": encoded(pictures.sensor(image)),
        "turn": pictures.turn_cases(image),
    }


if __name__ == "__main__":
    text = json.dumps(contents(), separators=(",", ":"))
    Path(sys.argv[1]).write_text(text + "\n", "utf-8")
