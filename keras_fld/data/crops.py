"""Faces cropped from their photographs, for augmentation and evaluation."""

from dataclasses import dataclass

import numpy as np

from keras_fld._internal.files import message_in
from keras_fld._internal.progress import counting
from keras_fld._internal.threads import in_threads
from keras_fld.data.faces import FaceSet
from keras_fld.geometry.frame import FaceCrop, transform, warp
from keras_fld.schemes import Scheme

# Side of a training crop in model crops. It leaves room for a rotation by 30 degrees of a face that
# is 10 % larger and shifted by 5 %: 1.1 * 1.366 + 2 * 0.05.
RESERVE = 1.6
# Scale of training crops relative to model crops. A face scaled down by 10 % is then still at twice
# the crop's scale, the most that `warp` cuts without halving.
OVERSAMPLING = 1.8


@dataclass(frozen=True)
class Crops:
    """Square crops of faces, with their landmarks.

    Args:
        images: (faces, size, size, 3) uint8 RGB: an array, or an object with `shape` that returns a
            face's image by its index, if they are not all in memory.
        landmarks: (faces, landmarks, 2) float32 pixels of the crop.
        matrices: (faces, 2, 3), from photograph pixels to crop pixels.
        frame: the model's `FaceCrop` for which the faces were cropped.
        scheme: scheme of the landmarks.
        names: name of each face.
        skipped: one sentence for each face whose photograph could not be read.
        weights: (faces, landmarks) float32 factors of the errors in training; None means 1.
    """

    images: "np.ndarray | Views"
    landmarks: np.ndarray
    matrices: np.ndarray
    frame: FaceCrop
    scheme: Scheme
    names: list[str]
    skipped: list[str]
    weights: np.ndarray | None = None

    def __len__(self):
        return len(self.images)


def model_crops(faces: FaceSet, frame: FaceCrop, skip_bad=False):
    """Crops faces exactly as a model sees them, for evaluation and calibration.

    Args:
        faces: the `FaceSet`.
        frame: the model's `FaceCrop`.
        skip_bad: skip faces whose photograph cannot be read, and list them in `skipped`.

    Returns:
        A `Crops`.

    Raises:
        ValueError: a photograph cannot be read and `skip_bad` is False, no photograph can be read,
            or the faces were prepared for another frame.

    Examples:
        >>> model_crops(faces, FaceCrop(64)).images.shape[1:]
        (64, 64, 3)
    """
    return _cut(faces, frame, frame, skip_bad)


def training_crops(faces: FaceSet, frame: FaceCrop, skip_bad=False):
    """Crops larger images at `OVERSAMPLING` times the scale, for augmentation.

    Arguments, result and errors are those of `model_crops`.

    Examples:
        >>> data = training_crops(faces, FaceCrop())
    """
    return _cut(faces, wide_frame(frame), frame, skip_bad)


def wide_frame(frame):
    """Returns the frame of the training crops that belong to a model's frame."""
    size = int(np.ceil(frame.size * OVERSAMPLING * RESERVE))
    # The margin is computed from the rounded size, so that the scale is exact.
    return FaceCrop(size, frame.margin * size / (frame.size * OVERSAMPLING))


def cut_face(face, image, cut_frame):
    """Crops a face from its photograph: (size, size, 3) uint8.

    Raises:
        ValueError: the face box does not overlap the photograph.
    """
    height, width = image.shape[:2]
    x, y, w, h = face.box
    if x >= width or y >= height or x + w <= 0 or y + h <= 0:
        raise ValueError(
            f"{face.name}: the face box must lie in the {width}x{height} image. "
            f"Got: {[round(float(v), 1) for v in face.box]}"
        )
    return warp(image, cut_frame.matrix(face.box), cut_frame.size)


def assemble(images, faces, cut_frame, frame, scheme, skipped):
    """Returns `Crops` of images that show the faces in `cut_frame`."""
    matrices = np.stack([cut_frame.matrix(face.box) for face in faces])
    landmarks = [transform(face.landmarks, m) for face, m in zip(faces, matrices, strict=True)]
    return Crops(
        images=images,
        landmarks=np.stack(landmarks).astype(np.float32),
        matrices=matrices,
        frame=frame,
        scheme=scheme,
        names=[face.name for face in faces],
        skipped=skipped,
        weights=_weights(faces),
    )


def _weights(faces):
    """Returns the faces' weights as one array, or None if no face has weights."""
    if all(face.weights is None for face in faces):
        return None
    ones = np.ones(len(faces[0].landmarks), np.float32)
    return np.stack([ones if face.weights is None else face.weights for face in faces])


class Views:
    """Images of one size that are stored separately, such as in memory-mapped files.

    Args:
        views: (size, size, 3) uint8 arrays.
    """

    def __init__(self, views):
        self._views = views
        self.shape = (len(views), *views[0].shape)

    def __len__(self):
        return len(self._views)

    def __getitem__(self, index):
        return self._views[index]


def join(first, second):
    """Joins two `Crops` with the same frame and scheme, without copying their images.

    Raises:
        ValueError: the frames or schemes differ.
    """
    for name in ("frame", "scheme"):
        if getattr(first, name) != getattr(second, name):
            raise ValueError(
                f"crops to join must have the same {name}. "
                f"Got: {getattr(first, name)} and {getattr(second, name)}"
            )
    weights = [
        np.ones(part.landmarks.shape[:2], np.float32) if part.weights is None else part.weights
        for part in (first, second)
    ]
    return Crops(
        images=Views([*first.images, *second.images]),
        landmarks=np.concatenate([first.landmarks, second.landmarks]),
        matrices=np.concatenate([first.matrices, second.matrices]),
        frame=first.frame,
        scheme=first.scheme,
        names=first.names + second.names,
        skipped=first.skipped + second.skipped,
        weights=None if first.weights is second.weights is None else np.concatenate(weights),
    )


def _cut(faces, cut_frame, frame, skip_bad):
    """Reads the photographs and crops the faces; prepared faces remain memory-mapped."""
    prepared = [face.prepared for face in faces.faces]
    if all(prepared):
        views = [source.cut(cut_frame, frame) for source in prepared]
        # Model crops are small, and callers expect an array.
        stored = np.stack(views) if cut_frame == frame else Views(views)
        return assemble(stored, faces.faces, cut_frame, frame, faces.scheme, [])

    def cut(face):
        return cut_face(face, face.image(), cut_frame)

    kept, images, skipped = [], [], []
    with counting("reading faces", len(faces)) as done:
        for face, crop in in_threads(cut, faces.faces):
            try:
                images.append(crop())
                kept.append(face)
            except ValueError as error:
                if not skip_bad:
                    raise
                skipped.append(message_in(faces.root, error))
            done(1)
    if not kept:
        raise ValueError(f"{faces.name}: no face could be read. First: {skipped[0]}")
    return assemble(np.stack(images), kept, cut_frame, frame, faces.scheme, skipped)
