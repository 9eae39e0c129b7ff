"""Faces cut out of their photographs, ready for augmentation and evaluation."""

from dataclasses import dataclass

import numpy as np

from keras_fld._internal.files import message_in
from keras_fld._internal.progress import counting
from keras_fld._internal.threads import in_threads
from keras_fld.data.faces import FaceSet
from keras_fld.geometry.frame import FaceCrop, transform, warp
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
        images: (faces, size, size, 3) uint8 RGB: an array, or where they are not all in memory
            whatever has `shape` and gives a face's image by its index.
        landmarks: (faces, landmarks, 2) float32 pixels of the crop.
        matrices: (faces, 2, 3), photograph to crop pixels.
        frame: the model's frame that the crops were cut for.
        scheme: the landmarks' scheme.
        names: name of each face.
        skipped: one sentence for each face whose photograph could not be read.
        weights: (faces, landmarks) float32 factors of the errors in training; None for 1.
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
    """Crops exactly as a model sees them, for evaluation and calibration; see `_cut`."""
    return _cut(faces, frame, frame, skip_bad)


def training_crops(faces: FaceSet, frame: FaceCrop, skip_bad=False):
    """Larger crops at `OVERSAMPLING` times the scale, to draw augmented ones from; see `_cut`."""
    return _cut(faces, wide_frame(frame), frame, skip_bad)


def wide_frame(frame):
    """The frame of the training crops for a model's frame."""
    size = int(np.ceil(frame.size * OVERSAMPLING * RESERVE))
    # The margin follows from the rounded size, so that the scale is exact.
    return FaceCrop(size, frame.margin * size / (frame.size * OVERSAMPLING))


def cut_face(face, image, cut_frame):
    """Cuts a face's crop of a frame out of its photograph: (size, size, 3) uint8.

    Raises:
        ValueError: the face box does not lie in the photograph.
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
    """`Crops` of images that show the faces in `cut_frame`."""
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
    """The faces' weights as one array; None where no face has any."""
    if all(face.weights is None for face in faces):
        return None
    ones = np.ones(len(faces[0].landmarks), np.float32)
    return np.stack([ones if face.weights is None else face.weights for face in faces])


class Views:
    """Images of the same size that lie elsewhere, such as in memory-mapped files.

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
    """The faces of two `Crops` of one frame and scheme as one, without copying their images.

    Raises:
        ValueError: frames or schemes differ.
    """
    for name in ("frame", "scheme"):
        if getattr(first, name) != getattr(second, name):
            raise ValueError(
                f"joined crops must have one {name}. "
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
    """Reads every photograph and cuts its face; prepared faces stay in their memory-mapped files.

    Raises:
        ValueError: a photograph cannot be read and `skip_bad` is not set, or none can, or the faces
            were prepared for another frame.
    """
    prepared = [face.prepared for face in faces.faces]
    if all(prepared):
        views = [source.cut(cut_frame, frame) for source in prepared]
        # Model crops are small, and are wanted as an array.
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
