"""Faces in photographs: what gives the boxes that landmarks are found in.

A detector is any function of an image, (height, width, 3) uint8 RGB, that returns (faces, 4) boxes
(x, y, width, height), tight around the landmarks as the models are trained on. One with a method
`detect` also gives the roll of each face.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from keras_fld.predict.detectors.blazeface import LARGE, BlazeFace, Detection
from keras_fld.predict.detectors.haar import HaarDetector
from keras_fld.predict.detectors.yunet import YuNetDetector

__all__ = ["NAMES", "BlazeFace", "HaarDetector", "YuNetDetector", "find_faces", "open_detector"]

# A function that finds faces; no boxes may be None.
Detector = Callable[[np.ndarray], ArrayLike | None]


@runtime_checkable
class TurnedDetector(Protocol):
    """A detector that also gives each face's roll."""

    def __call__(self, image: np.ndarray) -> ArrayLike | None: ...

    def detect(self, image: np.ndarray) -> list[Detection]: ...


# What a detector can be called, and what it is.
NAMES: dict[str, Callable[[], Detector]] = {
    "blazeface": lambda: BlazeFace(),
    "blazeface-turned": lambda: BlazeFace(turns=True),
    "blazeface-short": lambda: BlazeFace(min_face=LARGE),
    "haar": lambda: HaarDetector(),
    "haar-frontal": lambda: HaarDetector(profiles=False),
}


def open_detector(detector: str | Path | Detector = "haar") -> Detector:
    """The detector that a name, a file or a function stands for.

    Args:
        detector: "blazeface", for photographs; "blazeface-turned", which also finds faces upside
            down; "blazeface-short", for video, which finds faces from a sixth of the longer side
            on; "haar"; "haar-frontal"; the path of a YuNet `.onnx` file; or a function of an
            image.

    Returns:
        A function of an image that returns (faces, 4) boxes.

    Raises:
        ValueError: none of these, or the file is missing or damaged.

    Example:
        >>> boxes = open_detector("haar")(image)
    """
    if callable(detector):
        return detector
    if isinstance(detector, str) and detector in NAMES:
        return NAMES[detector]()
    if isinstance(detector, (str, Path)) and Path(detector).suffix == ".onnx":
        return YuNetDetector(detector)
    raise ValueError(
        f"detector must be {', '.join(NAMES)}, the path of a YuNet .onnx file or a function of an "
        f"image. Got: {detector!r}"
    )


def find_faces(image: np.ndarray) -> list[tuple[float, float, float, float]]:
    """Face boxes that OpenCV's Haar cascades find.

    Args:
        image: (height, width, 3) uint8 RGB.

    Returns:
        A list of (x, y, width, height), tight around the landmarks, largest first.

    Example:
        >>> find_faces(np.zeros((90, 90, 3), np.uint8))
        []
    """
    return [tuple(box) for box in np.asarray(open_detector("haar")(image)).tolist()]
