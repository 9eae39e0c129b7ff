"""Photographs in, landmarks out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from keras_fld import zoo
from keras_fld._internal.images import as_rgb
from keras_fld.geometry.frame import FaceCrop, check_box, invert, landmark_box, transform
from keras_fld.predict.detectors import Detector, box_map, find_faces, open_detector
from keras_fld.predict.predictor import DEFAULT_SCORE, open_model, open_score, scored_by_default
from keras_fld.predict.protocol import LandmarkModel, Scorer
from keras_fld.schemes import Scheme

if TYPE_CHECKING:
    import keras
    import PIL.Image


__all__ = ["HAAR_TO_BOX", "DetectedFace", "FaceLandmarker", "as_rgb", "find_faces"]

# The face box inside the frontal cascade's square, as fractions of its side: left, top, width,
# height.
HAAR_TO_BOX = box_map.fractions("haar_frontal")

# `detect_many` holds this many images at a time.
_TOGETHER = 16


@dataclass(frozen=True)
class DetectedFace:
    """A face in a photograph.

    Args:
        box: face box (x, y, width, height) in photograph pixels, which the landmarks were
            predicted from.
        landmarks: (landmarks, 2) float32 photograph pixels.
        scheme: name of the landmark scheme, or None.
        score: how surely the landmarks lie on a face, 0 to 1, 0.5 the threshold; None where nothing
            judged it.
    """

    box: tuple[float, float, float, float]
    landmarks: np.ndarray
    scheme: str | None
    score: float | None = None


class FaceLandmarker:
    """Finds faces and their landmarks.

    Args:
        model: a Keras model, a `LandmarkModel` such as `LiteModel`, the path of a `.keras` or
            `.tflite` file, or the name of a preset, whose int8 file is taken. With a `.tflite` file
            neither Keras nor TensorFlow is loaded.
        detector: what finds faces where no boxes are given: "haar", "haar-frontal", the path of a
            YuNet `.onnx` file, or a function of an RGB image that returns (faces, 4) tight boxes.
        passes: forward passes for each face that the detector found: from the second on, its crop
            is cut by the landmarks of the pass before.
        score: what judges the crop that the landmarks lead to: True for the package's face score,
            which judges schemes with contour and brows (iBUG-68, WFLW-98) and no others; the path
            of a face-score file; None for nothing; "default" for True, but None with a preset that
            was not trained on 300W: the package's score is for research, as those on 300W are.

    Raises:
        ValueError: the model is none of these, a file is missing, damaged or of another kind, or
            passes below 1.

    Example:
        >>> faces = FaceLandmarker("face.tflite").detect("photo.jpg")
        >>> faces[0].landmarks.shape
        (68, 2)
    """

    def __init__(
        self,
        model: "keras.Model | LandmarkModel | str | Path",
        detector: str | Path | Detector = "haar",
        passes: int = 3,
        score: bool | str | Path | Scorer | None = DEFAULT_SCORE,
    ) -> None:
        if isinstance(score, str) and score == DEFAULT_SCORE:
            score = scored_by_default(model)
        self._model = open_model(model)
        self.frame: FaceCrop = self._model.frame
        self.scheme: Scheme | None = self._model.scheme
        self.num_landmarks: int = self._model.num_landmarks
        self._detector = open_detector(detector)
        self.passes = _check_passes(passes)
        self._score = open_score(score, self.scheme)

    @classmethod
    def from_preset(cls, name: str, **options: Any) -> Self:
        """A landmarker on a pretrained int8 model of the package.

        Args:
            name: the preset's name, such as "trnet20_300w"; `keras_fld.zoo.names()` lists them.
            **options: `detector`, `passes` and `score`, as of the class.

        Raises:
            ValueError: there is no such preset.

        Example:
            >>> FaceLandmarker.from_preset("trnet20_300w").detect("photo.jpg")
        """
        zoo.lite_file(name)  # refuses what is no preset, such as a path
        return cls(name, **options)

    def detect(
        self,
        image: "np.ndarray | str | Path | PIL.Image.Image",
        boxes: Iterable[np.ndarray | Sequence[float]] | None = None,
        bgr: bool = False,
        passes: int | None = None,
    ) -> list[DetectedFace]:
        """Landmarks of every face.

        Args:
            image: (height, width, 3) or (height, width) uint8 array, the path of an image file, or
                a Pillow image. A file is turned upright by its rotation tag, as viewers show it;
                an array and a Pillow image are taken as they are.
            boxes: face boxes (x, y, width, height), tight around the landmarks, one face each;
                None finds faces with the detector.
            bgr: whether an array's channels are blue, green, red.
            passes: forward passes for each face; None makes one for given boxes and the
                landmarker's number for found ones.

        Returns:
            A list of `DetectedFace`, in the order of the boxes; of found faces the largest first.
            Empty where no face is found.

        Raises:
            ValueError: not an image, one with a side above 32,766 pixels, or a box outside it.
        """
        given = None if boxes is None else [boxes]
        return self.detect_many([image], given, bgr, passes)[0]

    def detect_many(
        self,
        images: "Iterable[np.ndarray | str | Path | PIL.Image.Image]",
        boxes: Iterable[Iterable[np.ndarray | Sequence[float]] | None] | None = None,
        bgr: bool = False,
        passes: int | None = None,
    ) -> list[list[DetectedFace]]:
        """Landmarks of every face in several images, predicted together.

        Args:
            images: images as `detect` takes them; any iterable, of which a few are held at a time.
            boxes: for each image its boxes or None, as `detect` takes them.
            bgr: as `detect`.
            passes: as `detect`.

        Returns:
            For each image the list that `detect` returns.

        Raises:
            ValueError: as `detect`, where the message names the image by its path or its place;
                or a path alone.

        Example:
            >>> for faces in landmarker.detect_many(["a.jpg", "b.jpg"]):
            ...     print(len(faces))
        """
        if isinstance(images, (str, Path)):
            raise ValueError(
                "images must be a list of images; detect takes a single one. "
                f"Got: the path {str(images)!r}"
            )
        if passes is not None:
            _check_passes(passes)
        images = iter(images)
        found: list[list[DetectedFace]] = []
        boxes = None if boxes is None else iter(boxes)
        while chunk := list(islice(images, _TOGETHER)):
            given = [None] * len(chunk) if boxes is None else list(islice(boxes, len(chunk)))
            if len(given) < len(chunk):
                raise ValueError(
                    f"boxes must be given for every image. Got: {len(found) + len(given)} lists"
                )
            first = len(found) if len(chunk) > 1 or found else None
            found += self._detect_chunk(chunk, given, bgr, passes, first)
        if boxes is not None and next(boxes, self) is not self:
            raise ValueError(f"boxes must be given for the {len(found)} images alone. Got: more")
        return found

    def find_boxes(self, image: np.ndarray, name: str = "") -> np.ndarray:
        """The detector's face boxes.

        Args:
            image: (height, width, 3) uint8 RGB.
            name: what an error begins with.

        Returns:
            (faces, 4) boxes (x, y, width, height) in pixels.

        Raises:
            ValueError: the detector is a function that returns something else.
        """
        boxes = self._detector(image)
        boxes = np.asarray([] if boxes is None else boxes, float)
        if boxes.size and (boxes.ndim != 2 or boxes.shape[1] != 4):
            raise ValueError(f"{name}a detector must return (faces, 4) boxes. Got: {boxes.shape}")
        return boxes.reshape(-1, 4)

    def _detect_chunk(self, images, boxes, bgr, passes, first):
        """`detect_many` of a few images; `first` is the place of the first, None of a single."""
        pictures, jobs = [], []
        for place, (image, given) in enumerate(zip(images, boxes, strict=True)):
            name = _name(image, None if first is None else first + place)
            pictures.append(as_rgb(image, bgr, name))
            count = passes or (self.passes if given is None else 1)
            given = self.find_boxes(pictures[-1], name) if given is None else given
            jobs += [(place, _box_inside(box, pictures[-1], name), count) for box in given]
        faces: list[list[DetectedFace]] = [[] for _ in images]
        results: list[Any] = [None] * len(jobs)  # landmarks, all after the first step
        for step in range(max((count for *_, count in jobs), default=0)):
            todo = [i for i, (*_, count) in enumerate(jobs) if step < count]
            if step:
                for i in todo:
                    place, box, count = jobs[i]
                    jobs[i] = place, _again(box, results[i], pictures[place]), count
            predicted = self._predict([(pictures[jobs[i][0]], jobs[i][1]) for i in todo])
            for i, landmarks in zip(todo, predicted, strict=True):
                results[i] = landmarks
        scores = self._scores([pictures[place] for place, *_ in jobs], results)
        for (place, box, _), landmarks, score in zip(jobs, results, scores, strict=True):
            box = tuple(float(value) for value in box)
            name = None if self.scheme is None else self.scheme.name
            faces[place].append(DetectedFace(box, landmarks, name, score))
        return faces

    def _scores(self, pictures, results):
        """Scores of landmarks, each in its picture, in one call; None each where nothing judges."""
        if self._score is None:
            return [None] * len(results)
        boxes = [
            _again(None, landmarks, picture)
            for picture, landmarks in zip(pictures, results, strict=True)
        ]
        inside = [i for i, box in enumerate(boxes) if box is not None]
        scores = [0.0] * len(results)  # landmarks that left the picture are on no face
        if inside:
            frame = self._score.frame
            crops = np.stack([frame.crop(pictures[i], boxes[i]) for i in inside])
            for i, score in zip(inside, self._score.predict(crops), strict=True):
                scores[i] = float(score)
        return scores

    def _predict(self, crops):
        """Landmarks in photograph pixels of pairs of a picture and a box, in one call."""
        landmarks = self._model.predict(np.stack([self.frame.crop(*crop) for crop in crops]))
        back = [invert(self.frame.matrix(box)) for _, box in crops]
        return [
            transform(points, matrix).astype(np.float32)
            for points, matrix in zip(landmarks, back, strict=True)
        ]


def _name(image, place):
    """What an error about an image begins with: nothing for a single array."""
    if isinstance(image, (str, Path)):
        return f"{image}: "
    return "" if place is None else f"image {place}: "


def _check_passes(passes):
    if passes != int(passes) or passes < 1:
        raise ValueError(f"passes must be a whole number from 1 on. Got: {passes}")
    return int(passes)


def _again(box, landmarks, picture):
    """The box around landmarks; the one before where they left the picture."""
    try:
        return _box_inside(landmark_box(landmarks), picture, "")
    except ValueError:
        return box


def _box_inside(box, image, name):
    try:
        x, y, width, height = check_box(box)
    except ValueError as error:
        raise ValueError(f"{name}{error}") from error
    if x >= image.shape[1] or y >= image.shape[0] or x + width <= 0 or y + height <= 0:
        raise ValueError(
            f"{name}a box must lie in the {image.shape[1]}x{image.shape[0]} image. "
            f"Got: {x:g},{y:g},{width:g},{height:g}"
        )
    return np.array([x, y, width, height])
