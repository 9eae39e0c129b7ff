"""Pseudo-labels: landmarks predicted by a trained model, to train another model with.

The model predicts each face in several views that are slightly rotated, scaled, shifted and
mirrored. The label is the mean of these predictions, which is more accurate than a single one. The
face's own annotation is used to locate the face, and to drop it if the label disagrees.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_fld._internal.progress import counting
from keras_fld.data.faces import FaceSet
from keras_fld.geometry.frame import compose, invert, landmark_box, transform, turned, warp
from keras_fld.geometry.similarity import similarity
from keras_fld.predict.predictor import open_model
from keras_fld.predict.protocol import LandmarkModel
from keras_fld.schemes.conversion import convert

if TYPE_CHECKING:
    import keras


# Half ranges of the views: rotation in degrees, relative scale, and shift in crop sides. They are
# slightly smaller than in training.
TURN, SCALE, SHIFT = 10.0, 0.06, 0.03
_AT_ONCE = 32


def relabel(
    model: "keras.Model | LandmarkModel | str | Path",
    faces: FaceSet,
    views: int = 8,
    tolerance: float = 0.1,
    trust: float = 0.5,
    weight: float = 1.0,
    seed: int = 0,
) -> tuple[FaceSet, np.ndarray]:
    """Labels faces with the predictions of a model.

    Args:
        model: a Keras model, the path of a `.keras` or `.tflite` file, or the name of a preset.
        faces: a `FaceSet`. The model's landmarks must be convertible to its scheme, such as MTFL's
            five points.
        views: number of views of each face, half of them mirrored.
        tolerance: maximum mean distance between label and annotation, in inter-pupil distances.
            Faces beyond it are dropped.
        trust: weight of the annotation against the prediction, for faces in the model's own scheme.
            The mean difference between the two, which is a matter of annotation style, is
            subtracted first. With 1, faces beyond the tolerance are kept, but only with their
            annotated landmarks.
        weight: training weight of landmarks without annotation.
        seed: seed of the views.

    Returns:
        A `FaceSet` in the model's scheme, and (faces,) the disagreement of every face in
        inter-pupil distances.

    Raises:
        ValueError: the schemes have no conversion, an argument is out of range, a photograph is
            bad, or no face remains.

    Examples:
        >>> labeled, disagreement = relabel("trnet20_300w", read("mtfl", root))
    """
    _check(views, tolerance, trust, weight)
    predictor = open_model(model)
    if predictor.scheme is None:
        raise ValueError("the model must have a landmark scheme. Got: none")
    points = _points(predictor, faces, views, np.random.default_rng(seed))
    known = np.stack([face.landmarks for face in faces.faces])
    distance = np.linalg.norm(convert(points, predictor.scheme, faces.scheme) - known, axis=-1)
    disagreement = np.nanmean(distance, axis=1) / predictor.scheme.distance(points, "inter_pupil")
    near = disagreement <= tolerance
    if not near.any():
        raise ValueError(
            f"{faces.name}: no label is within {tolerance:g} of its annotation. "
            f"The closest: {disagreement.min():.3f}"
        )
    labeled = _labeled(faces, predictor.scheme, points, near, trust, weight)
    name = f"{faces.name}, relabeled"
    return replace(faces, name=name, scheme=predictor.scheme, faces=labeled), disagreement


def _labeled(faces, scheme, points, near, trust, weight):
    """The kept faces with their labels. `near` marks the faces whose label agrees."""
    annotated, chosen = np.zeros(points.shape[:2], bool), near
    if faces.scheme == scheme:
        known = np.stack([face.landmarks for face in faces.faces])
        annotated = ~np.isnan(known).any(axis=-1)
        points = _mixed(points, known, scheme, np.flatnonzero(near), trust)
        if trust == 1:
            points[~near[:, None] & ~annotated] = np.nan
            chosen = np.ones(len(faces), bool)
    weights = np.where(annotated, 1, weight).astype(np.float32)
    return [
        replace(
            faces.faces[i],
            landmarks=points[i].astype(np.float32),
            box=landmark_box(points[i]) if near[i] else faces.faces[i].box,
            occluded=None,
            weights=None if (weights == 1).all() else weights[i],
        )
        for i in np.flatnonzero(chosen)
    ]


def _check(views, tolerance, trust, weight):
    """Raises a ValueError if an argument of `relabel` is out of range."""
    if views < 2 or views % 2:
        raise ValueError(f"views must be an even number of at least 2. Got: {views}")
    if not tolerance > 0 or not 0 <= trust <= 1:
        raise ValueError(
            f"tolerance must be above 0 and trust from 0 to 1. Got: {tolerance}, {trust}"
        )
    if not weight > 0:
        raise ValueError(f"weight must be above 0. Got: {weight}")


def _points(predictor, faces, views, rng):
    """The model's landmarks of every face: (faces, landmarks, 2) photograph pixels."""
    found = []
    with counting("labeling faces", len(faces)) as done:
        for start in range(0, len(faces), _AT_ONCE):
            part = faces.faces[start : start + _AT_ONCE]
            images = [face.image() for face in part]
            boxes = [_first_box(face.landmarks, predictor.scheme, faces.scheme) for face in part]
            # The first pass finds the landmark box for the second pass.
            boxes = [landmark_box(points) for points in _predict(predictor, images, boxes, 2, rng)]
            found.append(_predict(predictor, images, boxes, views, rng))
            done(len(part))
    return np.concatenate(found)


def _first_box(known, scheme, known_scheme):
    """Face box of the mean shape, aligned to the annotated landmarks."""
    mean = scheme.mean_shape
    return landmark_box(transform(mean, similarity(convert(mean, scheme, known_scheme), known)))


def _predict(predictor, images, boxes, views, rng):
    """Predicts the mean landmarks of the views: (faces, landmarks, 2) photograph pixels."""
    size = predictor.frame.size
    crops, matrices = [], []
    for image, box in zip(images, boxes, strict=True):
        for view in range(views):
            matrix = compose(_view(size, view % 2, rng), predictor.frame.matrix(box))
            crops.append(warp(image, matrix, size))
            matrices.append(matrix)
    points = np.array(predictor.predict(np.stack(crops)), float)
    points = np.stack([transform(p, invert(m)) for p, m in zip(points, matrices, strict=True)])
    points[1::2] = points[1::2][:, predictor.scheme.mirror]
    return points.reshape(len(images), views, -1, 2).mean(axis=1)


def _view(size, mirrored, rng):
    """A random view: slight rotation, scaling and shift of the crop, and optional mirroring."""
    angle = np.radians(TURN) * rng.uniform(-1, 1)
    zoom = 1 + SCALE * rng.uniform(-1, 1)
    return turned(size, size, angle, zoom, SHIFT * size * rng.uniform(-1, 1, 2), mirrored)


def _mixed(points, known, scheme, kept, trust):
    """Moves predictions towards the annotation, apart from their mean difference.

    The mean is taken over upright faces of equal size, because a difference in style rotates and
    scales with the face.
    """
    difference = (known - points) @ [1, 1j] / _upright(points, scheme)
    count = (~np.isnan(difference[kept])).sum(axis=0)
    style = np.nansum(difference[kept], axis=0) / np.maximum(count, 1)
    moved = np.nan_to_num(difference - style) * _upright(points, scheme)
    return points + trust * np.stack([moved.real, moved.imag], axis=-1)


def _upright(points, scheme):
    """Rotation and size of each face as a complex factor, (faces, 1).

    The rotation is the direction from eye to eye. The size is the mean distance of the landmarks
    from their center, which varies little with the yaw of the head.
    """
    left, right = scheme.normalizer_indices("inter_pupil")
    eyes = (points[:, right].mean(axis=1) - points[:, left].mean(axis=1)) @ [1, 1j]
    size = np.linalg.norm(points - points.mean(axis=1, keepdims=True), axis=-1).mean(axis=1)
    return (size * eyes / np.abs(eyes))[:, None]
