"""Evaluation of a face detector: the faces it misses, and the error its boxes add to landmarks."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from keras_fld._internal.files import message_in, write_json
from keras_fld._internal.progress import counting
from keras_fld.evaluation import protocol
from keras_fld.geometry.boxes import overlap
from keras_fld.predict.landmarker import FaceLandmarker
from keras_fld.reports.intervals import mean_interval
from keras_fld.reports.report import mean

# A face counts as found if a box overlaps the annotated one by this much (intersection over union).
FOUND = 0.5
# A box that overlaps the annotated one by less than this is on something else.
ELSEWHERE = 0.3

NOTE = (
    "the images of some datasets are cropped around one face: there, a detector misses fewer faces "
    "and finds fewer other boxes than in whole photographs"
)


@dataclass(frozen=True)
class Detections:
    """The faces that a detector found in one subset, and the errors of their landmarks.

    Args:
        subset: name of the subset.
        names: name of each face.
        overlaps: (faces,) overlap of the best box with the annotated one; 0 if there is no box.
        others: number of boxes on something other than the annotated face.
        annotated: normalizer to each face's NME in percent with the annotated box.
        detected: for each number of passes, starting at one, the same with the detector's box. NaN
            for a missed face.
    """

    subset: str
    names: list[str]
    overlaps: np.ndarray
    others: int
    annotated: dict[str, np.ndarray]
    detected: list[dict[str, np.ndarray]]

    @property
    def rows(self):
        """One dictionary for each normalizer and number of passes, with the NME in percent.

        "loss" is the NME that the detector's box adds, averaged over the found faces; "interval" is
        its 95 % bootstrap interval. "annotated_missed" is the NME of the missed faces with their
        annotated box.
        """
        found = self.overlaps >= FOUND
        rows = []
        for name, annotated in self.annotated.items():
            for passes, errors in enumerate(self.detected, 1):
                loss = (errors[name] - annotated)[found]
                rows.append(
                    {
                        "subset": self.subset,
                        "normalizer": name,
                        "passes": passes,
                        "faces": len(found),
                        "found": int(found.sum()),
                        "missed": int((~found).sum()),
                        "other_boxes": self.others,
                        "annotated": mean(annotated[found]),
                        "detected": mean(errors[name][found]),
                        "loss": mean(loss),
                        "interval": list(mean_interval(loss)),
                        "annotated_missed": mean(annotated[~found]),
                    }
                )
        return rows


@dataclass(frozen=True)
class DetectionReport:
    """Result of `evaluate_detector`. Printing it shows a table.

    Args:
        dataset: name of the dataset.
        model: name of the model.
        detector: name of the detector.
        subsets: one `Detections` for each subset.
        notes: sentences on missing or skipped files and on the limits of the figures.
        license: SPDX identifier of the license of the model's weights, or None if it is not known.
    """

    dataset: str
    model: str
    detector: str
    subsets: list[Detections]
    notes: list[str]
    license: str | None = None

    @property
    def rows(self):
        """The rows of all subsets."""
        return [row for subset in self.subsets for row in subset.rows]

    def __str__(self):
        head = (
            f"{'subset':<12}{'normalizer':<14}{'faces':>6}{'missed':>8}{'others':>8}{'passes':>8}"
        )
        head += f"{'own box %':>11}{'detected %':>12}{'loss':>8}{'95 % range':>20}"
        lines = [head, "-" * len(head)]
        for row in self.rows:
            lines.append(
                f"{row['subset']:<12}{row['normalizer']:<14}{row['faces']:>6}{row['missed']:>8}"
                f"{row['other_boxes']:>8}{row['passes']:>8}{row['annotated']:>11.3f}"
                f"{row['detected']:>12.3f}{row['loss']:>+8.3f}"
                f"{'{:+.3f} to {:+.3f}'.format(*row['interval']):>20}"
            )
        return "\n".join(lines)

    def as_dict(self):
        """Returns the content of detection.json: figures, overlaps and errors of the faces."""
        return {
            "dataset": self.dataset,
            "model": self.model,
            "license": self.license,
            "detector": self.detector,
            "rows": self.rows,
            "notes": self.notes,
            "faces": {s.subset: _faces(s) for s in self.subsets},
        }

    def save(self, folder):
        """Writes detection.json with each face's overlap and errors."""
        write_json(Path(folder) / "detection.json", self.as_dict())


def evaluate_detector(
    model,
    dataset,
    root=None,
    detector="blazeface",
    passes=3,
    subsets=None,
    skip_bad=False,
    **options,
):
    """Compares the landmarks from a detector's boxes with those from the annotated boxes.

    Args:
        model: a Keras model, or the path of a `.keras` or `.tflite` file or a baseline's `.npz`.
        dataset: name of the dataset, such as "300w".
        root: folder of the dataset, with photographs.
        detector: a detector as in `FaceLandmarker`.
        passes: largest number of forward passes per face. Every number up to it is reported.
        subsets: names of the subsets. None uses all test subsets that are present.
        skip_bad: whether to skip bad files instead of stopping at the first one.
        **options: options of the dataset's reader.

    Returns:
        A `DetectionReport`.

    Raises:
        ValueError: no subset is present, a file is bad, the faces are prepared crops without their
            photographs, or the model has another scheme.

    Examples:
        >>> print(evaluate_detector("face.tflite", "300w", root))
    """
    landmarker = FaceLandmarker(model, detector, passes, score=None)
    results = []
    read, notes = protocol.read_subsets(landmarker, dataset, root, subsets, skip_bad, **options)
    for subset, faces in read:
        faces, images, skipped = _readable(faces, skip_bad)
        notes += [f"{subset}: {sentence}" for sentence in skipped]
        results.append(_detections(landmarker, subset, faces, images))
    return DetectionReport(
        dataset,
        protocol.model_name(model),
        _detector_name(detector),
        results,
        [*notes, NOTE],
        landmarker.license,
    )


def _detections(landmarker, subset, faces, images):
    """The `Detections` of a subset. Each call of `images` iterates over its photographs."""
    boxes, overlaps, others = [], [], 0
    with counting("detecting faces", len(faces)) as done:
        for face, image in zip(faces.faces, images(), strict=True):
            found = landmarker.find_boxes(image)
            shares = overlap(found[:, :4], [face.box])[:, 0]
            overlaps.append(shares.max(initial=0))
            others += int((shares < ELSEWHERE).sum())
            boxes.append(found[[shares.argmax()]] if overlaps[-1] >= FOUND else found[:0])
            done(1)

    def errors(boxes, passes):
        """NME for each normalizer, with at most one box per face."""
        predicted = np.full((len(faces), landmarker.num_landmarks, 2), np.nan)
        with counting("finding landmarks", len(faces)) as done:
            found = landmarker.detect_many(_counted(images(), done), boxes, passes=passes)
        for i, seen in enumerate(found):
            if seen:
                predicted[i] = seen[0].landmarks
        return protocol.normalized_errors(faces.faces, predicted, faces.scheme, faces.normalizers)

    return Detections(
        subset=subset,
        names=[face.name for face in faces.faces],
        overlaps=np.array(overlaps),
        others=others,
        annotated=errors([face.box[None] for face in faces.faces], 1),
        detected=[errors(boxes, passes) for passes in range(1, landmarker.passes + 1)],
    )


def _counted(images, done):
    for image in images:
        yield image
        done(1)


def _readable(faces, skip_bad):
    """The faces with a readable photograph, a function that iterates over these photographs, and
    a message for each skipped face.
    """
    if any(face.prepared for face in faces.faces):
        raise ValueError(
            f"{faces.name}: a detector needs photographs. Got: a folder of prepared faces"
        )
    kept, skipped = [], []
    for face in faces.faces:
        try:
            if skip_bad:
                face.image()
            kept.append(face)
        except ValueError as error:
            skipped.append(message_in(faces.root, error))
    if not kept:
        raise ValueError(f"{faces.name}: no face could be read. First: {skipped[0]}")
    return replace(faces, faces=kept), lambda: (face.image() for face in kept), skipped


def _detector_name(detector):
    """The name of a detector in a report: that of its file, without folders, or its function."""
    if isinstance(detector, (str, Path)):
        return Path(detector).name
    return getattr(detector, "__name__", type(detector).__name__)


def _faces(found):
    """The figures of each face, for detection.json."""
    detected = {
        f"{name}_passes_{passes}": errors[name].round(4)
        for passes, errors in enumerate(found.detected, 1)
        for name in errors
    }
    annotated = {f"{name}_annotated": errors.round(4) for name, errors in found.annotated.items()}
    return {"name": found.names, "overlap": found.overlaps.round(4), **annotated, **detected}
