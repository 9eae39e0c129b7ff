"""Photographs in, landmarks out."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from keras_fld import zoo
from keras_fld._internal.images import as_rgb
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
            sixth beside a face of a fifth of the side or more, as of `detectors.BlazeFace`. For
            the BlazeFace detectors of photographs only.

    Raises:
        ValueError: the model is none of these, a file is missing, damaged or of another kind,
            passes below 1, or `min_face` does not fit the detector.

    Example:
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
    ) -> None:
        if isinstance(score, str) and score == DEFAULT_SCORE:
            score = scored_by_default(model)
        self._model = open_model(model)
        self.frame: FaceCrop = self._model.frame
        self.scheme: Scheme | None = self._model.scheme
        self.num_landmarks: int = self._model.num_landmarks
        self._detector = open_detector(detector or detectors.DEFAULT, min_face)
        self._in_videos = self._detector if detector else open_detector(detectors.DEFAULT_IN_VIDEOS)
        self.passes = _check_passes(passes)
        self._score = open_score(score, self.scheme)

    @classmethod
    def from_preset(cls, name: str, **options: Any) -> Self:
        """A landmarker on a pretrained int8 model of the package.

        Args:
            name: the preset's name, such as "trnet20_300w"; `keras_fld.zoo.names()` lists them.
            **options: `detector`, `passes`, `score` and `min_face`, as of the class.

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
            picture = as_rgb(image, bgr, name)
            count = passes or (self.passes if given is None else 1)
            given = self.find_boxes(picture, name) if given is None else given
            found.append([pending(box, picture, count, name) for box in given])
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


def _check_passes(passes):
    if passes != int(passes) or passes < 1:
        raise ValueError(f"passes must be a whole number from 1 on. Got: {passes}")
    return int(passes)
