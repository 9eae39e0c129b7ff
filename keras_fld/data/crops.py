"""Faces cut out of their photographs once, ready for augmentation and evaluation."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from keras_fld.data.faces import FaceSet
from keras_fld.data.geometry import Frame, transform, warp
from keras_fld.schemes import Scheme

# Side of a training crop in model crops: room for a 30 degree turn of a face 10 % larger and 5 %
# off its place, 1.1 * 1.366 + 2 * 0.05.
RESERVE = 1.6
# Scale of training crops in model crops: a face made 10 % smaller then stays at twice the crop's
# scale, up to which `warp` needs no reduction.
OVERSAMPLING = 1.8


@dataclass(frozen=True)
class Crops:
    """Square crops of faces, with their landmarks.

    Args:
        images: (faces, size, size, 3) uint8 RGB.
        landmarks: (faces, landmarks, 2) float32 pixels of the crop.
        matrices: (faces, 2, 3), photograph to crop pixels.
        frame: the model's frame that the crops were cut for.
        scheme: layout of the landmarks.
        names: name of each face.
        skipped: one sentence for each face whose photograph could not be read.
    """

    images: np.ndarray
    landmarks: np.ndarray
    matrices: np.ndarray
    frame: Frame
    scheme: Scheme
    names: list[str]
    skipped: list[str]

    def __len__(self):
        return len(self.images)


def model_crops(faces: FaceSet, frame: Frame, skip_bad=False):
    """Crops exactly as a model sees them, for evaluation and calibration; see `_cut`."""
    return _cut(faces, frame, frame, skip_bad)


def training_crops(faces: FaceSet, frame: Frame, skip_bad=False):
    """Larger crops at `OVERSAMPLING` times the scale, to draw augmented ones from; see `_cut`."""
    size = int(np.ceil(frame.size * OVERSAMPLING * RESERVE))
    # The margin follows from the rounded size, so that the scale is exact.
    wide = Frame(size, frame.margin * size / (frame.size * OVERSAMPLING))
    return _cut(faces, wide, frame, skip_bad)


def _cut(faces, cut_frame, frame, skip_bad):
    """Reads every photograph and cuts its face.

    Raises:
        ValueError: a photograph cannot be read and `skip_bad` is not set, or none can.
    """

    def cut(face):
        try:
            image = face.image()
        except ValueError as error:
            if not skip_bad:
                raise
            return str(error)
        matrix = cut_frame.matrix(face.box)
        height, width = image.shape[:2]
        x, y, w, h = face.box
        if x >= width or y >= height or x + w <= 0 or y + h <= 0:
            error = (
                f"{face.name}: the face box must lie in the {width}x{height} image. "
                f"Got: {[round(float(v), 1) for v in face.box]}"
            )
            if not skip_bad:
                raise ValueError(error)
            return error
        return warp(image, matrix, cut_frame.size), matrix

    with ThreadPoolExecutor() as pool:
        results = list(pool.map(cut, faces.faces))
    kept = [i for i, result in enumerate(results) if not isinstance(result, str)]
    skipped = [result for result in results if isinstance(result, str)]
    if not kept:
        raise ValueError(f"{faces.name}: no face could be read. First: {skipped[0]}")
    matrices = np.stack([results[i][1] for i in kept])
    landmarks = np.stack([transform(faces.faces[i].landmarks, results[i][1]) for i in kept]).astype(
        np.float32
    )
    return Crops(
        images=np.stack([results[i][0] for i in kept]),
        landmarks=landmarks,
        matrices=matrices,
        frame=frame,
        scheme=faces.scheme,
        names=[faces.faces[i].name for i in kept],
        skipped=skipped,
    )
