"""Photographs in, landmarks out."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from keras_fld import zoo
from keras_fld._internal.images import MAX_PIXELS, as_rgb
from keras_fld._internal.pixels import KINDS
from keras_fld.geometry.boxes import largest_first
from keras_fld.geometry.frame import FaceCrop, invert, transform, warp
from keras_fld.predict import detectors
from keras_fld.predict.detectors import Detector, TurnedDetector, open_detector
from keras_fld.predict.face import DetectedFace, PendingFace, pending
from keras_fld.predict.predictor import DEFAULT_SCORE, open_model, open_score, scored_by_default
from keras_fld.predict.protocol import LandmarkModel, Scorer
from keras_fld.schemes import Scheme

if TYPE_CHECKING:
    import keras
    import PIL.Image


# `detect_many` holds this many images at a time.
_TOGETHER = 16


class FaceLandmarker:
    """Finds faces and their landmarks.

    Any number of threads may share a landmarker; each gets the results that it would get alone. A
    thread has interpreters of its own while it predicts, so several are faster than one; they take
    turns at a Keras model. A detector or score of your own must be safe to call from threads.

    A landmarker can be pickled, for worker processes. The pickle names `.tflite` and `.onnx` files,
    which the worker opens again, and contains Keras models and baselines.

    Args:
        model: a Keras model, a `LandmarkModel` such as `LiteModel`, the path of a `.keras` or
            `.tflite` file, or the name of a preset, whose int8 file is taken. With a `.tflite` file
            neither Keras nor TensorFlow is loaded.
        detector: what finds faces where no boxes are given, as `detectors.open_detector` takes it:
            "blazeface-turned" for faces turned by any angle, the path of a YuNet `.onnx` file, a
            function of an RGB image that returns (faces, 4) tight boxes; None takes "blazeface",
            and in a `FaceTracker` "blazeface-short".
        passes: forward passes for each face that the detector found: from the second on, its crop
            is cut, and turned upright, by the landmarks of the pass before.
        score: what judges the crop that the landmarks lead to: True for the package's face score,
            which judges schemes with contour and brows (iBUG-68, WFLW-98) and no others; the path
            of a face-score file; None for nothing; "default" for True, but None with a preset that
            was not trained on 300W: the package's score is for research, as those on 300W are.
        min_face: side of the smallest face looked for in photographs: a share of the image's longer
            side, or pixels from 1 on; half of it takes four times as long. None means 0.03, but a
            sixth beside a face of a fifth of the side or more, as in `detectors.BlazeFace`. For the
            BlazeFace detectors of photographs only.
        max_pixels: images of more pixels are refused, files and Pillow images before they are
            decoded: a file of some kilobytes may declare billions. None means 250 million.

    Attributes:
        license: SPDX identifier of the license of the model's weights, or None if it is not known.

    Raises:
        ValueError: the model is none of these, a file is missing, damaged or of another kind,
            passes or `max_pixels` below 1, or `min_face` does not fit the detector.

    Examples:
        >>> faces = FaceLandmarker("face.tflite").detect("photo.jpg")
        >>> faces[0].landmarks.shape
        (68, 2)
    """

    def __init__(
        self,
        model: "keras.Model | LandmarkModel | str | Path",
        detector: str | Path | Detector | None = None,
        passes: int = 2,
        score: bool | str | Path | Scorer | None = DEFAULT_SCORE,
        min_face: float | None = None,
        max_pixels: int | None = None,
    ) -> None:
        if isinstance(score, str) and score == DEFAULT_SCORE:
            score = scored_by_default(model)
        self._model = open_model(model)
        self.frame: FaceCrop = self._model.frame
        self.scheme: Scheme | None = self._model.scheme
        self.num_landmarks: int = self._model.num_landmarks
        self.license: str | None = getattr(self._model, "license", None)
        self._detector = open_detector(detector or detectors.DEFAULT, min_face)
        self._in_videos = self._detector if detector else open_detector(detectors.DEFAULT_IN_VIDEOS)
        self.passes = _check_whole("passes", passes)
        self.max_pixels = MAX_PIXELS if max_pixels is None else max_pixels
        _check_whole("max_pixels", self.max_pixels)
        self._score = open_score(score, self.scheme)

    @classmethod
    def from_preset(cls, name: str, **options: Any) -> Self:
        """A landmarker on a pretrained int8 model of the package.

        Args:
            name: the preset's name, such as "trnet20_300w"; `keras_fld.zoo.names()` lists them.
            **options: `detector`, `passes`, `score`, `min_face` and `max_pixels`, as of the class.

        Raises:
            ValueError: there is no such preset.

        Examples:
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
            image: an array, the path of an image file, or a Pillow image. An array is RGB, RGBA or
                gray, (height, width, 3), (height, width, 4), (height, width, 1) or
                (height, width), with values from 0 to 255 of any type but bool. Transparent
                pixels are composited on white. A file is turned upright by its rotation tag, as
                viewers show it; an array and a Pillow image are taken as they are.
            boxes: face boxes (x, y, width, height), tight around the landmarks, one face each; a
                fifth number is the roll in radians, clockwise, of a face whose box is that of the
                face turned upright about the box's center. None finds faces with the detector.
            bgr: whether an array's channels are blue, green, red.
            passes: forward passes for each face; None makes one for given boxes and the
                landmarker's number for found ones. Later passes follow the roll of found faces and
                of boxes that come with one.

        Returns:
            A list of `DetectedFace`, in the order of the boxes; of found faces the largest first.
            Empty where no face is found.

        Raises:
            TypeError: the image is none of these.
            ValueError: not an image, one with a side above 32,766 pixels or with more than
                `max_pixels`, values that are not from 0 to 255, or a box outside the image.
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
            images: images as `detect` takes them; any iterable, of which a few are held at a time,
                or a batch as one array.
            boxes: for each image its boxes or None, as `detect` takes them.
            bgr: as `detect`.
            passes: as `detect`.

        Returns:
            For each image the list that `detect` returns; of no images an empty list.

        Raises:
            TypeError, ValueError: as `detect`, where the message names the image by its path or
                its place; or a single image.

        Examples:
            >>> for faces in landmarker.detect_many(["a.jpg", "b.jpg"]):
            ...     print(len(faces))
        """
        images = _several(images)
        if passes is not None:
            _check_whole("passes", passes)
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

    def find_boxes(self, image: np.ndarray, name: str = "", in_video: bool = False) -> np.ndarray:
        """The detector's face boxes.

        Args:
            image: (height, width, 3) uint8 RGB.
            name: what an error begins with.
            in_video: whether the image is of a video, or a part of one.

        Returns:
            (faces, 5) boxes (x, y, width, height) in pixels with their roll in radians, 0 from a
            detector that gives none.

        Raises:
            ValueError: the detector is a function that returns something else.
        """
        detector = self._in_videos if in_video else self._detector
        if isinstance(detector, TurnedDetector):
            rows = [[*face.box, face.angle] for face in detector.detect(image)]
            return largest_first(np.reshape(np.array(rows, float), (-1, 5)))
        boxes = detector(image)
        boxes = np.asarray([] if boxes is None else boxes, float)
        if boxes.size and (boxes.ndim != 2 or boxes.shape[1] != 4):
            raise ValueError(f"{name}a detector must return (faces, 4) boxes. Got: {boxes.shape}")
        return np.pad(boxes.reshape(-1, 4), ((0, 0), (0, 1)))

    def _detect_chunk(self, images, boxes, bgr, passes, first):
        """`detect_many` of a few images; `first` is the place of the first, None of a single."""
        found: list[list[PendingFace]] = []
        for place, (image, given) in enumerate(zip(images, boxes, strict=True)):
            name = _name(image, None if first is None else first + place)
            picture = as_rgb(image, bgr, name, self.max_pixels)
            count = passes or (self.passes if given is None else 1)
            given = self.find_boxes(picture, name) if given is None else given
            found.append([pending(box, picture, count, name) for box in _boxes(given, name)])
        faces = [face for of_image in found for face in of_image]
        for step in range(max((face.passes for face in faces), default=0)):
            todo = [face for face in faces if step < face.passes]
            if step:
                for face in todo:
                    # The place before, where the landmarks left the picture.
                    here = face.box, face.angle
                    face.box, face.angle = face.next_place(self.scheme) or here
            self._predict(todo)
        self._judge(faces)
        return [[face.detected(self.scheme) for face in of_image] for of_image in found]

    def _predict(self, faces):
        """Gives faces the landmarks in their boxes, in one call."""
        matrices = [face.matrix(self.frame) for face in faces]
        crops = [
            warp(face.picture, matrix, self.frame.size)
            for face, matrix in zip(faces, matrices, strict=True)
        ]
        found = self._model.predict(np.stack(crops))
        for face, matrix, points in zip(faces, matrices, found, strict=True):
            face.landmarks = transform(points, invert(matrix)).astype(np.float32)

    def _judge(self, faces):
        """Gives faces the scores of their landmarks, in one call; none where nothing judges."""
        if self._score is None:
            return
        frame, crops, inside = self._score.frame, [], []
        for face in faces:
            place = face.next_place(self.scheme)
            face.score = 0.0  # landmarks that left the picture are on no face
            if place is not None:
                box, angle = place
                crops.append(frame.crop(face.picture, box, angle or 0.0))
                inside.append(face)
        if inside:
            for face, score in zip(inside, self._score.predict(np.stack(crops)), strict=True):
                face.score = float(score)


def _name(image, place):
    """What an error about an image begins with: nothing for a single array."""
    if isinstance(image, (str, Path)):
        return f"{image}: "
    return "" if place is None else f"image {place}: "


def _several(images):
    """An iterator of images; raises an error for a single one."""
    rule = "images must be a list of images; detect takes a single one. Got: "
    if isinstance(images, (str, Path)):
        raise ValueError(f"{rule}the path {str(images)!r}")
    shape = images.shape if isinstance(images, np.ndarray) and images.size else None
    if shape and (len(shape) < 3 or (len(shape) == 3 and shape[2] in (1, 3, 4))):
        raise ValueError(f"{rule}an array {shape}")  # its rows would pass for gray images
    try:
        return iter(images)
    except TypeError as error:
        raise TypeError(
            f"images must be a list of images, each {KINDS}. Got: {images!r:.80}"
        ) from error


def _boxes(given, name):
    """The boxes of an image as a list; raises an error for a single box."""
    rule = f"{name}boxes must be a list of boxes, one for each face. Got: "
    try:
        boxes = list(given)
    except TypeError as error:
        raise TypeError(f"{rule}{given!r:.60}") from error
    if boxes and isinstance(boxes[0], (int, float, np.number)):
        raise ValueError(f"{rule}{given!r:.60}")
    return boxes


def _check_whole(name, value):
    # Infinity and NaN have no remainder of 0.
    if not isinstance(value, (int, float, np.integer)) or not value >= 1 or value % 1:
        raise ValueError(f"{name} must be a whole number from 1 on. Got: {value}")
    return int(value)
