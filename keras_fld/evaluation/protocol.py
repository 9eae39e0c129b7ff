"""Evaluation by a dataset's protocol: NME, failure rate and AUC of each test subset.

Errors are measured in photograph pixels, where every normalizer is known.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from keras_fld._internal.progress import counting
from keras_fld.data import catalog, crops
from keras_fld.data.faces import Absent, Face, FaceSet
from keras_fld.geometry.frame import FaceCrop, invert, transform
from keras_fld.predict.converted import Converted, convertible
from keras_fld.predict.flip import FlipAveraged
from keras_fld.predict.predictor import open_model
from keras_fld.predict.protocol import LandmarkModel
from keras_fld.reports.report import (
    LIMIT,
    Report,
    SubsetResult,
    ced_auc,
    failure_rate,
    mean,
    plot_ced,
)
from keras_fld.schemes import Scheme

if TYPE_CHECKING:
    import keras

    from keras_fld.predict.landmarker import FaceLandmarker


__all__ = [
    "LIMIT",
    "Report",
    "SubsetResult",
    "ced_auc",
    "evaluate",
    "face_errors",
    "failure_rate",
    "plot_ced",
]

# Faces per call of `predict`: a multiple of Keras' batch size, and some seconds for any model.
_AT_ONCE = 512


def evaluate(
    model: "keras.Model | LandmarkModel | str | Path",
    dataset: str,
    root: str | Path | None = None,
    subsets: Sequence[str] | None = None,
    skip_bad: bool = False,
    flip: bool = False,
    held_out: float = 0.0,
    **options: Any,
) -> Report:
    """Evaluates a model on the test subsets of a dataset.

    A WFLW-98 model is judged on iBUG-68 data by the landmarks that `schemes.convert` gives, and the
    table says so.

    Args:
        model: a Keras model, or the path of a `.keras` or `.tflite` file or a baseline's `.npz`.
        dataset: name of the dataset, such as "300w".
        root: folder of the dataset.
        subsets: names of the subsets. None uses all test subsets that are present.
        skip_bad: whether to skip bad files instead of stopping at the first one.
        flip: whether to average the predictions on each crop and on its mirror image.
        held_out: if above 0, evaluates the training faces that a run with this `validation` held
            out, instead of the test subsets.
        **options: options of the dataset's reader, such as `hidden="keep"` for "aflw".

    Returns:
        A `Report`. Printing it shows a table. The attributes of a protocol, such as WFLW's, have
        rows of their own. Occluded and visible landmarks do, too, if the annotation distinguishes
        them.

    Raises:
        ValueError: no subset is present, a file is bad, or the model has another scheme.

    Examples:
        >>> report = evaluate(model, "300w", root)
        >>> print(report)
    """
    predictor: LandmarkModel = open_model(model)
    name, license = model_name(model), getattr(predictor, "license", None)
    if flip:
        predictor, name = FlipAveraged(predictor), f"{name}, flip-averaged"
    read, notes = read_subsets(
        predictor, dataset, root, subsets, skip_bad, held_out, converts=True, **options
    )
    predictor, converted = _in_scheme(predictor, read[0][1].scheme)
    results = []
    for subset, faces in read:
        data, skipped = subset_crops(subset, faces, predictor.frame, skip_bad)
        notes += skipped
        whole, kept = subset_result(predictor, subset, data, faces)
        results.append(whole)
        for attribute in faces.attributes:
            having = np.array([attribute in face.attributes for face in kept])
            if having.any():
                results.append(_part(whole, attribute, having, kept, data.scheme))
    return Report(dataset, name, results, notes, converted, license)


def _in_scheme(predictor, scheme):
    """The predictor with landmarks of a dataset's scheme, and what was done to them in words."""
    own = predictor.scheme
    if own is None or not convertible(own, scheme):
        return predictor, ""
    told = (
        f"landmarks converted from {own.name} ({own.num_landmarks}) to "
        f"{scheme.name} ({scheme.num_landmarks})"
    )
    return Converted(predictor, scheme), told


def model_name(model: Any) -> str:
    """Returns the name of a model in a report: that of its file, without folders."""
    return Path(model).name if isinstance(model, (str, Path)) else getattr(model, "name", "model")


def read_subsets(
    predictor: "LandmarkModel | FaceLandmarker",
    dataset: str,
    root: str | Path | None,
    subsets: Sequence[str] | None,
    skip_bad: bool,
    held_out: float = 0.0,
    converts: bool = False,
    **options: Any,
) -> tuple[list[tuple[str, FaceSet]], list[str]]:
    """Reads the test subsets that are present.

    A custom dataset without any test face is read as a whole.

    Args:
        predictor: the model, or a landmarker that uses it.
        dataset, root, subsets, skip_bad, held_out, **options: as in `evaluate`.
        converts: whether the caller converts the landmarks of a model of another scheme.

    Returns:
        The name and faces of each subset, and notes on missing and skipped files.

    Raises:
        ValueError: for the reasons listed in `evaluate`.
    """
    found = catalog.get(dataset)
    if held_out:
        if subsets:
            raise ValueError(f"held_out must be given without subsets. Got: {', '.join(subsets)}")
        faces = catalog.read(dataset, root, found.train, skip_bad, **options)
        read, notes = [("held out", faces.split(held_out)[1])], []
    else:
        read, notes = _test_subsets(found, dataset, root, subsets, skip_bad, options)
    for subset, faces in read:
        if not (converts and convertible(predictor.scheme, faces.scheme)):
            check_landmarks(predictor, faces.scheme)
        notes += [f"{subset}: {sentence}" for sentence in faces.told]
    return read, notes


def _test_subsets(found, dataset, root, subsets, skip_bad, options):
    """Name and faces of each test subset that is present, and notes on the missing ones."""
    read, notes = [], []
    for subset in subsets or found.tests:
        try:
            faces = catalog.read(dataset, root, subset, skip_bad, **options)
        except Absent as error:
            if subsets:
                raise
            notes.append(f"{subset}: not evaluated: {error.relative_to(root)}")
            continue
        union = subset == "full" and subset not in (found.parts or found.tests)
        if union and faces.missing and not subsets:
            notes.append(f"full: not evaluated: {'; '.join(faces.missing)}")
        else:
            read.append((subset, faces))
    if not read and not subsets and not found.official:
        read.append((found.train, catalog.read(dataset, root, found.train, skip_bad, **options)))
    elif not read:
        raise ValueError(f"nothing to evaluate. {' '.join(notes)}")
    return read, notes


def subset_crops(
    subset: str, faces: FaceSet, frame: FaceCrop, skip_bad: bool
) -> tuple[crops.Crops, list[str]]:
    """Returns the crops of a subset for a model with this frame, and notes on skipped images."""
    data = crops.model_crops(faces, frame, skip_bad)
    return data, [f"{subset}: {sentence}" for sentence in data.skipped]


def check_landmarks(predictor: "LandmarkModel | FaceLandmarker", scheme: Scheme) -> None:
    """Raises a ValueError if the model's landmarks are not those of the data."""
    if predictor.num_landmarks != scheme.num_landmarks:
        raise ValueError(
            f"the model must predict the data's {scheme.num_landmarks} landmarks "
            f"({scheme.name}). Got: {predictor.num_landmarks}"
        )


def subset_result(
    predictor: LandmarkModel, subset: str, data: crops.Crops, faces: FaceSet
) -> tuple[SubsetResult, list[Face]]:
    """Predicts a subset; returns its `SubsetResult` and the faces that could be read."""
    by_name = {face.name: face for face in faces.faces}
    kept = [by_name[name] for name in data.names]
    back = [invert(matrix) for matrix in data.matrices]
    predicted = _predict(predictor, data.images)
    predicted = np.stack([transform(p, m) for p, m in zip(predicted, back, strict=True)])
    errors = normalized_errors(kept, predicted, data.scheme, faces.normalizers)
    whole = SubsetResult(subset, data.names, errors, {}, predicted)
    return _with_parts_of_faces(whole, kept, data.scheme), kept


def _predict(predictor: LandmarkModel, images):
    """Landmarks of crops, predicted in parts to report the progress."""
    found = []
    with counting("finding landmarks", len(images)) as done:
        for start in range(0, len(images), _AT_ONCE):
            found.append(predictor.predict(images[start : start + _AT_ONCE]))
            done(len(found[-1]))
    return np.concatenate(found)


def normalized_errors(
    faces: list[Face], predicted: np.ndarray, scheme: Scheme, normalizers: Sequence[str]
) -> dict[str, np.ndarray]:
    """Computes the NME of each face in percent for each normalizer.

    Args:
        faces: list of `Face`.
        predicted: (faces, landmarks, 2) photograph pixels.
        scheme: the landmarks' scheme.
        normalizers: names of the normalizers.

    Returns:
        Normalizer to (faces,) errors, NaN where the normalizer is not annotated.
    """
    truth = np.stack([face.landmarks for face in faces]).astype(float)
    wrong = face_errors(truth, predicted)
    return {name: 100 * wrong / _distances(faces, truth, scheme, name) for name in normalizers}


def _part(whole, subset, chosen, kept, scheme):
    """The result of the chosen faces of a subset."""
    part = replace(
        whole,
        subset=subset,
        names=[name for name, takes in zip(whole.names, chosen, strict=True) if takes],
        errors={name: errors[chosen] for name, errors in whole.errors.items()},
        predictions=whole.predictions[chosen],
    )
    kept = [face for face, takes in zip(kept, chosen, strict=True) if takes]
    return _with_parts_of_faces(part, kept, scheme)


def _with_parts_of_faces(result, kept, scheme):
    """The result, with the NME of facial regions and of visible and occluded landmarks added."""
    truth = np.stack([face.landmarks for face in kept]).astype(float)
    distance = _distances(kept, truth, scheme, next(iter(result.errors)))

    def errors_of(landmarks):
        chosen = np.where(landmarks[..., None], truth, np.nan)
        return 100 * face_errors(chosen, result.predictions) / distance

    every = np.arange(scheme.num_landmarks)
    by_face = {
        name: errors_of(np.isin(every, indices)[None]) for name, indices in scheme.patches.items()
    }
    regions = {name: mean(errors) for name, errors in by_face.items()}
    visibility = {}
    if all(face.occluded is not None for face in kept):
        occluded = np.stack([face.occluded for face in kept])
        visibility = {"visible": mean(errors_of(~occluded)), "occluded": mean(errors_of(occluded))}
        # If no hidden landmark is annotated, there is nothing to compare.
        visibility = {} if np.isnan(visibility["occluded"]) else visibility
    return replace(result, regions=regions, region_errors=by_face, visibility=visibility)


def _distances(kept, truth, scheme, name):
    """The normalizing distance of each face in pixels: (faces,), NaN where unknown."""
    if name == "face_size":
        return np.array([np.sqrt(np.prod(face.box[2:])) for face in kept])
    known = np.full(len(kept), np.nan)
    if name in scheme.normalizers:
        known = scheme.distance(truth, name)
    given = np.array([face.distances.get(name, np.nan) for face in kept])
    distances = np.where(np.isnan(given), known, given)
    # Two eyes annotated at the same place give no distance to divide by.
    return np.where(distances > 0, distances, np.nan)


def face_errors(truth: ArrayLike, predicted: ArrayLike) -> np.ndarray:
    """Computes the mean distance between annotated and predicted landmarks of each face.

    Args:
        truth: (faces, landmarks, 2) annotated landmarks, NaN where not annotated.
        predicted: (faces, landmarks, 2) predicted landmarks.

    Returns:
        (faces,) distances in the same unit, NaN for a face without annotated landmarks.
    """
    distances = np.linalg.norm(np.asarray(predicted, float) - truth, axis=-1)
    visible = ~np.isnan(distances)
    with np.errstate(invalid="ignore"):
        return np.where(visible, distances, 0).sum(axis=-1) / visible.sum(axis=-1)
