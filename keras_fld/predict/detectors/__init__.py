"""Face detectors, which provide the boxes for the landmark models.

A detector is any function that maps an image, (height, width, 3) uint8 RGB, to (faces, 4) boxes
(x, y, width, height), tight around the model's landmarks like the boxes in training. The boxes of
the detectors here are those of whole faces, tight around the landmarks of iBUG-68, from brows to
chin. They say so by an attribute `whole_faces`, and `FaceLandmarker` maps them to the model's
landmarks. A detector with a method `detect` also provides the roll of each face. Its module is
imported on first use.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from keras_fld._internal.lazy import lazy_names

if TYPE_CHECKING:
    from keras_fld.predict.detectors.blazeface import BlazeFace, Detection
    from keras_fld.predict.detectors.haar import HaarDetector
    from keras_fld.predict.detectors.yunet import YuNetDetector

__all__ = ["NAMES", "BlazeFace", "HaarDetector", "YuNetDetector", "find_faces", "open_detector"]

__getattr__, __dir__ = lazy_names(
    __name__, {"BlazeFace": "blazeface", "HaarDetector": "haar", "YuNetDetector": "yunet"}
)

# A function that finds faces. It may return None for no boxes.
Detector = Callable[[np.ndarray], ArrayLike | None]

# Detectors that are used by default for photographs and for video frames.
DEFAULT, DEFAULT_IN_VIDEOS = "blazeface", "blazeface-short"
YUNET = (
    "the detector yunet needs its model file: download face_detection_yunet_2023mar.onnx from "
    "https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet and give its path"
)


@runtime_checkable
class TurnedDetector(Protocol):
    """A detector that also provides each face's roll."""

    def __call__(self, image: np.ndarray) -> ArrayLike | None: ...

    def detect(self, image: np.ndarray) -> "list[Detection]": ...


def _blazeface(**options: Any) -> Detector:
    from keras_fld.predict.detectors.blazeface import BlazeFace

    return BlazeFace(**options)


def _short() -> Detector:
    from keras_fld.predict.detectors.blazeface import LARGE

    return _blazeface(min_face=LARGE)


def _haar(**options: Any) -> Detector:
    from keras_fld.predict.detectors.haar import HaarDetector

    return HaarDetector(**options)


# Names of the detectors, and functions that create them.
NAMES: dict[str, Callable[..., Detector]] = {
    "blazeface": _blazeface,
    "blazeface-turned": lambda **options: _blazeface(turns=True, **options),
    "blazeface-short": _short,
    "haar": _haar,
    "haar-frontal": lambda: _haar(profiles=False),
}
# Detectors with a `min_face` option.
SCALED = ("blazeface", "blazeface-turned")


def open_detector(
    detector: str | Path | Detector = DEFAULT, min_face: float | None = None
) -> Detector:
    """Opens a detector by its name or file.

    Args:
        detector: "blazeface", for photographs; "blazeface-turned", which also finds faces at any
            roll; "blazeface-short", for video, which finds faces of at least a sixth of the longer
            side; "haar" and "haar-frontal", OpenCV's cascades, if OpenCV includes them; the path of
            a YuNet `.onnx` file; or a function of an image.
        min_face: side of the smallest face that "blazeface" and "blazeface-turned" detect, as in
            `BlazeFace`; None uses its default.

    Returns:
        A function that maps an image to (faces, 4) boxes. Those of the built-in detectors are
        tight around the landmarks of iBUG-68.

    Raises:
        ValueError: the detector is none of these, the file is missing or damaged, OpenCV has no
            cascades, or `min_face` is given with another detector.

    Examples:
        >>> boxes = open_detector("blazeface")(image)
    """
    named = isinstance(detector, str)
    if min_face is not None:
        if not named or detector not in SCALED:
            raise ValueError(
                f"min_face is only for the detectors {' and '.join(SCALED)}. Got: {detector!r}"
            )
        return NAMES[detector](min_face=min_face)
    if callable(detector):
        return detector
    if named and detector in NAMES:
        return NAMES[detector]()
    if isinstance(detector, (str, Path)) and Path(detector).suffix == ".onnx":
        from keras_fld.predict.detectors.yunet import YuNetDetector

        return YuNetDetector(detector)
    if detector == "yunet":
        raise ValueError(YUNET)
    raise ValueError(
        f"detector must be {', '.join(NAMES)}, the path of a YuNet .onnx file or a function of an "
        f"image. Got: {detector!r}"
    )


def find_faces(image: np.ndarray) -> list[tuple[float, float, float, float]]:
    """Finds face boxes with the default detector.

    Args:
        image: (height, width, 3) uint8 RGB.

    Returns:
        A list of (x, y, width, height), tight around the landmarks of iBUG-68, largest first.

    Examples:
        >>> find_faces(np.zeros((90, 90, 3), np.uint8))
        []
    """
    return [tuple(box) for box in np.asarray(open_detector()(image)).tolist()]
