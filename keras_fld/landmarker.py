"""Photographs in, landmarks out."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from keras_fld import zoo
from keras_fld.data.geometry import check_box, invert, transform
from keras_fld.data.images import read_image
from keras_fld.predictor import open_model

# The face box inside a Haar box, as fractions of the Haar box's side: left, top, width, height.
# Medians over the 904 of 1,006 300W training faces that the cascade finds.
HAAR_TO_BOX = (0.09, 0.23, 0.85, 0.83)


@dataclass(frozen=True)
class DetectedFace:
    """A face in a photograph.

    Args:
        box: face box (x, y, width, height) in photograph pixels.
        landmarks: (landmarks, 2) float32 photograph pixels.
        scheme: name of the landmark layout, or None.
    """

    box: tuple[float, float, float, float]
    landmarks: np.ndarray
    scheme: str | None


class FaceLandmarker:
    """Finds faces and their landmarks.

    Args:
        model: a Keras model, or the path of a `.keras` or `.tflite` file. With a `.tflite` file
            neither Keras nor TensorFlow is loaded.

    Raises:
        ValueError: the file is missing, damaged or of another kind.

    Example:
        >>> faces = FaceLandmarker("face.tflite").detect("photo.jpg")
        >>> faces[0].landmarks.shape
        (68, 2)
    """

    def __init__(self, model):
        self._model = open_model(model)
        self.frame, self.scheme = self._model.frame, self._model.scheme

    @classmethod
    def from_preset(cls, name):
        """A landmarker on a pretrained int8 model of the package.

        Args:
            name: the preset's name, such as "trnet20_300w"; `keras_fld.zoo.names()` lists them.

        Raises:
            ValueError: there is no such preset.

        Example:
            >>> FaceLandmarker.from_preset("trnet20_300w").detect("photo.jpg")
        """
        return cls(zoo.lite_file(name))

    def detect(self, image, boxes=None, bgr=False):
        """Landmarks of every face.

        Args:
            image: (height, width, 3) or (height, width) uint8 array, or the path of an image file.
            boxes: face boxes (x, y, width, height), tight around the landmarks, one face each;
                None finds faces with OpenCV's Haar cascade.
            bgr: whether an array's channels are blue, green, red.

        Returns:
            A list of `DetectedFace`, in the order of the boxes; empty where no face is found.

        Raises:
            ValueError: not an image, or a box outside it.
        """
        name = f"{image}: " if isinstance(image, (str, Path)) else ""
        image = as_rgb(image, bgr)
        if boxes is None:
            boxes = find_faces(image)
        boxes = [_box_inside(box, image, name) for box in boxes]
        if not boxes:
            return []
        matrices = [self.frame.matrix(box) for box in boxes]
        landmarks = self._model.predict(np.stack([self.frame.crop(image, box) for box in boxes]))
        return [
            DetectedFace(
                tuple(float(v) for v in box),
                transform(points, invert(matrix)).astype(np.float32),
                self.scheme and self.scheme.name,
            )
            for box, points, matrix in zip(boxes, landmarks, matrices, strict=True)
        ]


def as_rgb(image, bgr=False):
    """An image as (height, width, 3) uint8 RGB.

    Args:
        image: a path, or a colour or grey uint8 array.
        bgr: whether an array's channels are blue, green, red.

    Raises:
        ValueError: the file or the array is not an image.
    """
    if isinstance(image, (str, Path)):
        return read_image(image)
    image = np.asarray(image)
    if image.dtype != np.uint8 or not (
        image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    ):
        raise ValueError(
            "image must be a uint8 array of (height, width) or (height, width, 3). "
            f"Got: {image.dtype} {image.shape}"
        )
    if not image.size:
        raise ValueError(f"image must have at least one pixel. Got: {image.shape}")
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    return image[..., ::-1].copy() if bgr else image


def find_faces(image):
    """Face boxes that OpenCV's Haar cascade finds.

    Args:
        image: (height, width, 3) uint8 RGB.

    Returns:
        A list of (x, y, width, height), largest first: the cascade's squares, mapped to the tight
        box around landmarks that models are trained on.
    """
    cascade = cv2.CascadeClassifier(
        str(Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml")
    )
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    found = cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5, minSize=(24, 24))
    left, top, width, height = HAAR_TO_BOX
    boxes = [
        (x + left * side, y + top * side, width * side, height * side) for x, y, side, _ in found
    ]
    return sorted(boxes, key=lambda box: -box[2])


def _box_inside(box, image, name):
    x, y, width, height = check_box(box)
    if x >= image.shape[1] or y >= image.shape[0] or x + width <= 0 or y + height <= 0:
        raise ValueError(
            f"{name}a box must lie in the {image.shape[1]}x{image.shape[0]} image. "
            f"Got: {x:g},{y:g},{width:g},{height:g}"
        )
    return np.array([x, y, width, height])
