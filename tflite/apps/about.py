"""Writes what the metadata of a `.tflite` landmark model says as code of an app.

    python about.py face.tflite cpp > face_model.hpp

Languages: cpp, kotlin, swift. The code defines `FACE_MODEL`, the `ModelInfo` of the ports.
"""

import sys
from dataclasses import astuple
from pathlib import Path

from keras_fld.predict import metadata

# What stands around the numbers.
TEMPLATES = {
    "cpp": """#pragma once
#include "keras_fld.hpp"

const keras_fld::ModelInfo FACE_MODEL{{
    {{{size}, {margin}}},
    {{{{{{{eye0}}}, {{{eye1}}}}}}},
    {{{shape}}},
    {{{box}}}}};
""",
    "kotlin": """import kerasfld.*

val FACE_MODEL = ModelInfo(
    FaceCrop({size}, {margin}),
    listOf(intArrayOf({eye0}), intArrayOf({eye1})),
    listOf({shape}),
    Box({box}))
""",
    "swift": """let FACE_MODEL = ModelInfo(
    crop: FaceCrop(size: {size}, margin: {margin}),
    eyes: [[{eye0}], [{eye1}]],
    meanShape: [{shape}],
    boxInFace: {swift_box})
""",
}
POINTS = {"cpp": "{{{}, {}}}", "kotlin": "Point({}, {})", "swift": "Point({}, {})"}


def code(path, language):
    """The code of a model file in a language.

    Raises:
        ValueError: the file is no landmark model of the package, or takes other input than bytes.
    """
    about = metadata.read(Path(path).read_bytes())
    if about is None or "kind" in about:
        raise ValueError(f"{path}: must be a landmark model of keras_fld")
    dtypes = about["input"]["dtype"], about["output"]["dtype"]
    if dtypes != ("uint8", "float32"):
        raise ValueError(
            f"{path}: the ports take files with uint8 input and float32 output, as --mode int8 "
            f"writes them. Got: {' and '.join(dtypes)}"
        )
    eyes = (about.get("normalizers") or {}).get("inter_pupil", [[], []])
    points = [POINTS[language].format(*map(float, p)) for p in about.get("mean_shape") or []]
    part = metadata.box_in_face(about)
    box = ", ".join(map(str, (0.0, 0.0, 1.0, 1.0) if part is None else astuple(part)))
    return TEMPLATES[language].format(
        size=int(about["input"]["size"]),
        margin=float(about["input"]["margin"]),
        eye0=", ".join(map(str, eyes[0])),
        eye1=", ".join(map(str, eyes[1])),
        shape=", ".join(points),
        box=box,
        swift_box="nil" if part is None else f"Box({box})",
    )


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[2] not in TEMPLATES:
        sys.exit(f"usage: about.py face.tflite {{{','.join(TEMPLATES)}}}")
    try:
        sys.stdout.write(code(*sys.argv[1:]))
    except (OSError, ValueError) as error:
        sys.exit(str(error))
