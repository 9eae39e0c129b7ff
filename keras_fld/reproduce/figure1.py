"""A picture like the paper's Figure 1: landmarks of several methods on the same faces."""

import contextlib
from typing import Any

import cv2
import numpy as np

from keras_fld import drawing
from keras_fld._internal.images import as_rgb
from keras_fld.data import synthetic
from keras_fld.geometry.frame import FaceCrop, check_box, landmark_box, transform
from keras_fld.predict.detectors import find_faces
from keras_fld.predict.landmarker import FaceLandmarker

_FONT, _INK = cv2.FONT_HERSHEY_SIMPLEX, (40, 40, 40)
_GAP = 6


def draw_methods(models, photographs, size=280):
    """Draws a picture with a column for each method and a row for each face.

    Three methods fill the width of a page at the default size, where differences of a few pixels
    can be seen.

    Args:
        models: name of a method to its model: a Keras model, a baseline, or the path of a model
            file.
        photographs: pairs of an image and its face box. The image is a (height, width, 3) uint8 RGB
            array or a path. The box is (x, y, width, height) in pixels.
        size: side of each picture in pixels.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        ValueError: there is no method or no face, or a box or file is invalid.

    Examples:
        >>> models = {"SDM": "sdm.npz", "TRNet-20": "model.keras"}
        >>> save_image("methods.png", draw_methods(models, example_faces()))
    """
    if not models or not photographs:
        raise ValueError(
            "the figure needs at least one method and one face. "
            f"Got: {len(models)} and {len(photographs)}"
        )
    photographs = [(as_rgb(image), check_box(box)) for image, box in photographs]
    cell, head = size + _GAP, round(0.1 * size) + 2 * _GAP
    canvas = np.full((head + len(photographs) * cell, _GAP + len(models) * cell, 3), 255, np.uint8)
    # Closely around the face: what the methods do with its background does not matter.
    view = FaceCrop(size, 1.25)
    for column, (name, model) in enumerate(models.items()):
        landmarker = FaceLandmarker(model)
        left = _GAP + column * cell
        _write(canvas, name, (left, head - 2 * _GAP), size)
        for row, (image, box) in enumerate(photographs):
            (face,) = landmarker.detect(image, [box])
            picture = view.crop(image, box)
            points = transform(face.landmarks, view.matrix(box))
            picture = drawing.draw_landmarks(picture, points, landmarker.scheme)
            top = head + row * cell
            canvas[top : top + size, left : left + size] = picture
    return canvas


def example_faces(drawn=2):
    """Returns faces that may be published: a public-domain portrait and drawn faces.

    The portrait is scikit-image's. It is included unchanged and under the conditions that Figure 1
    calls challenging: rotated, lit from one side, and partly covered.

    Args:
        drawn: number of drawn faces.

    Returns:
        Pairs of an image and its face box, for `draw_methods`. Without scikit-image, only the drawn
        faces.

    Examples:
        >>> image, box = example_faces(1)[-1]
    """
    pairs: list[tuple[Any, Any]] = []
    with contextlib.suppress(ImportError):
        from skimage import data

        portrait = data.astronaut()
        box = find_faces(portrait)[0]
        pairs = [(image, box) for image in (portrait, *_challenging(portrait, box))]
    for index in range(drawn):
        face = synthetic.draw(index, size=240)
        pairs.append((face.image, landmark_box(face.landmarks)))
    return pairs


def photographed(paths):
    """Finds the largest face in each photograph, for `draw_methods`.

    Args:
        paths: paths of the images.

    Returns:
        Pairs of an image and its face box.

    Raises:
        ValueError: a file is not an image, or no face was found in it.

    Examples:
        >>> picture = draw_methods({"SDM": "sdm.npz"}, photographed(["photo.jpg"]))
    """
    pairs = []
    for path in paths:
        image = as_rgb(path)
        boxes = find_faces(image)
        if not boxes:
            raise ValueError(f"{path}: no face was found")
        pairs.append((image, boxes[0]))
    return pairs


def _challenging(image, box):
    """Variants of an image: rotated about the face box, lit from one side, and half covered.

    The same box is used for all of them. It is about as accurate as a detector's.
    """
    x, y, width, height = box
    middle = x + width / 2, y + height / 2
    turn = cv2.getRotationMatrix2D(middle, 25, 1)
    turned = cv2.warpAffine(image, turn, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    across = (np.arange(image.shape[1]) - x) / width
    light = np.clip(1.1 - across, 0.08, 1)[None, :, None]
    covered = image.copy()
    left, top = round(x + 0.45 * width), round(y - 0.1 * height)
    covered[top : round(y + 0.4 * height), left : round(x + 1.1 * width)] = (90, 110, 140)
    return turned, (image * light).astype(np.uint8), covered


def _write(canvas, name, corner, size):
    """Writes a method's name above its column, smaller where it would be wider."""
    (width, _), _ = cv2.getTextSize(name, _FONT, 1.0, 2)
    scale = min(size / 300, 0.98 * size / width)
    cv2.putText(canvas, name, corner, _FONT, scale, _INK, 1 + (size > 200), cv2.LINE_AA)
