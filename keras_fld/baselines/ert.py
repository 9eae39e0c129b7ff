"""An Ensemble of Regression Trees (ERT), implemented by dlib.

Kazemi and Sullivan, "One Millisecond Face Alignment with an Ensemble of Regression Trees", CVPR
2014. dlib is installed by the extra `baselines`, which is not part of the extra `all`.
"""

import tempfile
from pathlib import Path

import numpy as np

from keras_fld._internal.extras import load
from keras_fld._internal.pixels import crops_of
from keras_fld.baselines import files

# The settings of that paper, where dlib has an option for them.
OPTIONS = {
    "cascade_depth": 10,
    "tree_depth": 5,
    "num_trees_per_cascade_level": 500,
    "nu": 0.1,
    "oversampling_amount": 20,
    "feature_pool_size": 400,
    "lambda_param": 0.1,
    "num_test_splits": 20,
}


class ERT:
    """A trained ensemble, with the same interface as the other models of the package.

    Any number of threads may use it; a pickle contains it.

    Args:
        frame: the `FaceCrop` of its input.
        scheme: the `Scheme` of its landmarks.
        trees: (bytes,) uint8, the content of dlib's file of a shape predictor.

    Raises:
        ImportError: dlib is not installed.
        ValueError: the bytes are not a shape predictor with the landmarks of the scheme.

    Examples:
        >>> from keras_fld.baselines import open_baseline
        >>> open_baseline("ert.npz").predict(crops).shape
        (10, 68, 2)
    """

    def __init__(self, frame, scheme, trees):
        dlib = load_dlib()
        self.frame, self.scheme, self.num_landmarks = frame, scheme, scheme.num_landmarks
        self._trees = np.asarray(trees, np.uint8)
        # dlib can only read from files.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trees.dat"
            path.write_bytes(self._trees.tobytes())
            try:
                self._predictor = dlib.shape_predictor(str(path))
            except RuntimeError as error:
                raise ValueError(f"not a dlib shape predictor ({error})") from error
        self._box = _box(dlib, frame)
        found = self._predictor(np.zeros((frame.size, frame.size, 3), np.uint8), self._box)
        if found.num_parts != self.num_landmarks:
            raise ValueError(
                f"the shape predictor must have the {self.num_landmarks} landmarks of "
                f"{scheme.name}. Got: {found.num_parts}"
            )

    def __reduce__(self):
        return type(self), (self.frame, self.scheme, self._trees)

    @property
    def name(self):
        return f"ert{self.num_landmarks}"

    def save(self, path):
        """Writes the model to a `.npz` file."""
        files.save(path, "ert", self.frame, self.scheme, {"trees": self._trees})

    def predict(self, images):
        """Predicts landmarks. dlib rounds them to whole pixels.

        Args:
            images: (faces, size, size, 3) uint8 crops.

        Returns:
            (faces, landmarks, 2) float32 crop pixels.
        """
        images = np.ascontiguousarray(crops_of(images, self.frame.size))
        result = np.empty((len(images), self.num_landmarks, 2), np.float32)
        for image, points in zip(images, result, strict=True):
            parts = self._predictor(image, self._box).parts()
            points[:] = [(part.x, part.y) for part in parts]
        return result


def train_ert(crops, options=None, seed=0, threads=1, verbose=False):
    """Trains an ensemble on crops and their mirror images.

    Args:
        crops: `Crops` made by `data.crops.model_crops`. Faces with a missing landmark are skipped.
            dlib rounds landmarks to whole pixels, so use larger crops than for a network: 200
            pixels or more.
        options: fields of dlib's `shape_predictor_training_options` that override `OPTIONS`.
        seed: seed of the trees.
        threads: number of threads.
        verbose: whether dlib prints its progress.

    Returns:
        An `ERT`.

    Raises:
        ImportError: dlib is not installed.
        ValueError: no face has all landmarks, or dlib has no such option.

    Examples:
        >>> model = train_ert(model_crops(faces, FaceCrop(200)))
        >>> model.save("ert.npz")
    """
    from keras_fld.baselines.sdm import with_mirrors

    dlib = load_dlib()
    chosen = dlib.shape_predictor_training_options()
    for name, value in {**OPTIONS, **(options or {})}.items():
        if not hasattr(chosen, name):
            raise ValueError(f"dlib's training has no option {name!r}")
        setattr(chosen, name, value)
    chosen.random_seed, chosen.num_threads, chosen.be_verbose = str(seed), threads, verbose
    images, truth = with_mirrors(crops)
    box = _box(dlib, crops.frame)
    shapes = [
        [dlib.full_object_detection(box, [dlib.point(round(x), round(y)) for x, y in points])]
        for points in truth.tolist()
    ]
    predictor = dlib.train_shape_predictor(list(images), shapes, chosen)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trees.dat"
        predictor.save(str(path))
        trees = np.frombuffer(path.read_bytes(), np.uint8)
    return ERT(crops.frame, crops.scheme, trees)


def _box(dlib, frame):
    """The face box in crop pixels: centered, without the margin."""
    half = frame.size / frame.margin / 2
    middle = (frame.size - 1) / 2
    low, high = round(middle - half), round(middle + half)
    return dlib.rectangle(low, low, high, high)


def load_dlib():
    """Imports dlib and returns the module.

    Raises:
        ImportError: dlib is not installed. The message names the extra to install.
    """
    return load("dlib", "ERT")
