"""What the shipped int8 files give on known pictures, frozen when they were judged on photographs.

    python -m tests.zoo.zoo_reference    # after a new preset was evaluated; writes its JSON

Another color order, margin, pixel convention or landmark order moves these landmarks by more than
the test allows, so a preset's file stays tied to the code that made its published figures.
"""

from pathlib import Path

import numpy as np

from keras_fld import zoo
from keras_fld._internal.files import read_json, sha256, write_json
from keras_fld.data import synthetic
from keras_fld.geometry.frame import landmark_box
from keras_fld.predict.landmarker import FaceLandmarker
from keras_fld.schemes import IBUG68

KEPT = Path(__file__).with_suffix(".json")
# Tight around the face of scikit-image's portrait of Eileen Collins, x, y, width, height.
BOX = (176, 92, 92, 92)
FACES = 32


def measure(preset):
    """A preset's int8 file, its NME in per cent on drawn faces, and a portrait's landmarks."""
    from skimage.data import astronaut

    landmarker = FaceLandmarker.from_preset(preset)
    errors = []
    for index in range(FACES):
        face = synthetic.draw(index, seed=1)
        (found,) = landmarker.detect(face.image, boxes=[landmark_box(face.landmarks)])
        distances = np.linalg.norm(found.landmarks - face.landmarks, axis=-1)
        errors.append(distances.mean() / IBUG68.distance(face.landmarks, "inter_pupil"))
    (portrait,) = landmarker.detect(astronaut(), boxes=[BOX])
    return {
        "int8_sha256": sha256(zoo.lite_file(preset)),
        "drawn_nme": round(100 * float(np.mean(errors)), 3),
        "portrait": portrait.landmarks.astype(float).round(2).tolist(),
    }


def kept():
    return read_json(KEPT)


if __name__ == "__main__":
    write_json(KEPT, {preset: measure(preset) for preset in zoo.names()})
