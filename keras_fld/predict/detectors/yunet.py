"""YuNet, a small network that detects faces and five points of each. You provide its model file.

Wu, Peng and Yu, YuNet: A Tiny Millisecond-level Face Detector, 2023. OpenCV runs it.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from keras_fld._internal.images import as_rgb
from keras_fld._internal.pool import Pool
from keras_fld.geometry.boxes import largest_first
from keras_fld.geometry.reduction import reduced
from keras_fld.predict.detectors import box_map
from keras_fld.predict.reopening import ModelFile


class YuNetDetector:
    """Finds faces with a YuNet model.

    The box is computed from the detector's five points. The regression was fitted on the points
    that the YuNet of 640x640 pixels finds in annotated training photographs. The detector is
    thread-safe. A pickle stores the path of the file.

    Args:
        path: a `face_detection_yunet_*.onnx` file.
        threshold: lowest score of a face, 0 to 1.
        max_side: longer side in pixels to which larger images are reduced. The network detects
            faces of 10 to 300 pixels.

    Raises:
        ValueError: the file is missing, damaged or not a YuNet model, or a number is out of range.

    Examples:
        >>> boxes = YuNetDetector("face_detection_yunet_2023mar.onnx")(image)
    """

    # The boxes are those of whole faces: tight around the 68 landmarks of iBUG-68.
    whole_faces = True

    def __init__(self, path: str | Path, threshold: float = 0.6, max_side: int = 640) -> None:
        if not 0 < threshold < 1:
            raise ValueError(f"threshold must be between 0 and 1. Got: {threshold}")
        if max_side < 1:
            raise ValueError(f"max_side must be at least 1. Got: {max_side}")
        self.path, self.max_side, self.threshold = Path(path), max_side, threshold
        try:
            # On Windows, OpenCV cannot open paths with characters outside ASCII.
            self._content = np.fromfile(self.path, np.uint8)
        except OSError as error:
            raise ValueError(f"{path}: {error.strerror or error}") from error
        self._networks = Pool(self._open)
        with self._networks.borrow():  # reports an invalid file now, not with the first image
            pass

    def __reduce__(self) -> tuple[Any, ...]:
        file = ModelFile.of(self.path, self._content.tobytes())
        return _reopened, (type(self), file, self.threshold, self.max_side)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Finds the face boxes of an image.

        Args:
            image: (height, width, 3) uint8 RGB.

        Returns:
            (faces, 4) boxes, tight around the landmarks, largest first.

        Raises:
            ValueError: the model is not a YuNet.
        """
        points = self.points(image)
        return largest_first(box_map.shipped("five_points").boxes(*box_map.point_features(points)))

    def points(self, image: np.ndarray) -> np.ndarray:
        """Finds the eyes' centers, nose tip and mouth corners: (faces, 5, 2) pixels."""
        image, factor = reduced(as_rgb(image), self.max_side)
        with self._networks.borrow() as network:
            network.setInputSize((image.shape[1], image.shape[0]))
            try:
                _, found = network.detect(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
            except cv2.error as error:
                raise ValueError(f"{self.path}: not a YuNet model ({error.err})") from error
        if found is None:
            return np.empty((0, 5, 2))
        # Columns: box, five points, score.
        return found[:, 4:14].reshape(-1, 5, 2).astype(float) * factor

    def _open(self):
        try:
            return cv2.FaceDetectorYN.create(
                "onnx", self._content, np.empty(0, np.uint8), (32, 32), self.threshold
            )
        except cv2.error as error:
            rule = f"not a model that OpenCV can run ({error.err})"
            raise ValueError(f"{self.path}: {rule}") from error


def _reopened(kind, file, threshold, max_side):
    """Loads a pickled `YuNetDetector`."""
    return kind(file.check(), threshold, max_side)
