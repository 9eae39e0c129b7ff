"""The landmarker: from photographs to landmarks."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from keras_fld import zoo
from keras_fld._internal.images import MAX_PIXELS, as_rgb
from keras_fld._internal.pixels import KINDS
from keras_fld.geometry.boxes import largest_first
from keras_fld.geometry.frame import FaceCrop, invert, transform
from keras_fld.predict import detectors
from keras_fld.predict.detectors import Detector, TurnedDetector, open_detector
from keras_fld.predict.face import DetectedFace, PendingFace, pending
from keras_fld.predict.predictor import DEFAULT_SCORE, open_model, open_score, scored_by_default
from keras_fld.predict.protocol import LandmarkModel, Scorer
from keras_fld.schemes import Scheme
from keras_fld.schemes.face_box import BoxInFace

if TYPE_CHECKING:
    import keras
    import PIL.Image


# A face whose last crop scores less is scored again, in the crop around its landmarks.
SURE_SCORE = 0.9
# Number of images that `detect_many` keeps in memory at a time.
_TOGETHER = 16


class FaceLandmarker:
    """Finds faces and their landmarks.

    A landmarker is thread-safe. Each thread uses its own interpreters during a prediction, so
    several threads are faster than one. Predictions of a Keras model run one after another. A
    detector or score of your own must be thread-safe, too.

    A landmarker can be pickled, for worker processes. The pickle stores the paths of `.tflite` and
    `.onnx` files, which the worker opens again, and contains Keras models and baselines.

    Args:
        model: a Keras model, a `LandmarkModel` such as `LiteModel`, the path of a `.keras` or
            `.tflite` file, or the name of a preset, which selects its int8 file. With a `.tflite`
            file, neither Keras nor TensorFlow is loaded.
        detector: face detector to use if no boxes are given, as in `detectors.open_detector`. For
            example "blazeface-turned" for faces rotated by any angle, the path of a YuNet `.onnx`
            file, or a function that maps an RGB image to (faces, 4) boxes, tight around the
            model's landmarks. If it has the attribute `whole_faces = True`, its boxes are
            taken as boxes of whole faces, like those of the built-in detectors. None uses
            "blazeface", or "blazeface-short" in a `FaceTracker`.
        passes: largest number of forward passes for each detected face. In each pass after the
            first, the crop's box and roll are computed from the landmarks of the previous pass. A
            pass whose crop would hardly differ from the previous one is skipped.
        score: the face score, computed on the crop around the landmarks. True uses the package's
            score, which supports only schemes with contour and brows (iBUG-68, WFLW-98); a path
            opens a face-score file; None disables the score. "default" means True, but None for
            presets that were not trained on 300W: like the 300W presets, the package's score is for
            research only.
        min_face: side of the smallest face to detect in photographs, as a fraction of the image's
            longer side, or in pixels if it is at least 1. Half the value takes four times as long.
            None means 0.03, but a sixth if the image contains a face of at least a fifth of the
            side, see `detectors.BlazeFace`. Only for the BlazeFace detectors of photographs.
        max_pixels: largest number of pixels of an image. Files and Pillow images are checked before
            decoding, because a file of a few kilobytes can declare billions of pixels. None means
            250 million.

    Attributes:
        license: SPDX identifier of the license of the model's weights, or None if it is not known.
        box_in_face: where the tight box of the model's landmarks lies in a whole face. The boxes of
            detectors are mapped by it. None means that they are used unchanged: for iBUG-68, or if
            the scheme has no `eyes` or the model no mean shape.

    Raises:
        ValueError: the model is none of these, a file is missing, damaged or of the wrong kind,
            `passes` or `max_pixels` is below 1, or the detector does not support `min_face`.

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
        self.box_in_face: BoxInFace | None = getattr(
            self._model, "box_in_face", BoxInFace.of_scheme(self.scheme)
        )
        self._detector = open_detector(detector or detectors.DEFAULT, min_face)
        self._in_videos = self._detector if detector else open_detector(detectors.DEFAULT_IN_VIDEOS)
        self.passes = _check_whole("passes", passes)
        self.max_pixels = MAX_PIXELS if max_pixels is None else max_pixels
        _check_whole("max_pixels", self.max_pixels)
        self._score = open_score(score, self.scheme)

    @classmethod
    def from_preset(cls, name: str, **options: Any) -> Self:
        """Creates a landmarker with a pretrained int8 model of the package.

        Args:
            name: name of the preset, such as "trnet20_300w"; `keras_fld.zoo.names()` lists them.
            **options: `detector`, `passes`, `score`, `min_face` and `max_pixels`, as in the class.

        Returns:
            A `FaceLandmarker`.

        Raises:
            ValueError: there is no such preset.

        Examples:
            >>> faces = FaceLandmarker.from_preset("trnet20_300w").detect("photo.jpg")
        """
        zoo.lite_file(name)  # raises an error for anything but a preset, such as a path
        return cls(name, **options)

    def detect(
        self,
        image: "np.ndarray | str | Path | PIL.Image.Image",
        boxes: Iterable[np.ndarray | Sequence[float]] | None = None,
        bgr: bool = False,
        passes: int | None = None,
    ) -> list[DetectedFace]:
        """Finds the landmarks of every face.

        Args:
            image: an array, the path of an image file, or a Pillow image. An array is RGB, RGBA or
                gray, (height, width, 3), (height, width, 4), (height, width, 1) or
                (height, width), with values from 0 to 255 of any type but bool. Transparent
                pixels are composited on white. A file is rotated upright by its rotation tag, as in
                viewers; arrays and Pillow images are used as they are.
            boxes: face boxes (x, y, width, height), tight around the landmarks. An optional fifth
                number is the face's roll in radians, clockwise; the box is then that of the face
                rotated upright about the box's center. None finds faces with the detector.
            bgr: whether the channels of an array are in the order blue, green, red.
            passes: largest number of forward passes for each face. None means one for given boxes,
                and the landmarker's `passes` for detected faces. Passes after the first follow the
                roll of detected faces and of boxes with a roll.

        Returns:
            A list of `DetectedFace`, in the order of the boxes. Detected faces are sorted by size,
            largest first. The list is empty if no face is found.

        Raises:
            TypeError: the image has an unsupported type.
            ValueError: the image cannot be read, has a side above 32,766 pixels, more than
                `max_pixels`, or values outside 0 to 255; or a box is outside the image.
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
        """Finds the landmarks of every face in several images, and predicts them together.

        Args:
            images: an iterable of images as in `detect`, of which only a few are in memory at a
                time, or a batch as one array.
            boxes: for each image its boxes or None, as in `detect`.
            bgr: as in `detect`.
            passes: as in `detect`.

        Returns:
            A list with the result of `detect` for each image.

        Raises:
            TypeError, ValueError: as in `detect`, with the image's path or index in the message;
                or `images` is a single image.

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
            raise ValueError(f"boxes must be given only for the {len(found)} images. Got: more")
        return found

    def find_boxes(self, image: np.ndarray, name: str = "", in_video: bool = False) -> np.ndarray:
        """Runs the detector.

        Args:
            image: (height, width, 3) uint8 RGB.
            name: prefix of error messages.
            in_video: whether the image is a video frame, or part of one.

        Returns:
            (faces, 5) boxes (x, y, width, height) in pixels, tight around the model's landmarks,
            and their roll in radians. The roll is 0 if the detector does not find it.

        Raises:
            ValueError: the detector is a function that returns anything else.
        """
        detector = self._in_videos if in_video else self._detector
        if isinstance(detector, TurnedDetector):
            rows = [[*face.box, face.angle] for face in detector.detect(image)]
            boxes = largest_first(np.reshape(np.array(rows, float), (-1, 5)))
        else:
            found = detector(image)
            boxes = np.asarray([] if found is None else found, float)
            if boxes.size and (boxes.ndim != 2 or boxes.shape[1] != 4):
                rule = f"{name}a detector must return (faces, 4) boxes"
                raise ValueError(f"{rule}. Got: {boxes.shape}")
            boxes = np.pad(boxes.reshape(-1, 4), ((0, 0), (0, 1)))
        if self.box_in_face is None or not getattr(detector, "whole_faces", False):
            return boxes
        return self.box_in_face.of_faces(boxes)

    def _detect_chunk(self, images, boxes, bgr, passes, first):
        """`detect_many` for a few images. `first` is the index of the first, None for `detect`."""
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
                todo = [face for face in todo if face.move(self.frame, self.scheme)]
            self._predict(todo)
        self._judge(faces)
        return [[face.detected(self.scheme) for face in of_image] for of_image in found]

    def _predict(self, faces):
        """Sets the landmarks of faces from their boxes, in one call."""
        if not faces:
            return
        found = self._model.predict(np.stack([face.cut(self.frame) for face in faces]))
        for face, points in zip(faces, found, strict=True):
            face.set_landmarks(transform(points, invert(face.matrix)).astype(np.float32))

    def _judge(self, faces):
        """Sets the scores of faces from their landmarks, in one call, if there is a scorer."""
        if self._score is None:
            return
        places = [face.next_place(self.scheme) for face in faces]
        inside = [pair for pair in zip(faces, places, strict=True) if pair[1] is not None]
        for face in faces:
            face.score = 0.0  # landmarks that left the picture are not on a face
        frame = self._score.frame
        if frame == self.frame:
            # Cutting a crop takes longer than the score, so the last crop is scored if it shows the
            # face alike. In doubt, the landmarks' own crop decides.
            alike = [face for face, place in inside if face.is_at(place, frame)]
            self._set_scores(alike, [face.crop for face in alike])
            inside = [pair for pair in inside if cast(float, pair[0].score) < SURE_SCORE]
        crops = [frame.crop(face.picture, box, angle or 0.0) for face, (box, angle) in inside]
        self._set_scores([face for face, _ in inside], crops)

    def _set_scores(self, faces, crops):
        scorer = cast(Scorer, self._score)
        if faces:
            for face, score in zip(faces, scorer.predict(np.stack(crops)), strict=True):
                face.score = float(score)


def _name(image, place):
    """Prefix of error messages about an image: empty for a single array."""
    if isinstance(image, (str, Path)):
        return f"{image}: "
    return "" if place is None else f"image {place}: "


def _several(images):
    """Returns an iterator over images; raises an error for a single image."""
    rule = "images must be a list of images; detect takes a single one. Got: "
    if isinstance(images, (str, Path)):
        raise ValueError(f"{rule}the path {str(images)!r}")
    shape = images.shape if isinstance(images, np.ndarray) and images.size else None
    if shape and (len(shape) < 3 or (len(shape) == 3 and shape[2] in (1, 3, 4))):
        raise ValueError(f"{rule}an array {shape}")  # its rows would be read as gray images
    try:
        return iter(images)
    except TypeError as error:
        raise TypeError(
            f"images must be a list of images, each {KINDS}. Got: {images!r:.80}"
        ) from error


def _boxes(given, name):
    """Returns the boxes of an image as a list; raises an error for a single box."""
    rule = f"{name}boxes must be a list of boxes, one for each face. Got: "
    try:
        boxes = list(given)
    except TypeError as error:
        raise TypeError(f"{rule}{given!r:.60}") from error
    if boxes and isinstance(boxes[0], (int, float, np.number)):
        raise ValueError(f"{rule}{given!r:.60}")
    return boxes


def _check_whole(name, value):
    # Infinity and NaN do not have a remainder of 0.
    if not isinstance(value, (int, float, np.integer)) or not value >= 1 or value % 1:
        raise ValueError(f"{name} must be a whole number of at least 1. Got: {value}")
    return int(value)
