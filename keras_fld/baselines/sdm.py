"""The Supervised Descent Method (SDM): cascaded ridge regression on descriptors at the landmarks.

Xiong and De la Torre, "Supervised Descent Method and Its Applications to Face Alignment", CVPR
2013. Each stage computes descriptors at the current landmarks and adds a linear function of them to
the landmarks. Stages are trained one after the other, each on the output of the previous one.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from keras_fld._internal.pixels import crops_of
from keras_fld.baselines import files
from keras_fld.baselines.descriptors import LENGTH, describe
from keras_fld.data.crops import Crops
from keras_fld.data.faces import evenly
from keras_fld.geometry.frame import FaceCrop
from keras_fld.schemes import Scheme
from keras_fld.schemes.face_box import BoxInFace

# Half the side of the described square in each stage, in face boxes, from coarse to fine.
RADII = (0.2, 0.16, 0.13, 0.1)
# Ridge penalty of a stage, in units of the mean variance of a feature.
RIDGE = 1.0
# Number of principal components kept of a descriptor.
KEPT = 32
# Number of descriptors that the principal components are computed from.
_SAMPLE = 100_000


class SDM:
    """A trained cascade, with the same interface as the other models of the package.

    Any number of threads may use it; a pickle contains it.

    Args:
        frame: the `FaceCrop` of its input.
        scheme: the `Scheme` of its landmarks.
        start: (landmarks, 2) crop pixels that the cascade starts from.
        center: (128,) mean descriptor.
        basis: (128, kept) principal components of the descriptors.
        radii: (stages,) half the side of the described square in crop pixels.
        weights: (stages, landmarks * kept + 1, landmarks * 2) linear functions. The last row of
            each is the offset.

    Raises:
        ValueError: the shapes of the arrays do not match.

    Examples:
        >>> model = open_baseline("sdm.npz")
        >>> model.predict(crops).shape
        (10, 68, 2)
    """

    def __init__(
        self,
        frame: FaceCrop,
        scheme: Scheme,
        start: np.ndarray,
        center: np.ndarray,
        basis: np.ndarray,
        radii: np.ndarray,
        weights: np.ndarray,
    ) -> None:
        self.frame, self.scheme, self.num_landmarks = frame, scheme, scheme.num_landmarks
        kept, count = basis.shape[-1], self.num_landmarks
        wanted = {
            "start": (start, (count, 2)),
            "center": (center, (LENGTH,)),
            "basis": (basis, (LENGTH, kept)),
            "weights": (weights, (len(radii), count * kept + 1, count * 2)),
        }
        for name, (array, shape) in wanted.items():
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"{name} must be finite numbers {shape}. Got: {array.shape}")
        self.start, self.center, self.basis = start, center, basis
        self.box_in_face = BoxInFace.of_scheme(scheme, start)
        self.radii, self.weights = radii, weights

    @property
    def name(self) -> str:
        return f"sdm{self.num_landmarks}"

    def save(self, path: str | Path) -> None:
        """Writes the model to a `.npz` file."""
        names = ("start", "center", "basis", "radii", "weights")
        arrays = {name: getattr(self, name) for name in names}
        files.save(path, "sdm", self.frame, self.scheme, arrays)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Predicts landmarks.

        Args:
            images: (faces, size, size, 3) uint8 crops.

        Returns:
            (faces, landmarks, 2) float32 crop pixels.
        """
        images = crops_of(images, self.frame.size)
        shapes = np.repeat(self.start[None], len(images), axis=0)
        if len(images):
            for radius, weights in zip(self.radii, self.weights, strict=True):
                features = _features(images, shapes, radius, self.center, self.basis)
                shapes = shapes + _apply(features, weights).reshape(shapes.shape)
        return shapes.astype(np.float32)


def train_sdm(
    crops: Crops,
    radii: Sequence[float] = RADII,
    ridge: float = RIDGE,
    kept: int = KEPT,
    starts: int = 3,
    seed: int = 0,
    limit: int | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> SDM:
    """Trains a cascade on crops and their mirror images.

    Each face is used several times, starting from the mean shape with small random rotations,
    scalings and shifts.

    Args:
        crops: `Crops` made by `data.crops.model_crops`. Faces with a missing landmark are skipped.
        radii: half the side of the described square in each stage, in face boxes.
        ridge: ridge penalty of the regressions, in units of the mean variance of a feature.
        kept: number of principal components kept of each descriptor.
        starts: number of starting shapes for each face and for each mirror image.
        seed: seed of the starting shapes.
        limit: largest number of faces, taken evenly from the set. None uses all faces.
        progress: called with the number of a finished stage and the training error in pixels.

    Returns:
        An `SDM`.

    Raises:
        ValueError: there is no stage, an option is out of range, or no face has all landmarks.

    Examples:
        >>> faces = keras_fld.data.read("300w", root, "train")
        >>> model = train_sdm(model_crops(faces, FaceCrop(64)))
        >>> model.save("sdm.npz")
    """
    _check_options(radii, ridge, kept, starts)
    images, truth = with_mirrors(crops, limit)
    start, side = truth.mean(axis=0), crops.frame.size
    rng = np.random.default_rng(seed)
    of_image = np.repeat(np.arange(len(images)), starts)
    shapes = _starting_shapes(start, truth, of_image, rng, side)
    half = np.array(radii) * side / crops.frame.margin
    center, basis = _components(images, shapes, of_image, half[0], kept, rng)
    weights = []
    for stage, radius in enumerate(half):
        features = _features(images, shapes, radius, center, basis, of_image)
        missing = (truth[of_image] - shapes).reshape(len(shapes), -1)
        weights.append(_ridge(features, missing, ridge))
        shapes = shapes + _apply(features, weights[-1]).reshape(shapes.shape)
        if progress:
            progress(stage + 1, np.linalg.norm(shapes - truth[of_image], axis=-1).mean())
    start, half = start.astype(np.float32), half.astype(np.float32)
    return SDM(crops.frame, crops.scheme, start, center, basis, half, np.stack(weights))


def _check_options(radii, ridge, kept, starts):
    """Raises a ValueError if an option of `train_sdm` is out of range."""
    for name, value in (("starts", starts), ("kept", kept), ("number of stages", len(radii))):
        if value < 1:
            raise ValueError(f"{name} must be at least 1. Got: {value}")
    if not ridge > 0 or kept > LENGTH or min(radii) <= 0:
        raise ValueError(
            f"ridge and radii must be above 0 and kept at most {LENGTH}. "
            f"Got: {ridge}, {tuple(radii)} and {kept}"
        )


def whole_faces(crops, limit=None):
    """Returns the indices of up to `limit` evenly chosen faces with every landmark annotated."""
    whole = np.flatnonzero(~np.isnan(crops.landmarks).any(axis=(1, 2)))
    return whole if limit is None else whole[evenly(len(whole), limit)]


def with_mirrors(crops, limit=None):
    """Returns crops and landmarks of fully annotated faces, followed by their mirror images."""
    whole = whole_faces(crops, limit)
    if not len(whole):
        raise ValueError("SDM needs faces with every landmark annotated. Got: none")
    images = np.stack([crops.images[i] for i in whole])
    points = crops.landmarks[whole].astype(float)
    mirrored = points[:, crops.scheme.mirror].copy()
    mirrored[..., 0] = crops.frame.size - 1 - mirrored[..., 0]
    flipped = np.ascontiguousarray(images[:, :, ::-1])
    return np.concatenate([images, flipped]), np.concatenate([points, mirrored])


def _starting_shapes(start, truth, of_image, rng, side):
    """The mean shape for each sample, randomly transformed except in the first of each image."""
    count = len(of_image)
    first = np.concatenate([[True], of_image[1:] != of_image[:-1]])
    angle = np.radians(rng.normal(0, 8, count)) * ~first
    scale = 1 + rng.normal(0, 0.05, count) * ~first
    shift = rng.normal(0, 0.02 * side, (count, 2)) * ~first[:, None]
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1)
    turn = turn.reshape(count, 2, 2) * scale[:, None, None]
    middle = start.mean(axis=0)
    return np.einsum("nij,pj->npi", turn, start - middle) + middle + shift[:, None]


def _components(images, shapes, of_image, radius, kept, rng):
    """Mean and principal components of the descriptors of random samples."""
    some = rng.permutation(len(shapes))[: max(1, _SAMPLE // shapes.shape[1])]
    found = np.concatenate([describe(images[of_image[i]], shapes[i], radius) for i in some])
    center = found.mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov((found - center).T))
    return center.astype(np.float32), vectors[:, ::-1][:, :kept].astype(np.float32)


def _features(images, shapes, radius, center, basis, of_image=None):
    """Projected descriptors at the landmarks of each sample: (samples, landmarks * kept)."""
    of_image = np.arange(len(shapes)) if of_image is None else of_image

    def one(sample):
        found = describe(images[of_image[sample]], shapes[sample], radius)
        return ((found - center) @ basis).ravel()

    with ThreadPoolExecutor(max(1, cv2.getNumThreads())) as pool:
        return np.stack(list(pool.map(one, range(len(shapes)))))


def _ridge(features, targets, ridge):
    """Weights (features + 1, outputs) float32 of a ridge regression without penalized offset."""
    center, target = features.mean(axis=0), targets.mean(axis=0)
    features = features - center
    gram = (features.T @ features).astype(float)
    # Scaled by variance and number of samples, so that the penalty means the same for any of them.
    gram[np.diag_indices_from(gram)] += ridge * np.trace(gram) / len(gram)
    weights = np.linalg.solve(gram, features.T @ (targets - target))
    return np.concatenate([weights, (target - center @ weights)[None]]).astype(np.float32)


def _apply(features, weights):
    return features @ weights[:-1] + weights[-1]
